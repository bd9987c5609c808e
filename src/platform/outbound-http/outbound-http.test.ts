import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { gzipSync } from 'node:zlib';
import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { trustAuthority } from '../../../tests/support/outbound-http.ts';
import { Deadline, DeadlineExceeded } from '../../lib/deadline.ts';
import { withTraceparent } from '../../lib/trace-context.ts';
import { createOutboundHttp, type OutboundHttpOptions } from './outbound-http.ts';
import { AddressRefused, OutboundFailure, type OutboundHttp } from './types.ts';

let tls: { key: string; cert: string };
let distrust: () => void;
const cleanup: (() => unknown)[] = [];

beforeAll(async () => {
  const altNames = [
    { type: 2 as const, value: 'registry.test' },
    { type: 2 as const, value: 'other.test' },
    { type: 7 as const, ip: '127.0.0.1' },
  ];
  const made = await generate([{ name: 'commonName', value: 'registry.test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames }],
  });
  tls = { key: made.private, cert: made.cert };
  distrust = trustAuthority(made.cert);
});
afterAll(() => distrust());
afterEach(async () => {
  for (const end of cleanup.splice(0)) await end();
});

async function listening(server: Server & { closeAllConnections(): void }): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
const https = (listener: RequestListener) => listening(createServer(tls, listener));
const http = (listener: RequestListener) => listening(createHttpServer(listener));

/** Every name resolves to this machine, and loopback is an allowed network by default. */
function client(options: Partial<OutboundHttpOptions> = {}): OutboundHttp {
  const made = createOutboundHttp({
    allowedNetworks: ['127.0.0.0/8'],
    exemptHosts: [],
    lookup: async () => [{ address: '127.0.0.1', family: 4 }],
    ...options,
  });
  cleanup.push(() => made.close());
  return made;
}

const limits = () => ({ target: 'registry' as const, deadline: Deadline.after(10_000), maxBytes: 10_000 });

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('the request did not fail'),
    (error: unknown) => error,
  );
}

test('returns the status, headers and body that the server sends; a status is never an error', async () => {
  const port = await https((req, res) => {
    res.writeHead(404, ['X-Two', 'a', 'X-Two', 'b']).end(`${req.method} ${req.url} ${req.headers['x-mine']}`);
  });
  const answer = await client().request(`https://registry.test:${port}/p?q`, {
    ...limits(),
    headers: { 'X-Mine': 'm', Host: 'evil' },
  });
  expect(answer.status).toBe(404);
  expect(answer.headers['x-two']).toBe('a, b');
  expect(String(answer.body)).toBe('GET /p?q m');
});

test('sends the trace of a request to hosts of the configuration only', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const port = await https((req, res) => res.end(String(req.headers['traceparent'])));
  const url = `https://registry.test:${port}/`;
  const traced = (options: Parameters<typeof client>[0]) =>
    withTraceparent(traceparent, async () => String((await client(options).request(url, limits())).body));
  expect(await traced({ exemptHosts: [`registry.test:${port}`] })).toBe(traceparent);
  expect(await traced({})).toBe('undefined');
});

test('refuses an internal address before it connects: as an address, in unusual notations, and behind a name', async () => {
  let connections = 0;
  const server = createServer(tls, (_req, res) => res.end());
  server.on('connection', () => {
    connections += 1;
  });
  const port = await listening(server);
  const strict = client({ allowedNetworks: [] });
  const hosts = [
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    'registry.test',
    'localhost',
  ];
  for (const host of hosts) {
    expect(await failure(strict.request(`https://${host}:${port}/`, limits())), host).toBeInstanceOf(AddressRefused);
  }
  expect(connections).toBe(0);
});

