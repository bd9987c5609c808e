import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Deadline } from '../../lib/deadline.ts';
import { jupyterActivity } from './jupyter.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function jupyter(handle: RequestListener) {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return (timeoutMs = 20_000) =>
    jupyterActivity({ ip: '127.0.0.1', port, prefix: '/sessions/a', token: 'secret' }, Deadline.after(timeoutMs), () =>
      Date.parse('2026-01-02T00:00:00Z'),
    );
}

const body = { status: { last_activity: '2026-01-01T00:00:00Z' }, kernels: [{ execution_state: 'busy' }] };

describe('the request for the activity', () => {
  it('reads status, kernels and terminals below the path of the session, with the token', async () => {
    const seen: unknown[] = [];
    const read = await jupyter((req, res) => {
      seen.push([req.url, req.headers.authorization]);
      const api = /[a-z]+(?=\?)/.exec(req.url ?? '')?.[0];
      if (api === 'terminals') res.writeHead(404).end('no terminals');
      else res.end(JSON.stringify(body[api as keyof typeof body]));
    });
    expect(await read()).toEqual({ lastAt: Date.parse('2026-01-01T00:00:00Z'), isActive: true });
    expect(seen.sort()).toEqual(
      ['kernels', 'status', 'terminals'].map((api) => [`/sessions/a/api/${api}?no_track_activity=1`, 'token secret']),
    );
  });

  it.each([
    [
      'a redirect, which is not followed',
      /status 302/,
      (res) => res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    ],
    ['a rejection', /status 403/, (res) => res.writeHead(403).end('{}')],
    ['no JSON', /is not JSON/, (res) => res.end('<html>')],
    ['a status without a time', /no time/, (res) => res.end('{}')],
    ['an endless body', /more than 262144 bytes/, (res) => res.end('x'.repeat(1_000_000))],
    ['a broken connection', /could not be reached/, (res) => res.destroy()],
  ] as [string, RegExp, (res: Parameters<RequestListener>[1]) => unknown][])(
    'fails with the reason at %s',
    async (_what, message, respond) => {
      const read = await jupyter((_req, res) => void respond(res));
      await expect(read()).rejects.toThrow(message);
    },
  );

  it('ends at its deadline if the server never responds, or sends its body slowly', async () => {
    const silent = await jupyter(() => undefined);
    await expect(silent(200)).rejects.toThrow(/did not respond in time/);
    const slow = await jupyter((_req, res) => {
      res.writeHead(200);
      const timer = setInterval(() => res.write(' '), 20);
      res.on('close', () => clearInterval(timer));
    });
    await expect(slow(200)).rejects.toThrow(/did not respond in time/);
  });
});
