import { expect, it } from 'vitest';
import type { Identity } from '../../identity/types.ts';
import { fromJupyterServer } from '../../jupyter-server/session.ts';
import { createSessionLimit } from './session-limit.ts';

const git = { url: 'https://gitlab.example.org', token: null, tokenExpiresAt: 0 };
const user: Identity = { kind: 'anonymous', source: 'header', id: 'anon-a', username: 'anon-a', git };
const session = (name: string, deletionTimestamp?: string) =>
  fromJupyterServer({ metadata: { name, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) } });

it('a launch of a session that exists or is being created is within the limit of sessions', () => {
  const limit = createSessionLimit({ registered: null, anonymous: 1 });
  expect(() => limit.reserve(user, [session('b')], 'a')).toThrow('You have 1 session');
  expect(() => limit.reserve(user, [session('b', '2026-01-01T00:00:00Z')], 'c')()).not.toThrow();
  const releases = [limit.reserve(user, [], 'a'), limit.reserve(user, [session('a')], 'a')];
  expect(() => limit.reserve(user, [], 'b')).toThrow('You have 1 session');
  releases.pop()?.();
  expect(() => limit.reserve(user, [], 'b')).toThrow('You have 1 session');
  releases.pop()?.();
  expect(() => limit.reserve(user, [], 'b')).not.toThrow();
});
