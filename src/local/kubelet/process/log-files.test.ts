import { mkdtempSync, rmSync } from 'node:fs';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogOptions, readLog, readTail } from './log-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const time = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000Z`;
const stamped = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${time(from + index)} line ${from + index}\n`).join('');
async function read(options: Partial<LogOptions> = {}): Promise<string> {
  let text = '';
  const signal = AbortSignal.timeout(20_000);
  for await (const line of readLog(folder, { timestamps: false, ...options }, signal)) text += line;
  return text;
}

describe('readLog', () => {
  beforeEach(async () => {
    await writeFile(join(folder, 'log.0'), stamped(1, 3));
    await writeFile(join(folder, 'log.3'), stamped(4, 5));
  });

  it('reads both files in order, with or without times', async () => {
    expect(await read()).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n');
    expect(await read({ timestamps: true })).toBe(stamped(1, 5));
  });

  it('returns the last lines of both files together', async () => {
    expect(await read({ tailLines: 0 })).toBe('');
    expect(await read({ tailLines: 2 })).toBe('line 4\nline 5\n');
    expect(await read({ tailLines: 3 })).toBe('line 3\nline 4\nline 5\n');
    expect(await read({ tailLines: 99 })).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n');
  });

  it('returns the lines since a time, and at most the allowed bytes', async () => {
    expect(await read({ sinceMs: Date.parse(time(5)) })).toBe('line 5\n');
    expect(await read({ limitBytes: 10 })).toBe('line 1\nlin');
    expect(await read({ limitBytes: 7 })).toBe('line 1\n');
    expect(await read({ limitBytes: 0 })).toBe('');
  });

  it('returns the end of the log for a status', async () => {
    expect(await readTail(folder, 13)).toBe('line 4\nline 5');
    expect(await readTail(join(folder, 'nothing'), 13)).toBe('');
  });
});

describe('following a log', () => {
  it('continues after a rotation, until the process has ended', async () => {
    await writeFile(join(folder, 'log.0'), stamped(1, 1));
    let end: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      end = resolve;
    });
    const iterator = readLog(folder, { timestamps: false, until }, AbortSignal.timeout(20_000));
    const next = async () => (await iterator.next()).value;
    expect(await next()).toBe('line 1\n');
    await appendFile(join(folder, 'log.0'), stamped(2, 2));
    expect(await next()).toBe('line 2\n');
    await appendFile(join(folder, 'log.0'), stamped(3, 3));
    await writeFile(join(folder, 'log.3'), stamped(4, 4));
    expect(await next()).toBe('line 3\n');
    expect(await next()).toBe('line 4\n');
    await appendFile(join(folder, 'log.3'), `${stamped(5, 5)}torn`);
    end();
    expect(await next()).toBe('line 5\n');
    expect(await next()).toBe('torn\n');
    expect((await iterator.next()).done).toBe(true);
  });

  it('reads all new files, and counts the lines of removed ones', async () => {
    await writeFile(join(folder, 'log.0'), stamped(1, 2));
    const iterator = readLog(folder, { timestamps: true, until: Promise.resolve() }, AbortSignal.timeout(20_000));
    expect((await iterator.next()).value).toBe(stamped(1, 1));
    // In the meantime there are two rotations. The file of the first one is removed.
    await writeFile(join(folder, 'log.2'), stamped(3, 4));
    await writeFile(join(folder, 'log.9'), stamped(10, 10));
    await rm(join(folder, 'log.0'));
    const rest: string[] = [];
    for await (const line of iterator) rest.push(line);
    expect(rest).toEqual([
      stamped(2, 2),
      stamped(3, 3),
      stamped(4, 4),
      '5 lines were written faster than they could be read, and were lost\n',
      stamped(10, 10),
    ]);
  });

  it('ends when its signal aborts', async () => {
    await writeFile(join(folder, 'log.0'), stamped(1, 1));
    const gone = new AbortController();
    const iterator = readLog(folder, { timestamps: false, until: new Promise(() => undefined) }, gone.signal);
    expect((await iterator.next()).value).toBe('line 1\n');
    const waiting = iterator.next();
    gone.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
  });
});
