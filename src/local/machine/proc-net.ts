import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { endianness } from 'node:os';
import { ifReadable } from './processes.ts';

/** The kernel's tables of Internet sockets of this network namespace (proc_net(5)), in `/proc/net`. */
export type Table = 'tcp' | 'tcp6' | 'udp' | 'udp6';

/** One end of a connection as `address:port`. IPv4 addresses of IPv6 sockets (`::ffff:`) are written as IPv4. */
export type Endpoint = `${string}:${number}`;

export interface InternetSocket {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly isListening: boolean;
  readonly isEstablished: boolean;
  /** The operating-system user that opened the socket. */
  readonly uid: number;
  /** The inode, which identifies the process of the socket; undefined for a closed socket, which the kernel lists as root's. */
  readonly inode: string | undefined;
}

export function endpoint(address: string | undefined, port: number | undefined): Endpoint {
  return `${(address ?? '').replace(/^::ffff:(?=\d+\.)/i, '')}:${port ?? 0}`;
}

/**
 * Yields the sockets of these tables, or those that have `port` at one end; none if the kernel has no such table (another
 * operating system, no IPv6). Callers should stop as soon as they have found a socket, because a table of thousands of sockets
 * takes milliseconds.
 */
export function* internetSockets(tables: readonly Table[], port?: number): Generator<InternetSocket> {
  const wanted = port === undefined ? ':' : `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (const table of tables) {
    for (const row of rowsOf(`/proc/net/${table}`)) if (row.includes(wanted)) yield parsed(row);
  }
}

/** Returns true if the process has this socket open; false if the process has ended or this user may not inspect it. */
export function holdsSocket(pid: number, inode: string): boolean {
  return [...socketsOf(pid)].includes(inode);
}

/** Yields the inodes of the process's open sockets; none if the process has ended or this user may not inspect it. */
export function* socketsOf(pid: number): Generator<string> {
  const directory = `/proc/${pid}/fd`;
  for (const file of ifReadable(() => readdirSync(directory)) ?? []) {
    const inode = /^socket:\[(\d+)\]$/.exec(ifReadable(() => readlinkSync(`${directory}/${file}`)) ?? '')?.[1];
    if (inode !== undefined) yield inode;
  }
}

/** Yields the lines of a table after its heading. Reads only as far as the caller needs. */
function* rowsOf(table: string): Generator<string> {
  const file = ifReadable(() => openSync(table, 'r'));
  if (file === undefined) return;
  try {
    const buffer = Buffer.allocUnsafe(64 * 1024);
    let rest = '';
    let isHeading = true;
    for (;;) {
      const length = readSync(file, buffer, 0, buffer.length, null);
      if (length === 0) return;
      const rows = (rest + buffer.toString('latin1', 0, length)).split('\n');
      rest = rows.pop() ?? '';
      yield* isHeading ? rows.slice(1) : rows;
      isHeading = false;
    }
  } finally {
    closeSync(file);
  }
}

/** `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...` */
function parsed(row: string): InternetSocket {
  const [, local = '', remote = '', state, , , , uid, , inode] = row.trim().split(/\s+/);
  return {
    local: endpointIn(local),
    remote: endpointIn(remote),
    isListening: state === '0A',
    isEstablished: state === '01',
    uid: Number(uid),
    inode: inode === '0' ? undefined : inode,
  };
}

function endpointIn(text: string): Endpoint {
  const [address = '', port = ''] = text.split(':');
  return endpoint(addressIn(address), Number.parseInt(port, 16));
}

/** Returns the address in its usual form. The kernel writes words of 32 bits in the machine's byte order. */
function addressIn(hex: string): string {
  const words = (hex.match(/.{8}/g) ?? []).map((word) => Buffer.from(word, 'hex'));
  const bytes = Buffer.concat(endianness() === 'LE' ? words.map((word) => word.reverse()) : words);
  if (bytes.length === 4) return bytes.join('.');
  const address = bytes.toString('hex').match(/.{4}/g)?.join(':') ?? '';
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
