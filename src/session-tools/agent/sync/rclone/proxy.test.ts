import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Resolve } from '../../../../lib/checked-lookup.ts';
import { type ForwardProxy, startForwardProxy } from './proxy.ts';

const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const end of cleanup.splice(0)) end();
});

async function server(): Promise<{ port: number; requests: string[]; connections: () => number }> {
  const requests: string[] = [];
  let connections = 0;
  const started = createServer((req, res) => {
    requests.push(`${req.method} ${req.url} ${req.headers.host} ${req.headers['proxy-authorization'] ?? '-'}`);
    req.resume().once('end', () => res.writeHead(201, { 'x-own': 'yes', 'content-length': 2 }).end('ok'));
  });
  started.on('connection', () => {
    connections += 1;
  });
  started.listen(0, '127.0.0.1');
  await once(started, 'listening');
  cleanup.push(() => {
    started.close();
    started.closeAllConnections();
  });
  return { port: (started.address() as AddressInfo).port, requests, connections: () => connections };
}
async function proxy(allowedNetworks: string[], resolve?: Resolve): Promise<ForwardProxy> {
  const started = await startForwardProxy({ allowedNetworks, ...(resolve ? { resolve } : {}) });
  cleanup.push(() => started.close());
  return started;
}
const keyOf = ({ url }: ForwardProxy) => {
  const { username, password, port } = new URL(url);
  return { port: Number(port), header: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
};

function plain(through: ForwardProxy, url: string, header = keyOf(through).header, method = 'PUT') {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const headers = { 'proxy-authorization': header, 'content-length': 4 };
  const sent = request({ host: '127.0.0.1', port: keyOf(through).port, path: url, method, headers }, (response) => {
    let body = '';
    response.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
  });
  sent.on('error', reject);
  sent.end('body');
  return promise;
}

async function tunnel(through: ForwardProxy, target: string, header = keyOf(through).header): Promise<string> {
  const socket = connect(keyOf(through).port, '127.0.0.1');
  cleanup.push(() => socket.destroy());
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nProxy-Authorization: ${header}\r\n\r\n`);
  const [chunk] = await once(socket, 'data');
  return String(chunk).split('\r\n', 1)[0] ?? '';
}

it('connects to permitted addresses, and does not pass its key on', async () => {
  const { port, requests } = await server();
  const through = await proxy(['127.0.0.1']);
  expect(await plain(through, `http://127.0.0.1:${port}/a?b`)).toEqual({ status: 201, body: 'ok' });
  expect(requests).toEqual([`PUT /a?b 127.0.0.1:${port} -`]);
  expect(await tunnel(through, `127.0.0.1:${port}`)).toBe('HTTP/1.1 200 Connection established');
  expect(through.rejections(0)).toEqual([]);
});

it('lists the folders of a WebDAV server through one connection, and sends each file through a new one', async () => {
  const { port, connections } = await server();
  const through = await proxy(['127.0.0.1']);
  const send = (method: string) => plain(through, `http://127.0.0.1:${port}/`, keyOf(through).header, method);
  for (let count = 0; count < 3; count++) expect((await send('PROPFIND')).status).toBe(201);
  expect(connections()).toBe(1);
  await send('PUT');
  expect(connections()).toBe(2);
});

it('requires its key', async () => {
  const { port, requests } = await server();
  const through = await proxy(['127.0.0.1']);
  expect((await plain(through, `http://127.0.0.1:${port}/`, 'Basic eDp5')).status).toBe(407);
  expect(await tunnel(through, `127.0.0.1:${port}`, 'Basic eDp5')).toContain('407');
  expect(requests).toEqual([]);
});

it.each(['127.0.0.1', '169.254.169.254', '[::1]', '10.0.0.1', '[::ffff:127.0.0.1]', '0x7f.1', '2130706433', 'in.test'])(
  'does not connect to %s, and reports why',
  async (host) => {
    const { port, requests } = await server();
    const through = await proxy([], async () => [{ address: '127.0.0.1', family: 4 }]);
    const before = performance.now();
    expect(await tunnel(through, `${host}:${port}`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(through.rejections(before)).toMatchObject([
      { message: expect.stringContaining('is not on the public internet') },
    ]);
    expect((await plain(through, `http://${host}:${port}/`)).status).toBe(403);
    expect(requests).toEqual([]);
    expect(through.rejections(performance.now())).toEqual([]);
  },
);

it('sends plain HTTP only to networks that the administrator lists: a password would be readable', async () => {
  const through = await proxy([], async () => [{ address: '8.8.8.8', family: 4 }]);
  expect(await plain(through, 'http://cloud.example.org/')).toMatchObject({
    status: 403,
    body: expect.stringContaining('must begin with https://'),
  });
});

it('does not connect if one of the addresses of a host is internal', async () => {
  const through = await proxy([], async () => [
    { address: '8.8.8.8', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ]);
  expect(await tunnel(through, 'mixed.test:443')).toContain('403');
});
