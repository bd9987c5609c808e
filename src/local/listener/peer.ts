import { closeSync, existsSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { endianness } from 'node:os';

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

/** Whether the other end is a socket of this process, which has this process's user. */
export function isHeldBy(socket: Socket, pid: number): boolean {
  const { inode, uid } = peerOf(socket) ?? {};
  if (inode === undefined || uid !== process.getuid?.()) return false;
  const directory = `/proc/${pid}/fd`;
  return filesOf(directory).some((file) => linkOf(`${directory}/${file}`) === `socket:[${inode}]`);
}

/**
 * Whether what listens on that port of 127.0.0.1 is this user's. A server that has ended leaves its port to any user of the
 * machine, who would be sent what was meant for it. true also where the kernel does not say (another operating system).
 */
export function isOwnListener(listenerPort: number): boolean {
  const ends = `${hex('127.0.0.1', false)}:${port(listenerPort)} 00000000:0000 `;
  for (let look = 0; look < looks; look += 1) {
    const row = rowWith('/proc/net/tcp', `${ends}${listening} `);
    if (row !== undefined) return peerIn(row, ends)?.uid === process.getuid?.();
  }
  return !existsSync('/proc/net/tcp');
}

const listening = '0A';
/** A table is read in pieces, and a row can be missed when others go meanwhile. */
const looks = 2;

function lookUp({ remoteAddress, remotePort, localAddress, localPort }: Socket): Found {
  if (!remoteAddress || !localAddress || remotePort === undefined || localPort === undefined) return 'gone';
  const tables = remoteAddress.includes(':') ? v6Tables : v4Tables;
  // The end on this side, which knows when the other one is closed.
  const own = `${hex(localAddress, false)}:${port(localPort)} ${hex(remoteAddress, false)}:${port(remotePort)} `;
  for (let look = 0; look < looks; look += 1) {
    for (const [table, mapped] of tables) {
      // The peer's own row: its local address is what is remote from here.
      const ends = `${hex(remoteAddress, mapped)}:${port(remotePort)} ${hex(localAddress, mapped)}:${port(localPort)} `;
      const peer = peerIn(rowWith(table, ends), ends);
      if (peer) return peer;
    }
    const [[table]] = tables;
    if (!existsSync(table)) return 'unknown';
    if (rowWith(table, `${own}${established} `) === undefined) return 'gone';
  }
  return 'unknown';
}

const established = '01';

/** An IPv4 connection may have been opened with an IPv6 socket, as Java does: then its row is in the other table. */
const v4Tables = [
  ['/proc/net/tcp', false],
  ['/proc/net/tcp6', true],
] as const;
const v6Tables = [['/proc/net/tcp6', false]] as const;

/** `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...` (proc_net_tcp). */
function peerIn(row: string | undefined, ends: string): Peer | undefined {
  const [, , , , uid, , inode] = row?.split(ends)[1]?.trim().split(/\s+/) ?? [];
  // A closed socket (inode 0) is listed as root's, whichever user opened it.
  return uid === undefined || inode === undefined || inode === '0' ? undefined : { uid: Number(uid), inode };
}

function port(number: number): string {
  return number.toString(16).toUpperCase().padStart(4, '0');
}

/** As the kernel writes it: words of 32 bits in the machine's byte order. */
function hex(address: string, mapped: boolean): string {
  const bytes = address.includes(':') ? bytesOfV6(address) : address.split('.').map(Number);
  const all = mapped ? [...Array<number>(10).fill(0), 255, 255, ...bytes] : bytes;
  const words = Array.from({ length: all.length / 4 }, (_, index) => all.slice(index * 4, index * 4 + 4));
  const ordered = endianness() === 'LE' ? words.map((word) => word.toReversed()) : words;
  return Buffer.from(ordered.flat()).toString('hex').toUpperCase();
}

function bytesOfV6(address: string): number[] {
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)));
  const [first, last] = [groups(head), groups(tail)];
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}

/**
 * The row of a table that holds the text. Not further than that: the kernel walks over every socket of the machine,
 * which takes milliseconds where there are thousands.
 */
function rowWith(table: string, text: string): string | undefined {
  const file = orNothing(() => openSync(table, 'r'));
  if (file === undefined) return undefined;
  try {
    let rest = '';
    for (;;) {
      const length = readSync(file, buffer, 0, buffer.length, null);
      if (length === 0) return undefined;
      const rows = (rest + buffer.toString('latin1', 0, length)).split('\n');
      rest = rows.pop() ?? '';
      const found = rows.find((row) => row.includes(text));
      if (found !== undefined) return found;
    }
  } finally {
    closeSync(file);
  }
}

const buffer = Buffer.alloc(64 * 1024);

function filesOf(directory: string): string[] {
  return orNothing(() => readdirSync(directory)) ?? [];
}

function linkOf(file: string): string | undefined {
  return orNothing(() => readlinkSync(file));
}

/** undefined for what is not there (any more) or not ours to read. */
function orNothing<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
