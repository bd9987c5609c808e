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
