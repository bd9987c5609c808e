import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { javaRequest } from '../../tests/support/local/http/java-request.ts';
import { close, createHttpServer, listen } from './http-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'http-server-'));
afterAll(() => rmSync(directory, { recursive: true }));

const hello = () => createHttpServer((_req, res) => void res.end('hello'));

/** Sends bytes as they are, and returns everything that the server sends back. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(bytes);
  return text(socket);
}

describe('a socket', () => {
  it('is accessible only to its owner, and the socket file of a dead process is replaced', async () => {
    const path = join(directory, 'left.sock');
    const first = hello();
    await listen(first, { socket: path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(listen(hello(), { socket: path })).rejects.toThrow('another program listens');

    // A killed process leaves its socket file behind.
    const stale = join(directory, 'stale.sock');
    const { spawnSync } = await import('node:child_process');
    spawnSync(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(statSync(stale).isSocket()).toBe(true);
    const second = hello();
    await listen(second, { socket: stale });
    const call = request({ socketPath: stale, path: '/' }).end();
    const [response] = await once(call, 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
    await Promise.all([close(first, 100), close(second, 100)]);
  });

  it('that cannot be created is an error that names the socket', async () => {
    await expect(listen(hello(), { socket: join(directory, 'nowhere', 'x.sock') })).rejects.toThrow(
      /cannot listen on the socket/,
    );
  });
});

describe('a port', () => {
  it('that is in use is an error that names the port', async () => {
    const other = createNetServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(listen(hello(), { host: '127.0.0.1', port })).rejects.toThrow(`127.0.0.1:${port} is already taken`);
    other.close();
  });
});

describe('malformed HTTP', () => {
  it('gets a response with the common error body', async () => {
    const server = hello();
    await listen(server, { host: '127.0.0.1', port: 0 });
    const { port } = server.address() as AddressInfo;
    const cases: [string, number, number][] = [
      ['nonsense\r\n\r\n', 400, 1400],
      ['GET / HTTP/1.1\r\nHost: a\r\nBroken header\r\n\r\n', 400, 1400],
      [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 431, 1431],
    ];
    for (const [bytes, status, code] of cases) {
      const response = await raw(port, bytes);
      expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(JSON.parse(response.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: { code } });
    }
    expect(
      await raw(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`),
    ).toContain('hello');
    await close(server, 100);
  });
});

describe('an Upgrade header', () => {
  it('of Java’s HTTP client is ignored, and the request is handled with its body', async () => {
    const server = createHttpServer((req, res) => {
      void text(req).then((body) => res.end(`${req.method} ${req.url} ${body}`));
    });
    await listen(server, { host: '127.0.0.1', port: 0 });
    const { port } = server.address() as AddressInfo;
    for (const [method, body] of [
      ['GET', ''],
      ['POST', '{"project":"x"}'],
      ['DELETE', ''],
    ] as const) {
      const socket = connect(port, '127.0.0.1');
      socket.write(javaRequest(method, '/servers', body));
      const response = await text(socket);
      expect(response).toMatch(/^HTTP\/1.1 200 /);
      expect(response.endsWith(`${method} /servers ${body}`)).toBe(true);
    }
    await close(server, 100);
  });
});

describe('closing', () => {
  it('lets requests in progress finish, accepts no new ones, and ends after the grace period', async () => {
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const server = createHttpServer((req, res) => {
      started.resolve();
      if (req.url === '/slow')
        finish.promise.then(
          () => res.end('done'),
          () => res.destroy(),
        );
    });
    await listen(server, { host: '127.0.0.1', port: 0 });
    const { port } = server.address() as AddressInfo;
    const slow = once(request({ port, host: '127.0.0.1', path: '/slow' }).end(), 'response');
    await started.promise;
    const closed = close(server, 60_000);
    await expect(once(request({ port, host: '127.0.0.1', path: '/slow' }).end(), 'response')).rejects.toThrow(
      'ECONNREFUSED',
    );
    finish.resolve();
    const [response] = await slow;
    expect(response.statusCode).toBe(200);
    response.resume();
    await closed;

    const stubborn = createHttpServer(() => started.resolve());
    await listen(stubborn, { host: '127.0.0.1', port: 0 });
    const never = once(
      request({ port: (stubborn.address() as AddressInfo).port, host: '127.0.0.1' }).end(),
      'response',
    );
    never.catch(() => undefined);
    await once(stubborn, 'request');
    await close(stubborn, 50);
    await expect(never).rejects.toThrow();
  });
});
