import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type Endpoint, endpoint, holdsSocket, internetSockets } from '../machine/proc-net.ts';

/** The program at the other end of a connection on this machine, according to the kernel's tables. */
export interface Peer {
  /** Operating-system user that opened the socket. */
  readonly uid: number;
  /** Inode of the socket, by which its process is found. */
  readonly inode: string;
}

/** `unknown`: not in the kernel's tables. `closed`: the peer has closed its socket. */
type LookupResult = Peer | 'unknown' | 'closed';

const results = new WeakMap<Socket, LookupResult>();

/**
 * Returns the peer of a loopback connection; undefined if the peer has closed its socket or is not in the kernel's tables
 * (another operating system, a connection relayed into this network namespace). Each connection is looked up once, because
 * a connection cannot pass from one user to another.
 *
 * A browser sends a cookie to every port of its host, so a server of another user of this machine can receive the cookie. That
 * user can send the cookie to this process, but only over a connection with their own user id.
 */
export function peerOf(socket: Socket): Peer | undefined {
  const result = resultFor(socket);
  return typeof result === 'string' ? undefined : result;
}

function resultFor(socket: Socket): LookupResult {
  const result = results.get(socket) ?? lookUp(socket);
  results.set(socket, result);
  return result;
}

/**
 * Returns the operating-system user at the other end; null if the user is unknown, and `closed` if the peer has closed
 * its socket. A closed socket must not count as unknown: any user could hide by closing the socket after the request.
 */
export function osUserOf({ socket }: { socket: Socket }): number | null | 'closed' {
  const result = resultFor(socket);
  if (result === 'unknown') return null;
  return result === 'closed' ? result : result.uid;
}

/** The kernel's tables are read in parts, and a row can be missed while others are removed. */
const attempts = 2;

/** Returns true if the other end is a socket of the process `pid`, which runs as the same user as this process. */
export function isHeldBy(socket: Socket, pid: number): boolean {
  const peer = peerOf(socket);
  return peer !== undefined && peer.uid === process.getuid?.() && holdsSocket(pid, peer.inode);
}

/**
 * Returns true if a program of this user listens on that port of a loopback address. When a server has ended, any user of the
 * machine can listen on its port. Also returns true if the kernel has no such tables (another operating system).
 */
export function isOwnListener(address: string, port: number): boolean {
  const here = endpoint(address, port);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    for (const { local, isListening, uid, inode } of internetSockets(['tcp'], port)) {
      if (isListening && local === here) return inode !== undefined && uid === process.getuid?.();
    }
  }
  return !existsSync('/proc/net/tcp');
}

/**
 * Returns the user ids of the programs that are connected to `port` of this machine. The key is the program's endpoint of the
 * connection. Empty if the kernel has no such tables. Connections without a program are omitted.
 */
export function peerUids(port: number): Map<Endpoint, number> {
  // On another loopback address, the same port may belong to another user's server.
  const here: readonly Endpoint[] = [endpoint('127.0.0.1', port), endpoint('::1', port)];
  const found = new Map<Endpoint, number>();
  for (const { local, remote, uid, inode } of internetSockets(['tcp', 'tcp6'], port)) {
    if (inode !== undefined && here.includes(remote)) found.set(local, uid);
  }
  return found;
}

function lookUp({ remoteAddress, remotePort, localAddress, localPort }: Socket): LookupResult {
  if (!remoteAddress || !localAddress || remotePort === undefined || localPort === undefined) return 'closed';
  const [theirs, ours] = [endpoint(remoteAddress, remotePort), endpoint(localAddress, localPort)];
  // An IPv6 socket can open an IPv4 connection, as in Java. Then the row of the socket is in the other table.
  const tables = remoteAddress.includes(':') ? (['tcp6'] as const) : (['tcp', 'tcp6'] as const);
  if (!existsSync(`/proc/net/${tables[0]}`)) return 'unknown';
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    let isOpen = false;
    for (const { local, remote, uid, inode, isEstablished } of internetSockets(tables, remotePort)) {
      // The row of the peer's socket: its local address is the remote one here.
      if (local === theirs && remote === ours && inode !== undefined) return { uid, inode };
      // The socket on this side is no longer established when the peer has closed its own.
      if (local === ours && remote === theirs) isOpen = isEstablished;
    }
    if (!isOpen) return 'closed';
  }
  return 'unknown';
}
