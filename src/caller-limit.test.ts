import { describe, expect, it } from 'vitest';
import { createCallerLimit } from './caller-limit.ts';
import type { AnonymousUser, RegisteredUser } from './identity/types.ts';

const git = { url: 'https://gitlab.example.org', token: null, tokenExpiresAt: 0 };
const anonymous = (id: string, address?: string): AnonymousUser => ({
  ...{ kind: 'anonymous', source: 'cookie', id: `anon-${id}`, username: `anon-${id}`, git },
  address,
});
const registered = (id: string): RegisteredUser => ({
  ...{
    kind: 'registered',
    id,
    username: id,
    email: `${id}@example.org`,
    fullName: id,
    issuer: 'https://id.example.org',
  },
  ...{ accessToken: 'a', refreshToken: null, git },
});

describe('a limit per caller', () => {
  it.each([undefined, '', 'unknown', '/run/service.sock'])(
    'counts all anonymous users without an IP address (%j) as one',
    (address) => {
      const limit = createCallerLimit({ registered: 1, anonymous: 2 }, 'launches');
      limit.acquire(anonymous('a', address));
      limit.acquire(anonymous('b', address));
      expect(() => limit.acquire(anonymous('c', address))).toThrow('Anonymous users at your address have 2 launches');
      limit.acquire(anonymous('d', '192.0.2.1'));
    },
  );

  it('gives a caller less while more than half of the total is in use', () => {
    const limits = { registered: 6, anonymous: 6, total: 10, crowded: { registered: 2, anonymous: 3 } };
    const limit = createCallerLimit(limits, 'streams of events');
    const releases = Array.from({ length: 5 }, () => limit.acquire(registered('ada')));
    expect(() => limit.acquire(registered('ada'))).toThrow(
      'You have 5 streams of events in progress already. This replica of the service serves many callers.',
    );
    limit.acquire(registered('bob'));
    limit.acquire(registered('bob'));
    expect(() => limit.acquire(registered('bob'))).toThrow('You have 2 streams');
    for (const release of releases) release();
    for (let count = 2; count < 5; count += 1) limit.acquire(registered('bob'));
  });
});
