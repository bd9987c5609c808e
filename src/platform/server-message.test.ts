import { describe, expect, it } from 'vitest';
import { serverMessage } from './server-message.ts';

describe('the reason of an error', () => {
  it.each([
    [403, { message: '403 Forbidden - Your account has been blocked.' }, 'Your account has been blocked.'],
    [
      403,
      {
        message:
          '403 Forbidden - You (@ada) must accept the Terms of Service at https://gitlab.example.org/-/users/terms.',
      },
      'You (@ada) must accept the Terms of Service at https://gitlab.example.org/-/users/terms.',
    ],
    [403, { message: 'Your password expired.' }, 'Your password expired.'],
    [
      401,
      { error: 'invalid_token', error_description: 'Token was revoked. You have to re-authorize from the user.' },
      'Token was revoked. You have to re-authorize from the user.',
    ],
    [
      429,
      { message: { error: 'This endpoint has been requested too many times. Try again later.' } },
      'This endpoint has been requested too many times. Try again later.',
    ],
    [503, { message: '503 Service Unavailable: GitLab is in maintenance.' }, 'GitLab is in maintenance.'],
    [403, { error: 'Two factor authentication is required' }, 'Two factor authentication is required'],
    [403, { errors: [{ code: 'DENIED', message: 'Your account is deactivated.' }] }, 'Your account is deactivated.'],
    [403, { message: '403 Forbiddenish things happen' }, '403 Forbiddenish things happen'.slice(4)],
  ])('of %d %j is passed on', (status, body, reason) => {
    expect(serverMessage(body, status, null)).toBe(reason);
  });

  it.each([
    [403, { message: '403 Forbidden' }],
    [403, { message: '403 forbidden.' }],
    [403, { message: 'Forbidden' }],
    [403, { message: '403 Forbidden - ' }],
    [403, { error: 'insufficient_scope' }],
    [401, { message: '401 Unauthorized' }],
    [503, { message: '503 Service Unavailable' }],
    [403, { errors: [{ code: 'DENIED', message: 'access forbidden' }] }],
    [403, { errors: [] }],
    [403, { errors: [null] }],
    [403, { message: { base: ['no'] } }],
    [403, { message: ' \u0000 \u200b ' }],
    [403, []],
    [403, undefined],
    [403, 'text'],
  ])('of %d %j says no more than the status', (status, body) => {
    expect(serverMessage(body, status, null)).toBeUndefined();
  });

  it('is plain text of limited length, without credentials', () => {
    const told = (message: string) => serverMessage({ message }, 403, 's3cret-token');
    expect(told('Go\n\tto <a href="https://x">this\u001b[31m page</a>\u202e now')).toBe('Go to this [31m page now');
    expect(told('The token s3cret-token is bad')).toBe('The token [removed] is bad');
    expect(told('It was glpat-abcdefghijklmnopqrst, at https://me:pw@host/x?private_token=abc')).toBe(
      'It was [removed], at https://[removed]@host/x?private_token=[removed]',
    );
    expect(told('a '.repeat(1000))).toHaveLength(300);
    expect(told(`${'a '.repeat(149)}x😀`)?.isWellFormed()).toBe(true);
  });
});
