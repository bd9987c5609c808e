import fc from 'fast-check';
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  audience,
  credentials,
  fieldsOf,
  gitLab,
  headersWith,
  type Issuer,
  identifyCaller,
  identityWith,
  issuer,
  person,
  rejection,
  startIssuer,
} from '../../tests/support/identity.ts';

let idp: Issuer;
beforeAll(async () => {
  idp = await startIssuer();
});
afterAll(() => idp.close());

describe('a registered user', () => {
  it('is the user of a verified token', async () => {
    const { identity, setCookie } = await identifyCaller(identityWith(idp.url), headersWith(await idp.sign({})));
    expect(identity).toEqual({
      kind: 'registered',
      id: 'f:1234:john',
      username: 'john.doe',
      email: 'john@example.org',
      fullName: 'John Doe',
      issuer,
      accessToken: 'access',
      refreshToken: 'refresh',
      git: { url: 'https://gitlab.example.org', token: 'git-token', tokenExpiresAt: 1_900_000_000 },
    });
    expect(setCookie).toBeUndefined();
  });

  it('needs no refresh token', async () => {
    const headers = headersWith(await idp.sign({}));
    delete headers['renku-auth-refresh-token'];
    expect((await identifyCaller(identityWith(idp.url), headers)).identity).toMatchObject({ refreshToken: null });
  });

  const hostile: [string, () => Promise<string> | string, string[]][] = [
    ['no JWT', () => 'nonsense', ['header.Renku-Auth-Id-Token']],
    ['dots', () => '..', ['header.Renku-Auth-Id-Token']],
    ['another key', () => idp.sign({}, { key: idp.foreign }), ['header.Renku-Auth-Id-Token']],
    ['an unknown key id', () => idp.sign({}, { kid: 'two' }), ['header.Renku-Auth-Id-Token']],
    [
      'no signature',
      () => new UnsecuredJWT({ ...person, iss: issuer, aud: audience }).setExpirationTime('1h').encode(),
      ['header.Renku-Auth-Id-Token'],
    ],
    [
      'the public key as a shared secret',
      async () => {
        const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(idp.keys.publicKey)));
        return new SignJWT({ ...person, iss: issuer, aud: audience })
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .setExpirationTime('1h')
          .sign(secret);
      },
      ['header.Renku-Auth-Id-Token'],
    ],
    [
      'a changed payload',
      async () => {
        const [head, , signature] = (await idp.sign({})).split('.');
        const payload = Buffer.from(
          JSON.stringify({ ...person, sub: 'admin', iss: issuer, aud: audience, exp: 4e9 }),
        ).toString('base64url');
        return `${head}.${payload}.${signature}`;
      },
      ['header.Renku-Auth-Id-Token'],
    ],
    [
      'an end in the past',
      () => idp.sign({ exp: Math.floor(Date.now() / 1000) - 60 }),
      ['header.Renku-Auth-Id-Token.exp'],
    ],
    ['no end', () => idp.sign({ exp: undefined }), ['header.Renku-Auth-Id-Token.exp']],
    [
      'a beginning in the future',
      () => idp.sign({ nbf: Math.floor(Date.now() / 1000) + 600 }),
      ['header.Renku-Auth-Id-Token.nbf'],
    ],
    ['another issuer', () => idp.sign({ iss: 'https://evil.example' }), ['header.Renku-Auth-Id-Token.iss']],
    ['another audience', () => idp.sign({ aud: 'another-service' }), ['header.Renku-Auth-Id-Token.aud']],
  ];
  it.each(hostile)('is rejected with a token with %s', async (_what, token, fields) => {
    const error = await rejection(identityWith(idp.url), headersWith(await token()));
    expect(error.kind).toMatchObject({ code: 1401, status: 401 });
    expect(fieldsOf(error)).toEqual(fields);
  });

  const claims: [string, Record<string, unknown>, string[]][] = [
    ['an empty user name', { preferred_username: '' }, ['preferred_username']],
    ['a blank user name', { preferred_username: ' \t' }, ['preferred_username']],
    ['no user name', { preferred_username: undefined }, ['preferred_username']],
    ['wrong types', { preferred_username: ['john'], email: 5, name: {} }, ['preferred_username', 'email', 'name']],
    ['nothing at all', { preferred_username: null, email: null, name: null }, ['preferred_username', 'email', 'name']],
    [
      'control characters',
      { preferred_username: 'john\u0000', name: 'John\nDoe', email: 'a\u2028b' },
      ['preferred_username', 'email', 'name'],
    ],
    [
      'long texts',
      { preferred_username: 'x'.repeat(256), email: `${'x'.repeat(320)}@example.org` },
      ['preferred_username', 'email'],
    ],
    ['an empty id', { sub: '' }, ['sub']],
  ];
  it.each(claims)('is rejected with %s, in either mode', async (_what, claim, names) => {
    for (const gateway of ['verified', 'trusted']) {
      const error = await rejection(
        identityWith(idp.url, { NB_IDENTITY__GATEWAY: gateway }),
        headersWith(await idp.sign(claim)),
      );
      expect(error.kind.status).toBe(401);
      expect(fieldsOf(error)).toEqual(names.map((name) => `header.Renku-Auth-Id-Token.${name}`));
    }
  });

  const git = 'header.Renku-Auth-Git-Credentials';
  const gitCredentials: [string, string, string[]][] = [
    ['that are no base64', '{"a":1}', [git]],
    ['that are no JSON', Buffer.from('{').toString('base64'), [git]],
    ['that are no UTF-8', Buffer.from([0xff, 0xfe]).toString('base64'), [git]],
    ['that are a list', credentials([gitLab]), [git]],
    ['that are empty', credentials({}), [git]],
    ['for another GitLab', credentials({ 'https://gitlab.example.org.evil.example': gitLab }), [git]],
    ['for another port', credentials({ 'https://gitlab.example.org:8443': gitLab }), [git]],
    ['that are null', credentials({ 'https://gitlab.example.org': null }), [git]],
    [
      'without an expiry',
      credentials({ 'https://gitlab.example.org': { AuthorizationHeader: 'bearer x' } }),
      [`${git}.AccessTokenExpiresAt`],
    ],
    [
      'with an expiry that is no time',
      credentials({ 'https://gitlab.example.org': { ...gitLab, AccessTokenExpiresAt: [] } }),
      [`${git}.AccessTokenExpiresAt`],
    ],
    [
      'without a token',
      credentials({ 'https://gitlab.example.org': { AccessTokenExpiresAt: null } }),
      [`${git}.AuthorizationHeader`],
    ],
    [
      'with a token that breaks a header',
      credentials({ 'https://gitlab.example.org': { ...gitLab, AuthorizationHeader: 'bearer a\r\nb' } }),
      [`${git}.AuthorizationHeader`],
    ],
    [
      'with half a header',
      credentials({ 'https://gitlab.example.org': { ...gitLab, AuthorizationHeader: 'bearer' } }),
      [`${git}.AuthorizationHeader`],
    ],
  ];
  it.each(gitCredentials)('is rejected with git credentials %s', async (_what, value, fields) => {
    const error = await rejection(
      identityWith(idp.url),
      headersWith(await idp.sign({}), { 'renku-auth-git-credentials': value }),
    );
    expect(error.kind.status).toBe(401);
    expect(fieldsOf(error)).toEqual(fields);
  });

  it('has the token of the configured GitLab among the tokens of others, and the configured address', async () => {
    const value = credentials({
      'https://other.example.org': { ...gitLab, AuthorizationHeader: 'bearer other' },
      'http://GitLab.example.org/sub/': { AuthorizationHeader: 'Bearer mine', AccessTokenExpiresAt: null },
    });
    const { identity } = await identifyCaller(
      identityWith(idp.url),
      headersWith(await idp.sign({}), { 'renku-auth-git-credentials': value }),
    );
    // http and https are different hosts only by their default ports, which neither names.
    expect(identity.git).toEqual({ url: 'https://gitlab.example.org', token: 'mine', tokenExpiresAt: -1 });
  });

  it.each([
    [1_700_000_000.9, 1_700_000_000],
    ['1700000000.9', 1_700_000_000],
    [null, -1],
    ['soon', -1],
    ['', -1],
    [-1, -1],
  ])('has a git token that expires at %j', async (given, expected) => {
    const value = credentials({ 'https://gitlab.example.org': { ...gitLab, AccessTokenExpiresAt: given } });
    const { identity } = await identifyCaller(
      identityWith(idp.url),
      headersWith(await idp.sign({}), { 'renku-auth-git-credentials': value }),
    );
    expect(identity.git.tokenExpiresAt).toBe(expected);
  });

  it('is never treated as an anonymous user if headers are missing', async () => {
    const all = headersWith(await idp.sign({}), { 'renku-auth-anon-id': 'anon-1234' });
    for (const missing of ['renku-auth-access-token', 'renku-auth-id-token', 'renku-auth-git-credentials']) {
      const error = await rejection(identityWith(idp.url), { ...all, [missing]: undefined });
      expect(fieldsOf(error).map((path) => path.toLowerCase())).toEqual([`header.${missing}`]);
      const empty = await rejection(identityWith(idp.url), { ...all, [missing]: '' });
      expect(fieldsOf(empty).map((path) => path.toLowerCase())).toEqual([`header.${missing}`]);
    }
  });

  it('is accepted without a signature only if the gateway is trusted', async () => {
    const token = await idp.sign({ iss: 'https://anything.example' }, { key: idp.foreign });
    const { identity } = await identifyCaller(
      identityWith(idp.url, { NB_IDENTITY__GATEWAY: 'trusted' }),
      headersWith(token),
    );
    expect(identity).toMatchObject({ kind: 'registered', username: 'john.doe', issuer: 'https://anything.example' });
    expect(
      (await rejection(identityWith(idp.url, { NB_IDENTITY__GATEWAY: 'trusted' }), headersWith('a.b.c'))).kind.status,
    ).toBe(401);
  });

  it('is not accepted without a gateway', async () => {
    const off = identityWith(idp.url, { NB_IDENTITY__GATEWAY: 'off' });
    const { identity, setCookie } = await identifyCaller(
      off,
      headersWith(await idp.sign({}), { 'renku-auth-anon-id': 'anon-chosen' }),
    );
    expect(identity).toMatchObject({ kind: 'anonymous', source: 'cookie' });
    expect(setCookie).toBeDefined();
    const closed = identityWith(idp.url, { NB_IDENTITY__GATEWAY: 'off', NB_ANONYMOUS_SESSIONS_ENABLED: 'false' });
    expect((await rejection(closed, headersWith(await idp.sign({})))).kind.status).toBe(401);
  });

  it('is identified or rejected with 401, with any content of the headers', async () => {
    const identify = identityWith(idp.url);
    const good = headersWith(await idp.sign({}));
    const part = fc.oneof(
      fc.base64String(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.constantFrom('', 'e30'),
    );
    const value = fc.oneof(
      fc.string(),
      fc.tuple(part, part, part).map((parts) => parts.join('.')),
      fc.json().map((text) => Buffer.from(text).toString('base64')),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(good), 'cookie', 'renku-auth-anon-id'),
        value,
        async (name, text) => {
          const headers =
            name.startsWith('renku-auth') && name !== 'renku-auth-anon-id'
              ? { ...good, [name]: text }
              : { [name]: text };
          const answer = await identifyCaller(identify, headers).catch((error: unknown) => error);
          if (answer instanceof Error) expect(answer).toMatchObject({ kind: { status: 401 } });
        },
      ),
      { numRuns: 500 },
    );
  });
});
