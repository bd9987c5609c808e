import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { endpoint } from '../machine/proc-net.ts';
import { type Connection, Connections, excessConnections } from './connections.ts';
import { peerUids } from './peer.ts';

const own = 1000;
const limits = { max: 10, crowded: 4, others: 2 };

function connection(name: string, uid: number | undefined, requests = 0): Connection {
  return { endpoint: `${name}:1`, uid, requests };
}
const names = (list: readonly Connection[]) => list.map(({ endpoint: each }) => each.split(':')[0]);

describe('connections that are closed if there are too many', () => {
  it('are those of other users above their share: idle ones first, then the oldest', () => {
    const all = [
      connection('busy', 1001, 1),
      connection('old', 1001),
      connection('mine', own),
      connection('root', 0),
      connection('unknown', undefined),
      connection('new', 1002),
    ];
    expect(names(excessConnections(all, limits, own))).toEqual(['old']);
    expect(names(excessConnections(all, { ...limits, others: 0 }, own))).toEqual(['old', 'new', 'busy']);
  });

  it('are the oldest idle ones above the limit for all users, and never one with a request in flight', () => {
    const mine = Array.from({ length: 12 }, (_, index) => connection(`c${index}`, own, index < 3 ? 1 : 0));
    expect(names(excessConnections(mine, limits, own))).toEqual(['c3', 'c4']);
    expect(
      excessConnections(
        mine.map((each) => ({ ...each, requests: 1 })),
        limits,
        own,
      ),
    ).toEqual([]);
  });
});

describe('real connections', () => {
  const open: { destroy(): void }[] = [];
  afterEach(() => {
    for (const each of open.splice(0)) each.destroy();
  });

  async function server(accept: (socket: Socket) => void): Promise<number> {
    const listening = createServer(accept).listen(0, '127.0.0.1');
    open.push({ destroy: () => void listening.close() });
    await once(listening, 'listening');
    return (listening.address() as AddressInfo).port;
  }

  async function client(port: number): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    open.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  it('belong to the user of the program that opened them', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const port = await server((socket) => accepted.resolve(socket));
    await client(port);
    const { remoteAddress, remotePort } = await accepted.promise;
    expect(peerUids(port).get(endpoint(remoteAddress, remotePort))).toBe(process.getuid?.());
  });

  it('of another user are closed, so that later connections are accepted', async () => {
    const strangers = new Set<string>();
    const sockets: Socket[] = [];
    const connections = new Connections(limits, () => new Map([...strangers].map((each) => [each as never, 4711])));
    const port = await server((socket) => {
      open.push(socket);
      if (sockets.length < 8) strangers.add(endpoint(socket.remoteAddress, socket.remotePort));
      sockets.push(socket);
      connections.add(socket);
    });
    for (let i = 0; i < 12; i += 1) {
      await client(port);
      await expect.poll(() => sockets.length).toBe(i + 1);
    }
    expect(sockets.slice(8).every(({ destroyed }) => !destroyed)).toBe(true);
    expect(sockets.slice(0, 8).filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(limits.others);
  });
});
