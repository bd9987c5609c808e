import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import {
  credentials,
  fieldsOf,
  gitLab,
  headersWith,
  type Issuer,
  identifyCaller,
  identityWith,
  rejection,
  startIssuer,
} from '../../tests/support/identity.ts';

let idp: Issuer;
beforeAll(async () => {
  idp = await startIssuer();
});
afterAll(() => idp.close());
afterEach(() => {
  vi.useRealTimers();
});

it('returns the same user for the same headers, with tokens and credentials', async () => {
  const identify = identityWith(idp.url);
  const headers = headersWith(await idp.sign({}));
  const { identity: first } = await identifyCaller(identify, headers);
  const { identity: second } = await identifyCaller(identify, { ...headers });
  expect(second).toEqual(first);
  expect(second.git.token).toBe('git-token');
});

it('verifies again if any header has another value', async () => {
  const identify = identityWith(idp.url);
  const headers = headersWith(await idp.sign({}));
  await identifyCaller(identify, headers);
  const other = credentials({ 'https://gitlab.example.org': { ...gitLab, AuthorizationHeader: 'bearer other' } });
  const { identity } = await identifyCaller(identify, { ...headers, 'renku-auth-git-credentials': other });
  expect(identity.git.token).toBe('other');
  const damaged = await rejection(identify, { ...headers, 'renku-auth-git-credentials': 'e30=' });
  expect(fieldsOf(damaged)).toEqual(['header.Renku-Auth-Git-Credentials']);
  const foreign = await idp.sign({}, { key: idp.foreign });
  expect((await rejection(identify, { ...headers, 'renku-auth-id-token': foreign })).kind.status).toBe(401);
  const jane = await idp.sign({ sub: 'f:1234:jane' });
  expect((await identifyCaller(identify, { ...headers, 'renku-auth-id-token': jane })).identity.id).toBe('f:1234:jane');
});

it('does not use an expired token', async () => {
  const identify = identityWith(idp.url);
  const headers = headersWith(await idp.sign({ exp: Math.floor(Date.now() / 1000) + 20 }));
  await identifyCaller(identify, headers);
  vi.useFakeTimers({ now: Date.now() + 40_000, toFake: ['Date'] });
  expect((await rejection(identify, headers)).kind.status).toBe(401);
});
