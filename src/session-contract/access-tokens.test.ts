import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type AccessToken,
  formatAccessToken,
  hashAccessToken,
  matchAccessToken,
  readAccessTokens,
  writeAccessTokens,
} from './access-tokens.ts';

const now = Date.parse('2026-11-20T10:00:00Z');
const secret = formatAccessToken(randomBytes(32));
const token: AccessToken = {
  id: '1f0a',
  label: 'VS Code',
  hash: hashAccessToken(secret),
  created: '2026-11-20T09:00:00.000Z',
  expires: '2026-11-20T10:00:01.000Z',
};

describe('an access token', () => {
  it('is found by its hash until it expires', () => {
    const others = [
      { ...token, id: 'x', hash: hashAccessToken('other') },
      { ...token, id: 'y', hash: '' },
    ];
    expect(matchAccessToken([...others, token], secret, now)).toBe(token);
    expect(matchAccessToken([token], secret, now + 1_000)).toBeUndefined();
    expect(matchAccessToken(others, secret, now)).toBeUndefined();
  });

  it.each(['', 'nbs_', token.hash, `${secret}x`, secret.slice(0, -1), ` ${secret}`, secret.toUpperCase()])(
    'is not found for the string %j',
    (text) => {
      expect(matchAccessToken([token], text, now)).toBeUndefined();
    },
  );
});

describe('the annotation with access tokens', () => {
  it('contains the entries with their hashes, and no token', () => {
    expect(readAccessTokens(writeAccessTokens([token]))).toEqual([token]);
    expect(writeAccessTokens([token])).not.toContain(secret);
  });

  it.each([undefined, '', '{', 'null', '{}', '"nbs_x"', '[null, 1, "a", {}, {"id": 1}]', '[{"hash": "x"}]'])(
    'gives no access with the content %j',
    (text) => {
      expect(readAccessTokens(text)).toEqual([]);
    },
  );

  it('gives no access if the expiry time is invalid', () => {
    expect(matchAccessToken([{ ...token, expires: 'never' }], secret, now)).toBeUndefined();
  });
});
