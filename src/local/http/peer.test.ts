import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { isHeldBy, osUserOf, peerOf } from './peer.ts';

/** Returns the server's side of a connection that `open` creates to the port. */
async function accepted(address: string, open: (port: number) => unknown): Promise<Socket> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const connection = once(server, 'connection') as Promise<[Socket]>;
  open((server.address() as AddressInfo).port);
  const [socket] = await connection;
  socket.on('error', () => undefined);
  server.close();
  return socket;
}

const uid = process.getuid?.() ?? null;

test.each(['127.0.0.1', '::1', '127.1.2.3'])('the user of a program is identified at %s', async (address) => {
  let client: Socket | undefined;
  const socket = await accepted(address, (port) => {
    client = connect(port, address);
  });
  expect(osUserOf({ socket })).toBe(uid);
  expect(isHeldBy(socket, process.pid)).toBe(true);
  expect(isHeldBy(socket, process.ppid)).toBe(false);
  expect(isHeldBy(socket, 2 ** 22 + 1)).toBe(false);
  // A connection is looked up once.
  client?.destroy();
  await once(socket.resume(), 'close');
  expect(osUserOf({ socket })).toBe(uid);
});

test('the user of an IPv4 connection from an IPv6 socket is identified', async () => {
  const program = 'require("net").connect(Number(process.argv[1]), "::ffff:127.0.0.1")';
  const { promise, resolve } = Promise.withResolvers<() => void>();
  const socket = await accepted('127.0.0.1', (port) => {
    const child = spawn(process.execPath, ['-e', program, String(port)]);
    resolve(() => child.kill());
  });
  expect(osUserOf({ socket })).toBe(uid);
  (await promise)();
});

test('a peer that has closed its socket is reported as closed, and neither as root nor as unknown', async () => {
  let client: Socket | undefined;
  const socket = await accepted('127.0.0.1', (port) => {
    client = connect(port, '127.0.0.1');
  });
  const closed = once(client as Socket, 'close');
  client?.destroy();
  await closed;
  expect(peerOf(socket)).toBeUndefined();
  expect(osUserOf({ socket })).toBe('closed');
  expect(isHeldBy(socket, process.pid)).toBe(false);
  socket.destroy();
});

test.runIf(uid === 0)('another user of the machine is identified', async () => {
  const { promise, resolve } = Promise.withResolvers<() => void>();
  const socket = await accepted('127.0.0.1', (port) => {
    const child = spawn('curl', ['-s', '--max-time', '10', `http://127.0.0.1:${port}/`], { uid: 65_534, gid: 65_534 });
    resolve(() => child.kill());
  });
  expect(osUserOf({ socket })).toBe(65_534);
  expect(isHeldBy(socket, process.pid)).toBe(false);
  (await promise)();
});
