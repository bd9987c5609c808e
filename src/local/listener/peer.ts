import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type Endpoint, endpoint, holdsSocket, internetSockets } from '../machine/proc-net.ts';

/** The program at the other end of a connection on this machine, as the kernel knows it. */
export interface Peer {
  /** Operating-system user that opened the socket. */
  readonly uid: number;
  /** Of the socket: says which process holds it. */
  readonly inode: string;
}

/** `unknown`: the kernel does not say. `gone`: the peer has closed its socket. */
type Found = Peer | 'unknown' | 'gone';

const known = new WeakMap<Socket, Found>();

/**
 * The peer of a loopback connection; undefined where the kernel does not say (another operating system, a connection
 * that was relayed into this network namespace) and for a peer that has closed its socket. Looked up once for each
 * connection, because a connection cannot change hands between users.
 *
 * A cookie goes to every port of its host, and a page of another user's server on this machine is such a port. What that
 * user cannot send along is being someone else to the kernel.
 */
export function peerOf(socket: Socket): Peer | undefined {
  const found = find(socket);
  return typeof found === 'string' ? undefined : found;
}

function find(socket: Socket): Found {
  const found = known.get(socket) ?? lookUp(socket);
  known.set(socket, found);
  return found;
}

/**
 * The operating-system user at the other end; null where the kernel does not say, and `gone` where the other end is
 * closed: any user can send a request and close the socket, to be taken for one that the kernel does not know.
 */
export function osUserOf({ socket }: { socket: Socket }): number | null | 'gone' {
  const found = find(socket);
  if (found === 'unknown') return null;
  return found === 'gone' ? found : found.uid;
}

/** A table is read in pieces, and a row can be missed when others go meanwhile. */
const looks = 2;

/** Whether the other end is a socket of this process, which has this process's user. */
export function isHeldBy(socket: Socket, pid: number): boolean {
  const peer = peerOf(socket);
  return peer !== undefined && peer.uid === process.getuid?.() && holdsSocket(pid, peer.inode);
}

/**
 * Returns whether the server on that port of a loopback address is this user's. A server that has ended leaves its port to
 * any user of the machine, who would be sent what was meant for it. true also where the kernel does not say (another
 * operating system).
 */
export function isOwnListener(address: string, listenerPort: number): boolean {
  const here = endpoint(address, listenerPort);
  for (let look = 0; look < looks; look += 1) {
    for (const { local, isListening, uid, inode } of internetSockets(['tcp'], listenerPort)) {
      if (isListening && local === here) return inode !== undefined && uid === process.getuid?.();
    }
  }
  return !existsSync('/proc/net/tcp');
}

/**
 * The user ids of the programs that are connected to `port` of this machine, by their own end of the connection. Empty
 * where the kernel does not say. A connection that is missing has an end that no program holds any more.
 */
export function peerUids(port: number): Map<Endpoint, number> {
  // The same port of another loopback address may be another user's server.
  const here: readonly Endpoint[] = [endpoint('127.0.0.1', port), endpoint('::1', port)];
  const found = new Map<Endpoint, number>();
  for (const { local, remote, uid, inode } of internetSockets(['tcp', 'tcp6'], port)) {
    if (inode !== undefined && here.includes(remote)) found.set(local, uid);
  }
  return found;
}

function lookUp({ remoteAddress, remotePort, localAddress, localPort }: Socket): Found {
  if (!remoteAddress || !localAddress || remotePort === undefined || localPort === undefined) return 'gone';
  const [theirs, ours] = [endpoint(remoteAddress, remotePort), endpoint(localAddress, localPort)];
  // An IPv4 connection may have been opened with an IPv6 socket, as Java does: then its row is in the other table.
  const tables = remoteAddress.includes(':') ? (['tcp6'] as const) : (['tcp', 'tcp6'] as const);
  if (!existsSync(`/proc/net/${tables[0]}`)) return 'unknown';
  for (let look = 0; look < looks; look += 1) {
    let isOpen = false;
    for (const { local, remote, uid, inode, isEstablished } of internetSockets(tables, remotePort)) {
      // The peer's own row: its local address is what is remote from here.
      if (local === theirs && remote === ours && inode !== undefined) return { uid, inode };
      // The end on this side knows when the other one is closed.
      if (local === ours && remote === theirs) isOpen = isEstablished;
    }
    if (!isOpen) return 'gone';
  }
  return 'unknown';
}