test('refuses a name with one internal address among public ones', async () => {
  const lookup = async () => [
    { address: '8.8.8.8', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ];
  expect(
    await failure(client({ allowedNetworks: [], lookup }).request('https://registry.test/', limits())),
  ).toBeInstanceOf(AddressRefused);
});

test('connects to the address that it has checked: a name that resolves differently the second time cannot evade the check', async () => {
  const port = await https((_req, res) => res.setHeader('Connection', 'close').end('fine'));
  let lookups = 0;
  const rebinding = client({
    allowedNetworks: ['127.0.0.1/32'],
    lookup: async () => {
      lookups += 1;
      return [{ address: lookups === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }];
    },
  });
  expect((await rebinding.request(`https://registry.test:${port}/`, limits())).status).toBe(200);
  expect(lookups).toBe(1);
  expect(await failure(rebinding.request(`https://registry.test:${port}/`, limits()))).toBeInstanceOf(AddressRefused);
});

test('allows plain http and internal addresses for exempt hosts only, and not for untrusted URLs', async () => {
  const port = await http((_req, res) => res.end('plain'));
  const exempting = client({ allowedNetworks: [], exemptHosts: [`127.0.0.1:${port}`] });
  const url = `http://127.0.0.1:${port}/`;
  expect(String((await exempting.request(url, limits())).body)).toBe('plain');
  expect(await failure(exempting.request(url, { ...limits(), untrusted: true }))).toMatchObject({
    reason: 'invalid-url',
  });
  expect(await failure(exempting.request(`http://127.0.0.1:${port + 1}/`, limits()))).toMatchObject({
    reason: 'invalid-url',
  });
  const encrypted = await https((_req, res) => res.end());
  const both = client({ allowedNetworks: [], exemptHosts: [`registry.test:${encrypted}`] });
  const secure = `https://registry.test:${encrypted}/`;
  expect((await both.request(secure, limits())).status).toBe(200);
  // The open connection, which was made without the check, must not be used for this request.
  expect(await failure(both.request(secure, { ...limits(), untrusted: true }))).toBeInstanceOf(AddressRefused);
});

test.each([
  'ftp://registry.test/',
  'file:///etc/passwd',
  'https://user:pass@registry.test/',
  'not a url',
  '//registry.test/',
])('does not call %s', async (url) => {
  expect(await failure(client().request(url, limits()))).toMatchObject({ reason: 'invalid-url' });
});

test('follows as many redirects as the request allows, without the credentials once the origin changes', async () => {
  const seen: string[] = [];
  const record = (name: string, req: import('node:http').IncomingMessage) =>
    seen.push(`${name} ${req.url} ${req.headers['authorization'] ?? '-'} ${req.headers['cookie'] ?? '-'}`);
  const other = await https((req, res) => {
    record('other', req);
    if (req.url === '/back') return void res.writeHead(302, { Location: `https://registry.test:${port}/end` }).end();
    res.end('elsewhere');
  });
  const port = await https((req, res) => {
    record('registry', req);
    const away = req.url === '/away' ? `https://other.test:${other}/` : `https://other.test:${other}/back`;
    if (req.url === '/end') return void res.end('end');
    if (req.url === '/loop') return void res.writeHead(307, { Location: '/loop' }).end();
    res.writeHead(307, { Location: req.url === '/stay' ? '/end' : away }).end();
  });
  const headers = { Authorization: 'Bearer secret', Cookie: 'c=1' };
  const http = client();
  const ask = (path: string, redirects = 0) =>
    http.request(`https://registry.test:${port}${path}`, { ...limits(), headers, redirects });

  expect((await ask('/away')).status).toBe(307);
  expect(String((await ask('/stay', 1)).body)).toBe('end');
  expect(seen.at(-1)).toBe('registry /end Bearer secret c=1');
  expect(seen.filter((line) => line.startsWith('other'))).toEqual([]);
  expect(String((await ask('/away', 3)).body)).toBe('elsewhere');
  expect(seen.at(-1)).toBe('other / - -');
  expect(String((await ask('/home', 3)).body)).toBe('end');
  expect(seen.at(-1)).toBe('registry /end - -');
  expect(await failure(ask('/loop', 3))).toMatchObject({ reason: 'redirect-refused' });
});

test('refuses a redirect to an internal address, to plain http or to an exempt host', async () => {
  const exempt = await http((_req, res) => res.end('inside'));
  let target = '';
  const port = await https((_req, res) => res.writeHead(302, { Location: target }).end());
  const http1 = client({ allowedNetworks: ['127.0.0.1/32'], exemptHosts: [`127.0.0.1:${exempt}`] });
  const go = () => failure(http1.request(`https://registry.test:${port}/`, { ...limits(), redirects: 5 }));
  target = 'https://169.254.169.254/latest';
  expect(await go()).toBeInstanceOf(AddressRefused);
  target = `http://127.0.0.1:${exempt}/`;
  expect(await go()).toMatchObject({ reason: 'invalid-url' });
  target = 'javascript:alert(1)';
  expect(await go()).toMatchObject({ reason: 'invalid-url' });
});

test('refuses a redirect to an address that is not below the one that the request allows', async () => {
  let target = '';
  const port = await https((req, res) => {
    if (req.url === '/api/end') return void res.end('end');
    res.writeHead(302, { Location: target }).end();
  });
  const origin = `https://registry.test:${port}`;
  const redirectsWithin = new URL(`${origin}/api/`);
  const http = client();
  const go = () => http.request(`${origin}/api/start`, { ...limits(), redirects: 3, redirectsWithin });
  target = '/api/end';
  expect(String((await go()).body)).toBe('end');
  for (target of ['/sign-in', '/api', `https://other.test:${port}/api/end`]) {
    expect(await failure(go()), target).toMatchObject({
      reason: 'redirect-refused',
      message: expect.stringContaining(`registry.test:${port} redirects to `),
    });
  }
});

test('stops reading a body above the limit: an endless, an announced and a decompressed one', async () => {
  let written = 0;
  const port = await https((req, res) => {
    if (req.url === '/length') return void res.writeHead(200, { 'Content-Length': 20_000 }).write('x');
    if (req.url === '/bomb')
      return void res.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(Buffer.alloc(200_000_000)));
    const pump = () => {
      written += 16_384;
      if (!res.destroyed) res.write(Buffer.alloc(16_384), () => pump());
    };
    pump();
  });
  for (const path of ['/endless', '/length', '/bomb']) {
    const request = client().request(`https://registry.test:${port}${path}`, {
      target: 'registry',
      deadline: Deadline.after(20_000),
      maxBytes: 10_000,
    });
    expect(await failure(request), path).toMatchObject({ reason: 'too-large' });
  }
  expect(written).toBeLessThan(50_000_000);
});

