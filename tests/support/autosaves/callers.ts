import type { AnonymousUser, RegisteredUser } from '../../../src/identity/types.ts';

export const registered = (url: string, token: string, username = 'ada'): RegisteredUser => ({
  kind: 'registered',
  id: `uuid-${username}`,
  username,
  email: `${username}@example.org`,
  fullName: username,
  issuer: 'https://idp.example.org',
  accessToken: 'the-access-token',
  refreshToken: null,
  git: { url, token, tokenExpiresAt: -1 },
});

export const anonymous = (url: string, id = 'anon-1'): AnonymousUser => ({
  kind: 'anonymous',
  source: 'cookie',
  id,
  username: id,
  git: { url, token: null, tokenExpiresAt: 0 },
});
