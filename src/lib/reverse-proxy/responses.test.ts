import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createNetServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { cleanUp, cleanup, listening, proxyTo, send } from '../../../tests/support/reverse-proxy.ts';

afterEach(cleanUp);

test.each([
  ['a status of less than three digits', 'HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n'],
  ['control characters in its reason', 'HTTP/1.1 200 a\x01b\r\nContent-Length: 0\r\n\r\n'],
  ['a line break in a header', 'HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n'],
  ['a change of protocol that was not requested', 'HTTP/1.1 101 Sure\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nxx'],
  ['a change of protocol without a protocol', 'HTTP/1.1 101 Sure\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a transfer coding besides chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
  [
    'a length beside a transfer coding',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
])('a response with %s is a failure without effect on other requests', async (_what, bytes) => {
  const port = await proxyTo({
    port: await listening(
      createNetServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.write(bytes, 'latin1'));
      }),
    ),
  });
  expect((await send(port)).status).toBe(502);
});

test('WebSockets: a rejection that is not valid HTTP is a 502', async () => {
  const upstream = createNetServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write('HTTP/1.1 200 a\x01b\r\nContent-Length: 0\r\n\r\n', 'latin1'));
  });
  const ws = new WebSocket(`ws://127.0.0.1:${await proxyTo({ port: await listening(upstream) })}/`);
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(response.statusCode).toBe(502);
});

test('a second response to one request is dropped', async () => {
  const connections: Socket[] = [];
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil!';
  const server = createNetServer((socket) => {
    connections.push(socket);
    socket.on('error', () => undefined);
    const good = `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${connections.length === 1 ? 'one!' : 'two!'}`;
    socket.once('data', () => socket.write(connections.length === 1 ? good + evil : good));
  });
  const port = await proxyTo({ port: await listening(server) });
  cleanup.push(() => connections.forEach((socket) => void socket.destroy()));
  expect((await send(port)).body).toBe('one!');
  expect((await send(port)).body).toBe('two!');
});

test('neither a Content-Length that Connection lists nor one of a response without content changes the framing', async () => {
  const responses = [
    'HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 5\r\n\r\nhello',
    'HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n',
  ];
  const server = createNetServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(responses.shift() ?? ''));
  });
  const port = await proxyTo({ port: await listening(server) });
  expect(await send(port)).toMatchObject({ status: 200, body: 'hello', headers: { 'content-length': '5' } });
  const none = await send(port);
  expect(none.status).toBe(204);
  expect(none.headers).not.toHaveProperty('content-length');
});

test('a repeatable request waits while the upstream restarts, and any other request fails immediately', async () => {
  const probe = createServer();
  const free = await listening(probe);
  probe.close();
  await once(probe, 'close');
  const port = await proxyTo({ port: free }, 60_000);
  const held = send(port, { path: '/held' });
  expect((await send(port, { method: 'POST', body: Buffer.from('x') })).status).toBe(502);
  let cut = true;
  const server = createServer((req, res) => {
    // In the first attempt, the upstream ends before it responds.
    if (cut) req.socket.destroy();
    else res.end(`back ${req.url}`);
    cut = false;
  }).listen(free, '127.0.0.1');
  cleanup.push(() => {
    server.closeAllConnections();
    server.close();
  });
  expect(await held).toMatchObject({ status: 200, body: 'back /held' });
});