test('decompresses gzip; damaged data and other encodings are invalid responses', async () => {
  const port = await https((req, res) => {
    const encoding = req.url === '/unknown' ? 'zstd-custom' : 'gzip';
    res.writeHead(200, { 'Content-Encoding': encoding }).end(req.url === '/good' ? gzipSync('hello') : 'hello');
  });
  const ask = (path: string) => client().request(`https://registry.test:${port}${path}`, limits());
  expect(String((await ask('/good')).body)).toBe('hello');
  expect(await failure(ask('/damaged'))).toMatchObject({ reason: 'invalid-response' });
  expect(await failure(ask('/unknown'))).toMatchObject({ reason: 'invalid-response' });
});

test('ends at the deadline if the server, the body or the lookup is slow, and when the owner of the deadline is gone', async () => {
  const port = await https((req, res) => {
    if (req.url === '/body') res.write('first');
  });
  const short = () => ({ target: 'registry' as const, deadline: Deadline.after(150), maxBytes: 100 });
  expect(await failure(client().request(`https://registry.test:${port}/`, short()))).toBeInstanceOf(DeadlineExceeded);
  expect(await failure(client().request(`https://registry.test:${port}/body`, short()))).toBeInstanceOf(
    DeadlineExceeded,
  );
  const never = client({ lookup: () => new Promise(() => undefined) });
  expect(await failure(never.request('https://registry.test/', short()))).toBeInstanceOf(DeadlineExceeded);
  const owner = new AbortController();
  const reason = new Error('the caller has gone');
  const request = failure(
    client().request(`https://registry.test:${port}/`, {
      target: 'registry',
      deadline: Deadline.after(60_000, owner.signal),
      maxBytes: 1,
    }),
  );
  owner.abort(reason);
  expect(await request).toBe(reason);
});

test('describes connection failures without an address', async () => {
  const reset = await https((req) => req.socket.destroy());
  expect(await failure(client().request(`https://registry.test:${reset}/`, limits()))).toMatchObject({
    reason: 'unreachable',
  });
  distrust();
  const untrusted = await failure(client().request(`https://registry.test:${reset}/`, limits()));
  expect(untrusted).toBeInstanceOf(OutboundFailure);
  distrust = trustAuthority(tls.cert);
  expect((untrusted as Error).message).toMatch(/certificate/);
  const closed = await https(() => undefined);
  for (const end of cleanup.splice(0)) await end();
  const refused = (await failure(client().request(`https://registry.test:${closed}/`, limits()))) as Error;
  expect(refused.message).toBe(`registry.test:${closed} does not accept connections`);
  const nameless = client({ lookup: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })) });
  expect(((await failure(nameless.request('https://registry.test/', limits()))) as Error).message).toMatch(
    /no address/,
  );
});

test.each([
  ['ESERVFAIL', 'queryA'],
  ['ECONNREFUSED', 'queryA'],
  ['ETIMEOUT', 'queryAaaa'],
  ['EAI_AGAIN', 'getaddrinfo'],
])('does not blame the host if the lookup of its address fails with %s', async (code, syscall) => {
  const lookup = () => Promise.reject(Object.assign(new Error('no'), { code, syscall }));
  const { message } = (await failure(client({ lookup }).request('https://registry.test/', limits()))) as Error;
  expect(message).toBe('the DNS server that this service uses did not give the address of registry.test');
});
