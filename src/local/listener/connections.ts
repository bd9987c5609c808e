import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Endpoint, endpoint } from '../machine/proc-net.ts';
import { peerUids } from './peer.ts';

export interface ConnectionLimits {
  /** Connections at the same time. */
  max: number;
  /** From this many on, the connections of other users of the machine are counted. */
  crowded: number;
  /** How many of those are left when it is crowded. */
  others: number;
}

export const defaultLimits: ConnectionLimits = { max: 4096, crowded: 512, others: 64 };

export interface Connection {
  readonly endpoint: Endpoint;
  /** Requests that are being answered; a WebSocket counts as one to its end. */
  requests: number;
  /** undefined: not looked up, or not known. */
  uid: number | undefined;
}

interface OpenConnection extends Connection {
  readonly socket: Socket;
  isUpgraded: boolean;
}

/**
 * The connections of one port, oldest first, and which of them make room for new ones: the platform is one user's, and
 * neither another user of the machine nor a program that leaks connections may shut its owner out.
 */
export class Connections {
  readonly #open = new Map<Endpoint, OpenConnection>();
  readonly #limits: ConnectionLimits;
  readonly #uidsOf: (port: number) => Map<Endpoint, number>;
  /** Connections since users were last looked up. */
  #newcomers = 0;

  constructor(limits: ConnectionLimits = defaultLimits, uidsOf = peerUids) {
    this.#limits = limits;
    this.#uidsOf = uidsOf;
  }

  /** Takes a new connection in, at the expense of others where there are too many. */
  add(socket: Socket): void {
    const connection = { socket, endpoint: keyOf(socket), requests: 0, uid: undefined, isUpgraded: false };
    this.#open.set(connection.endpoint, connection);
    socket.once('close', () => this.#forget(connection));
    this.#newcomers += 1;
    const { max, crowded, others } = this.#limits;
    // The kernel's tables are long when it is crowded, and a look at them takes milliseconds: not for each connection.
    const isDue = this.#open.size > crowded && this.#newcomers >= others;
    if (isDue) this.#lookUp(socket.localPort ?? 0);
    if (isDue || this.#open.size > max) this.#makeRoom();
  }

  /** A request has come over the connection; the function returned says that it has been answered. */
  begin(socket: Duplex): () => void {
    const connection = this.#find(socket);
    if (!connection) return () => undefined;
    connection.requests += 1;
    return () => {
      connection.requests -= 1;
    };
  }

  /** The connection is a WebSocket from now on. */
  upgrade(socket: Duplex): void {
    const connection = this.#find(socket);
    if (!connection) return;
    connection.requests += 1;
    connection.isUpgraded = true;
  }

  /** Ends WebSockets, and connections that have not said anything. */
  endSilent(): void {
    for (const { socket, isUpgraded } of this.#open.values()) {
      if (isUpgraded || socket.bytesRead === 0) socket.destroySoon();
    }
  }

  endAll(): void {
    for (const { socket } of this.#open.values()) socket.destroy();
  }

  #makeRoom(): void {
    for (const connection of superfluous([...this.#open.values()], this.#limits, process.getuid?.() ?? 0)) {
      connection.socket.destroy();
      this.#forget(connection);
    }
  }

  #forget(connection: OpenConnection): void {
    // Its address may be another connection's by now.
    if (this.#open.get(connection.endpoint) === connection) this.#open.delete(connection.endpoint);
  }

  #find(socket: Duplex): OpenConnection | undefined {
    return this.#open.get(keyOf(socket));
  }

  #lookUp(port: number): void {
    this.#newcomers = 0;
    const uids = this.#uidsOf(port);
    for (const connection of this.#open.values()) connection.uid ??= uids.get(connection.endpoint);
  }
}

/** The same for a connection and for the TLS that is spoken over it. */
function keyOf(socket: Duplex): Endpoint {
  const { remoteAddress, remotePort } = socket as Socket;
  return endpoint(remoteAddress, remotePort);
}

/**
 * Which connections are ended, of those that are given oldest first. Other users (root is none) have a small share,
 * whatever they do with it: the oldest go, idle ones before those that are being answered. Then there is the limit for
 * all: the oldest idle ones go.
 */
export function superfluous<Any extends Connection>(
  connections: readonly Any[],
  { max, others: share }: ConnectionLimits,
  ownUid: number,
): Any[] {
  const isOther = ({ uid }: Any) => uid !== undefined && uid !== ownUid && uid !== 0;
  const others = connections.filter(isOther).toSorted((a, b) => Math.min(a.requests, 1) - Math.min(b.requests, 1));
  const ended = others.slice(0, Math.max(0, others.length - share));
  const gone = new Set(ended);
  const left = connections.filter((connection) => !gone.has(connection));
  const idle = left.filter(({ requests }) => requests === 0);
  return [...ended, ...idle.slice(0, Math.max(0, left.length - max))];
}
