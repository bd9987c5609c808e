import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLogger, withoutCredentials } from './logger.ts';

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown> {
  let text = '';
  const destination = {
    write(line: string) {
      text += line;
    },
  };
  write(createLogger({ name: 'test', destination }));
  return JSON.parse(text) as Record<string, unknown>;
}

describe('the log', () => {
  it('removes credentials by the names of their members', () => {
    const line = logged((log) =>
      log.info({
        authorization: 'a-secret',
        headers: { cookie: 'a-secret', 'renku-auth-access-token': 'a-secret', host: 'kept' },
        user: { token: 'a-secret' },
      }),
    );
    expect(JSON.stringify(line)).not.toContain('a-secret');
    expect(line['headers']).toMatchObject({ host: 'kept' });
  });

  it('has an error with its causes, without other properties that libraries attach', () => {
    const error = new Error('outer', {
      cause: Object.assign(new TypeError('inner'), {
        code: 'ECONNRESET',
        response: { headers: 'a-secret' },
        config: 'a-secret',
      }),
    });
    const line = logged((log) => log.error({ err: error }, 'failed'));
    expect(line['err']).toMatchObject({
      type: 'Error',
      message: 'outer',
      cause: { type: 'TypeError', code: 'ECONNRESET' },
    });
    expect(JSON.stringify(line)).not.toContain('a-secret');
  });

  it('does not end the program when the disk is full', async () => {
    const log = createLogger({ name: 'test', file: '/dev/full' });
    for (let index = 0; index < 3; index += 1) {
      log.info('to a device that is always full');
      // The stream emits an error one turn later, and an unhandled error would end the process.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(log.isLevelEnabled('info')).toBe(true);
  });

  it('accepts an error that is its own cause', () => {
    const error: Error & { cause?: unknown } = new Error('round');
    error.cause = error;
    expect(logged((log) => log.error({ err: error }))).toHaveProperty('err.cause.cause.cause.message', 'round');
  });

  it('has the level info if the configured level is unknown', () => {
    expect(createLogger({ name: 'x', level: 'loud' }).level).toBe('info');
  });
});

describe('a text', () => {
  it.each([
    ['Authorization: Bearer abcdefgh12345678', 'abcdefgh12345678'],
    ['"token":"abcdefgh12345678"', 'abcdefgh12345678'],
    ['basic dXNlcjpwYXNzd29yZA==', 'dXNlcjpwYXNzd29yZA'],
    ['jwt eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', 'eyJzdWIiOiIxIn0'],
    ['glpat-abcdefghijklmnopqrst', 'abcdefghijklmnopqrst'],
    ['https://oauth2:s3cret@gitlab.example.org/a.git', 's3cret'],
    ['GET /x?private_token=s3cret&a=b', 's3cret'],
  ])('loses its credentials: %s', (text, secret) => {
    expect(withoutCredentials(text)).not.toContain(secret);
  });

  it('is not changed otherwise', () => {
    const text = 'GET https://gitlab.example.org/api/v4/projects/group%2Fproject failed: token expired';
    expect(withoutCredentials(text)).toBe(text);
  });
});

describe('a log file', () => {
  /** Runs a program that logs to `file`; returns the lines and the exit code. */
  function run(program: string, batchMs = 1_000_000): { lines: string[]; code: number | null } {
    const file = join(mkdtempSync(join(tmpdir(), 'logger-')), 'log');
    const module = new URL('./logger.ts', import.meta.url).href;
    const source = `const { createLogger } = await import(${JSON.stringify(module)});
      const log = createLogger({ name: 'test', file: ${JSON.stringify(file)}, batchMs: ${batchMs} });
      const written = async () => (await import('node:fs')).readFileSync(${JSON.stringify(file)}, 'utf8');
      ${program}`;
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
    return { lines: readFileSync(file, 'utf8').trim().split('\n'), code: status };
  }
  const messages = ({ lines }: { lines: string[] }): unknown[] => lines.map((line) => JSON.parse(line).msg);

  it('has every line after the time of a batch, and at the exit', () => {
    const waited = run(
      `log.info('one'); log.info({ early: await written() }, 'two');
      while ((await written()) === '') await new Promise((resolve) => setTimeout(resolve, 5));
      process.kill(process.pid, 'SIGKILL');`,
      1_000,
    );
    expect(messages(waited)).toEqual(['one', 'two']);
    expect(waited.lines[1]).toContain('"early":""');
    const many = run(`for (let n = 0; n < 1000; n += 1) log.info('line ' + n);`);
    expect(many.code).toBe(0);
    expect(messages(many)).toEqual(Array.from({ length: 1_000 }, (_, n) => `line ${n}`));
  });

  it('has an error at once with the lines before it, and the last lines of a program that crashes', () => {
    const killed = run(`log.info('before'); log.error('the error');
      while (!(await written()).includes('the error')) await new Promise((resolve) => setTimeout(resolve, 5));
      process.kill(process.pid, 'SIGKILL');`);
    expect(messages(killed)).toEqual(['before', 'the error']);
    const crashed = run(`log.info('before the crash'); throw new Error('crash');`);
    expect([messages(crashed), crashed.code]).toEqual([['before the crash'], 1]);
  });
});
