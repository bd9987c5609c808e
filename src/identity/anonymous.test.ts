import { describe, expect, it } from 'vitest';
import { fieldsOf, identifyCaller, identityWith as identityBehind, rejection } from '../../tests/support/identity.ts';

/** Its keys are never asked for. */
const identityWith = (env: Record<string, string> = {}) => identityBehind('http://127.0.0.1:9/jwks', env);

describe('an anonymous user', () => {
  it.each(['anon-1', 'anon-0a1B_-z', `anon-${'x'.repeat(123)}`])('can be named by the gateway: %s', async (id) => {
    const { identity, setCookie } = await identifyCaller(identityWith(), { 'renku-auth-anon-id': id });
    expect(identity).toEqual({
      kind: 'anonymous',
      source: 'header',
      id,
      username: id,
      git: { url: 'https://gitlab.example.org', token: null, tokenExpiresAt: 0 },
    });
    expect(setCookie).toBeUndefined();
  });

  it.each([
    'john.doe',
    '',
    'anon-',
    'anon',
    'Anon-1',
    'anon-a.b',
    'anon-a b',
    'anon-é',
    'anon-1, anon-2',
    `anon-${'x'.repeat(124)}`,
    'anon-1\n',
  ])('is rejected with the id %j', async (id) => {
    const error = await rejection(identityWith(), { 'renku-auth-anon-id': id });
    expect(error.kind.status).toBe(401);
    expect(fieldsOf(error)).toEqual(['header.Renku-Auth-Anon-Id']);
  });

  it('is rejected if anonymous sessions are disabled', async () => {
    const closed = identityWith({ NB_ANONYMOUS_SESSIONS_ENABLED: 'false' });
    for (const headers of [{}, { 'renku-auth-anon-id': 'anon-1' }, { cookie: 'notebook-sessions-anonymous=x' }]) {
      const error = await rejection(closed, headers);
      expect(fieldsOf(error)).toContain('header.Renku-Auth-Id-Token');
      expect(error.headers).toEqual({});
    }
  });

  it('gets a cookie that is valid on all replicas with the same secret', async () => {
    const { identity, setCookie = '' } = await identifyCaller(identityWith(), {});
    expect(identity.id).toMatch(/^anon-[0-9a-f]{32}$/);
    const cookie = `other=1; ${setCookie.split(';')[0]}; more=2`;
    const again = await identifyCaller(identityWith(), { cookie });
    expect(again.identity).toEqual(identity);
    expect(again.setCookie).toBeUndefined();
    const other = await identifyCaller(identityWith(), {});
    expect(other.identity.id).not.toBe(identity.id);
  });

  it('gets a cookie for encrypted connections only if the caller’s connection is encrypted', async () => {
    expect((await identifyCaller(identityWith(), { 'x-forwarded-proto': 'https' })).setCookie).toContain('; Secure');
    expect((await identifyCaller(identityWith(), {}, { encrypted: true })).setCookie).toContain('; Secure');
    expect((await identifyCaller(identityWith(), {})).setCookie).not.toContain('Secure');
  });

  it('is rejected once with a cookie of another issuer, and gets a valid one', async () => {
    const identify = identityWith();
    const { setCookie = '' } = await identifyCaller(identify, {});
    const value = setCookie.split(';')[0] ?? '';
    const [version, id, expiry, signature] = (value.split('=')[1] ?? '').split('.') as [string, string, string, string];
    const flipped = signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'));
    const forgeries = [
      `${version}.${id}.${expiry}.${flipped}`,
      `${version}.anon-${'0'.repeat(32)}.${expiry}.${signature}`,
      `${version}.${id}.${Number(expiry) + 1}.${signature}`,
      `v2.${id}.${expiry}.${signature}`,
      `${id}.${expiry}.${signature}`,
      `${version}.${id}.${expiry}.`,
      `${version}.${id}.${expiry}`,
      `${version}.john.doe.${expiry}.${signature}`,
      '',
      '%',
      'x'.repeat(5_000),
    ];
    for (const forged of forgeries) {
      const error = await rejection(identify, { cookie: `notebook-sessions-anonymous=${forged}` });
      expect(error.kind.status, forged).toBe(401);
      expect(fieldsOf(error)).toEqual(['cookie']);
      const given = error.headers['Set-Cookie']?.split(';')[0] ?? '';
      // Whether the browser still sends the other one, or sends it first.
      const both = `notebook-sessions-anonymous=${forged}; ${given}`;
      expect((await identifyCaller(identify, { cookie: both })).identity.id).not.toBe(id);
      expect(
        (await identifyCaller(identify, { cookie: `${value}; notebook-sessions-anonymous=${forged}` })).identity.id,
      ).toBe(id);
      expect(
        (await identifyCaller(identify, { cookie: `notebook-sessions-anonymous=${forged}; ${value}` })).identity.id,
      ).toBe(id);
    }
    const otherKey = identityWith({ NB_IDENTITY__COOKIE_SECRET: 'another secret of more than 32 bytes' });
    expect((await rejection(otherKey, { cookie: value })).kind.status).toBe(401);
    const randomKey = identityWith({ NB_IDENTITY__COOKIE_SECRET: '' });
    expect((await rejection(randomKey, { cookie: value })).kind.status).toBe(401);
    expect((await identifyCaller(identify, { cookie: value })).identity.id).toBe(id);
  });
});
