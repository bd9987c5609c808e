import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { python } from '../../../../tests/support/local/kubelet/python.ts';
import { isAlive as isPidAlive } from '../../../../tests/support/platform.ts';
import { endMarked, isAlive, listMarked } from '../../machine/processes.ts';
import { type ContainerProcess, findProcess, startProcess } from './container-process.ts';
import { readLog, readTail } from './log-files.ts';

let folder: string;
let marker: string;
let count = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'container-process-'));
  count += 1;
  marker = `test-${process.pid}-${count}/pod/container`;
});
afterEach(async () => {
  expect(await endMarked(marker, 5_000)).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

const attempt = () => join(folder, '1');
const start = (script: string, variables: Record<string, string> = {}): Promise<ContainerProcess> =>
  startProcess({
    directory: attempt(),
    python,
    command: ['sh', '-c', script],
    workingDirectory: folder,
    // Has a locale, because Python would otherwise add one (PEP 538).
    variables: { PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', ...variables },
    marker,
  });
const marked = () => [...listMarked(marker).values()].flat();
async function lines(options: { timestamps?: boolean; tailLines?: number } = {}): Promise<string[]> {
  const all: string[] = [];
  for await (const line of readLog(attempt(), { timestamps: false, ...options }, AbortSignal.timeout(20_000)))
    all.push(line);
  return all;
}
const output = (text: string) =>
  vi.waitFor(async () => expect((await lines()).join('')).toContain(text), { timeout: 60_000 });

describe('a container process', () => {
  it('returns its exit code, and logs its output with the time of each line', async () => {
    const child = await start('echo out; echo err >&2; printf "no newline"; exit 7');
    expect(await child.exited).toMatchObject({ exitCode: 7, signal: 0, outOfMemory: false });
    expect(await lines()).toEqual(['out\n', 'err\n', 'no newline\n']);
    const [first = ''] = await lines({ timestamps: true });
    expect(first).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z out\n$/);
    expect((await stat(join(attempt(), 'log.0'))).mode & 0o077).toBe(0);
  });

  it('distinguishes a signal from an exit code', async () => {
    expect(await (await start('kill -TERM $$')).exited).toMatchObject({ exitCode: 143, signal: 15 });
  });

  it('has only the marker and its own variables, and can be interrupted with SIGINT', async () => {
    const child = await start('env; trap "exit 42" INT; kill -INT $$; exit 1', { ONLY: 'this' });
    expect(await child.exited).toMatchObject({ exitCode: 42 });
    const names = (await lines()).map((line) => line.split('=')[0]);
    expect(names.sort()).toEqual(['LANG', 'NOTEBOOK_SESSIONS_POD', 'ONLY', 'PATH', 'PWD']);
  });

  it('ends the processes that its main process has left running, also in another process session and without the marker', async () => {
    const child = await start(
      'setsid sh -c "echo \\$\\$ >a; exec sleep 1000" & env -i setsid sh -c "echo \\$\\$ >b; exec sleep 1000" & while ! [ -s a ] || ! [ -s b ]; do :; done',
    );
    expect(await child.exited).toMatchObject({ exitCode: 0 });
    for (const name of ['a', 'b']) {
      const pid = Number(await readFile(join(folder, name), 'utf8'));
      expect(isPidAlive(pid)).toBe(false);
    }
  });

  it('stops with SIGTERM within the grace period', async () => {
    const child = await start('trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done');
    await output('up');
    expect(await child.stop(20_000)).toMatchObject({ exitCode: 5 });
    expect((await lines()).at(-1)).toBe('bye\n');
  });

  it('is killed if it ignores SIGTERM, and a second stop can shorten the grace period', async () => {
    const child = await start('trap "" TERM; echo up; while :; do sleep 0.05; done');
    await output('up');
    const slow = child.stop(600_000);
    const before = performance.now();
    await child.stop(0);
    expect(await slow).toMatchObject({ exitCode: 137, signal: 9 });
    expect(performance.now() - before).toBeLessThan(60_000);
    await expect.poll(() => marked()).toEqual([]);
  });

  it('reports why it cannot start', async () => {
    await expect(
      startProcess({
        directory: attempt(),
        python: '/no/such/python',
        command: ['true'],
        workingDirectory: folder,
        variables: {},
        marker,
      }),
    ).rejects.toThrow(/ENOENT/);
    const child = await startProcess({
      directory: attempt(),
      python,
      command: ['/no/such/program'],
      workingDirectory: folder,
      variables: { PATH: process.env['PATH'] ?? '' },
      marker,
    });
    expect(await child.exited).toMatchObject({ exitCode: 127 });
    expect(await readTail(attempt(), 2_048)).toContain('cannot run /no/such/program');
  });
});

describe('a later program', () => {
  it('finds the process and its exit code after the program that started it was killed', async () => {
    const module = new URL('./container-process.ts', import.meta.url).href;
    const script = `
      import { startProcess } from ${JSON.stringify(module)};
      await startProcess(${JSON.stringify({
        directory: attempt(),
        python,
        command: ['sh', '-c', 'echo up; while ! [ -e go ]; do sleep 0.02; done; echo on; exit 9'],
        workingDirectory: folder,
        variables: { PATH: process.env['PATH'] ?? '' },
        marker,
      })});
      console.log('started');`;
    const first = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(first.stdout, 'data');
    first.kill('SIGKILL');
    await once(first, 'exit');

    const adopted = await findProcess(attempt(), marker);
    expect(adopted && isAlive(adopted.main)).toBe(true);
    await writeFile(join(folder, 'go'), '');
    expect(await adopted?.exited).toMatchObject({ exitCode: 9 });
    expect(await lines()).toEqual(['up\n', 'on\n']);
    // Another program after that gets the same result.
    expect(await (await findProcess(attempt(), marker))?.exited).toMatchObject({ exitCode: 9 });
  });

  it('does not adopt another process with the same pid', async () => {
    const child = await start('exec sleep 1000');
    const record = JSON.parse(await readFile(join(attempt(), 'process.json'), 'utf8')) as Record<string, number>;
    const others = { pid: process.pid, shim: process.pid, reaper: process.pid };
    await writeFile(join(attempt(), 'process.json'), JSON.stringify({ ...record, ...others }));
    const found = await findProcess(attempt(), marker);
    expect(await found?.exited).toMatchObject({ exitCode: 137, message: expect.stringContaining('not known') });
    await found?.stop(0);
    expect(isAlive(child.main)).toBe(true);
    await child.kill();
  });

  it('finds an exit record after the shim was killed, and no running process, with or without the marker', async () => {
    // The process has no marker, its own process session and another parent: only its ancestors identify it.
    const child = await start(
      'env -i setsid sh -c "echo \\$\\$ >hidden.tmp; mv hidden.tmp hidden; exec sleep 1000" & while ! [ -e hidden ]; do :; done; echo up; exec sleep 1000',
    );
    await output('up');
    const hidden = Number(await readFile(join(folder, 'hidden'), 'utf8'));
    process.kill(child.shim.pid, 'SIGKILL');
    expect(await child.exited).toMatchObject({ exitCode: 137, message: expect.stringContaining('was killed') });
    expect(isPidAlive(hidden)).toBe(false);
    expect(isAlive(child.main)).toBe(false);
  });

  it('does not end the process if only the reaper was killed', async () => {
    const child = await start('echo up; while ! [ -e go ]; do sleep 0.02; done; exit 4');
    await output('up');
    process.kill(child.reaper.pid, 'SIGKILL');
    await expect.poll(() => isAlive(child.reaper)).toBe(false);
    await writeFile(join(folder, 'go'), '');
    expect(await child.exited).toMatchObject({ exitCode: 4 });
  });

  it('finds an exit record after shim and reaper were killed, and can end the remaining processes', async () => {
    const child = await start('echo up; exec sleep 1000');
    await output('up');
    for (const { pid } of [child.reaper, child.shim]) process.kill(pid, 'SIGKILL');
    expect(await child.exited).toMatchObject({ exitCode: 137, message: expect.stringContaining('not known') });
    expect(marked().map(({ pid }) => pid)).toEqual([child.main.pid]);
    expect(await endMarked(marker, 5_000)).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('names the processes that it cannot end', { timeout: 60_000 }, async () => {
    // Root without this capability may not signal other users' processes, like a user who has used sudo.
    const program = join(folder, 'python');
    await writeFile(program, `#!/bin/sh\nexec setpriv --bounding-set=-kill "${python}" "$@"\n`, { mode: 0o700 });
    const child = await startProcess({
      directory: attempt(),
      python: program,
      command: ['sh', '-c', 'setpriv --reuid=65534 --clear-groups sleep 1000 & echo $! >pid; sleep 0.2; exit 3'],
      workingDirectory: folder,
      variables: { PATH: process.env['PATH'] ?? '' },
      marker,
    });
    const { exitCode, survivors } = await child.exited;
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    expect({ exitCode, survivors }).toEqual({ exitCode: 3, survivors: [{ pid, name: 'sleep' }] });
    process.kill(pid, 'SIGKILL');
  });
});

describe('the log', () => {
  it('has a size limit, and can be followed across a rotation', async () => {
    // 24 MB in lines of 101 bytes; the last 10 to 20 MB are kept.
    const child = await start('i=0; line=$(printf "%0100d"); yes "$line" | head -n 240000; echo end');
    await child.exited;
    const files = (await readdir(attempt())).filter((name) => /^log\./.test(name));
    expect(files).toHaveLength(2);
    for (const name of files) expect((await stat(join(attempt(), name))).size).toBeLessThanOrEqual(10 * 1024 * 1024);
    const kept = await lines();
    expect(kept.length).toBeGreaterThan(80_000);
    expect(kept.at(-1)).toBe('end\n');
    expect(new Set(kept.slice(0, -1))).toEqual(new Set([`${'0'.repeat(100)}\n`]));
    expect(await lines({ tailLines: 2 })).toEqual(kept.slice(-2));
    expect(await lines({ tailLines: 100_000 })).toHaveLength(100_000);
  });

  it('keeps bytes that are not text, and splits a very long line', async () => {
    const child = await start('printf "a\\377\\000b\\n"; head -c 200000 /dev/zero | tr "\\0" x; echo; echo after');
    await child.exited;
    const kept = await lines();
    expect(kept[0]).toBe('a\ufffd\0b\n');
    expect(kept.at(-1)).toBe('after\n');
    expect(
      kept
        .slice(1, -1)
        .map((line) => line.length - 1)
        .reduce((sum, length) => sum + length),
    ).toBe(200_000);
  });
});
