import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  headersWith,
  type Issuer,
  identifyCaller,
  identityWith,
  rejection,
  startIssuer,
} from '../../tests/support/identity.ts';
import { Deadline } from '../lib/deadline.ts';

let idp: Issuer;
beforeAll(async () => {
  idp = await startIssuer();
});
afterAll(() => idp.close());
beforeEach(() => {
  idp.override = undefined;
});

describe('the keys of the issuer', () => {
  it('are fetched once for many requests', async () => {
    const identify = identityWith(idp.url);
    idp.requests = 0;
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, index) => idp.sign({ sub: `user-${index}` })));
    await Promise.all(tokens.map((token) => identifyCaller(identify, headersWith(token))));
    await Promise.all(tokens.map((token) => identifyCaller(identify, headersWith(token))));
    expect(idp.requests).toBe(1);
    // Requests with an unknown key id do not cause a fetch each.
    await Promise.all(
      Array.from({ length: 20 }, async () => rejection(identify, headersWith(await idp.sign({}, { kid: 'other' })))),
    );
    expect(idp.requests).toBe(1);
  });

  const failures: [string, (respond: (status: number, body: string) => void) => void][] = [
    ['fails', (respond) => respond(503, '{}')],
    ['redirects', (respond) => respond(302, '')],
    ['sends HTML', (respond) => respond(200, '<html>')],
    ['sends no key set', (respond) => respond(200, '{"keys": 5}')],
    ['sends too much data', (respond) => respond(200, `{"keys":[],"x":"${'x'.repeat(400_000)}"}`)],
  ];
  it.each(failures)(
    'are unavailable, which is a failure of the platform and not of the caller, if the server %s',
    async (_what, behave) => {
      idp.override = behave;
      const identify = identityWith(idp.url);
      const error = await rejection(identify, headersWith(await idp.sign({})));
      expect(error.kind).toMatchObject({ code: 3000 });
      expect(error.message).toContain('identity provider');
      idp.override = undefined;
      expect((await identifyCaller(identify, headersWith(await idp.sign({})))).identity.kind).toBe('registered');
    },
  );

  it('do not delay a request beyond its deadline', async () => {
    idp.override = () => undefined;
    const since = performance.now();
    const asked = identityWith(idp.url)(
      { headers: headersWith(await idp.sign({})), socket: {} as never },
      Deadline.after(200),
    );
    await expect(asked).rejects.toMatchObject({ name: 'DeadlineExceeded' });
    expect(performance.now() - since).toBeLessThan(30_000);
  });
});
