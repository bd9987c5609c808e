import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Endpoint, endpoint } from '../machine/proc-net.ts';
import { peerUids } from './peer.ts';

export interface ConnectionLimits {
  /** Maximum number of connections. */
  max: number;
  /** From this number on, the connections of other users of the machine are limited. */
  crowded: number;
  /** The number of connections that other users may keep if there are more than `crowded` connections. */
  others: number;
}

export const defaultLimits: ConnectionLimits = { max: 4096, crowded: 512, others: 64 };

export interface Connection {
  readonly endpoint: Endpoint;
  /** Requests in flight. A WebSocket counts as one until it ends. */
  requests: number;
  /** User id of the peer; undefined if it is unknown or was not looked up yet. */
  uid: number | undefined;
}

interface OpenConnection extends Connection {
  readonly socket: Socket;
  isUpgraded: boolean;
}

/**
 * The connections of one port, oldest first. If there are too many, some are closed, so that neither another user of the
 * machine nor a program that leaks connections can prevent new connections of the owner.
 */
export class Connections {
  readonly #open = new Map<Endpoint, OpenConnection>();
  readonly #limits: ConnectionLimits;
  readonly #uidsOf: (port: number) => Map<Endpoint, number>;
  /** New connections since the last lookup of users. */
  #newConnections = 0;

  constructor(limits: ConnectionLimits = defaultLimits, uidsOf = peerUids) {
    this.#limits = limits;
    this.#uidsOf = uidsOf;
  }

  /** Adds a new connection and closes others if there are too many. */
  add(socket: Socket): void {
    const connection = { socket, endpoint: endpointOf(socket), requests: 0, uid: undefined, isUpgraded: false };
    this.#open.set(connection.endpoint, connection);
    socket.once('close', () => this.#remove(connection));
    this.#newConnections += 1;
    const { max, crowded, others } = this.#limits;
    // Not read for each connection, because with many connections the kernel's tables take milliseconds to read.
    const isDue = this.#open.size > crowded && this.#newConnections >= others;
    if (isDue) this.#lookUpUsers(socket.localPort ?? 0);
    if (isDue || this.#open.size > max) this.#closeExcess();
  }

  /** Counts a request on the connection. Call the returned function when the response has been sent. */
  begin(socket: Duplex): () => void {
    const connection = this.#open.get(endpointOf(socket));
    if (!connection) return () => undefined;
    connection.requests += 1;
    return () => {
      connection.requests -= 1;
    };
  }

  /** Marks the connection as a WebSocket. */
  upgrade(socket: Duplex): void {
    const connection = this.#open.get(endpointOf(socket));
    if (!connection) return;
    connection.requests += 1;
    connection.isUpgraded = true;
  }

  /** Closes WebSockets, and connections on which nothing was received. */
  closeIdle(): void {
    for (const { socket, isUpgraded } of this.#open.values()) {
      if (isUpgraded || socket.bytesRead === 0) socket.destroySoon();
    }
  }

  closeAll(): void {
    for (const { socket } of this.#open.values()) socket.destroy();
  }

  #closeExcess(): void {
    for (const connection of excessConnections([...this.#open.values()], this.#limits, process.getuid?.() ?? 0)) {
      connection.socket.destroy();
      this.#remove(connection);
    }
  }

  #remove(connection: OpenConnection): void {
    // A newer connection may have the same endpoint.
    if (this.#open.get(connection.endpoint) === connection) this.#open.delete(connection.endpoint);
  }

  #lookUpUsers(port: number): void {
    this.#newConnections = 0;
    const uids = this.#uidsOf(port);
    for (const connection of this.#open.values()) connection.uid ??= uids.get(connection.endpoint);
  }
}

/** Returns the peer's end of a connection. The result is the same for a TLS socket and its TCP socket. */
function endpointOf(socket: Duplex & Partial<Pick<Socket, 'remoteAddress' | 'remotePort'>>): Endpoint {
  return endpoint(socket.remoteAddress, socket.remotePort);
}

/**
 * Returns the connections to close. `connections` is ordered by age, oldest first. Other users, except root, keep a small share
 * of the connections: their oldest connections are closed, idle ones first. Above the limit for all users, the oldest idle
 * connections are closed.
 */
export function excessConnections<Any extends Connection>(
  connections: readonly Any[],
  { max, others: share }: ConnectionLimits,
  ownUid: number,
): Any[] {
  const isOther = ({ uid }: Any) => uid !== undefined && uid !== ownUid && uid !== 0;
  const others = connections.filter(isOther).toSorted((a, b) => Math.min(a.requests, 1) - Math.min(b.requests, 1));
  const closed = others.slice(0, Math.max(0, others.length - share));
  const isClosed = new Set(closed);
  const left = connections.filter((connection) => !isClosed.has(connection));
  const idle = left.filter(({ requests }) => requests === 0);
  return [...closed, ...idle.slice(0, Math.max(0, left.length - max))];
}
