import { readFileSync } from 'node:fs';

/** One end of a TCP connection as `address:port`; an IPv4 address that an IPv6 socket shows is written as IPv4. */
export type Endpoint = `${string}:${number}`;

export function endpoint(address: string | undefined, port: number | undefined): Endpoint {
  return `${(address ?? '').replace(/^::ffff:(?=\d+\.)/i, '')}:${port ?? 0}`;
}

/**
 * The user ids of the programs that are connected to `port` of this machine, by their own end of the connection; from
 * the kernel's tables of this network namespace. Empty where there are none (not Linux). A connection that is missing
 * has an end that no program holds any more.
 */
export function peerUids(port: number): Map<Endpoint, number> {
  const found = new Map<Endpoint, number>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const { local, remote, uid, inode } of rows(file)) {
      // The same port of another loopback address may be another user's server.
      const isHere = portOf(remote) === port && ['127.0.0.1', '::1'].includes(addressOf(remote));
      if (inode !== '0' && isHere) found.set(endpoint(addressOf(local), portOf(local)), uid);
    }
  }
  return found;
}

function* rows(file: string): Generator<{ local: string; remote: string; uid: number; inode: string }> {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    // Not Linux, or a kernel without IPv6.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const line of text.split('\n').slice(1)) {
    // sl local remote state queues timer retransmits uid timeout inode ...
    const [, local = '', remote = '', , , , , uid, , inode = '0'] = line.trim().split(/\s+/);
    if (remote !== '') yield { local, remote, uid: Number(uid), inode };
  }
}

function portOf(hex: string): number {
  return Number.parseInt(hex.slice(hex.indexOf(':') + 1), 16);
}

/** The kernel writes 32-bit words in the machine's byte order: little-endian on what Node runs on here. */
function addressOf(hex: string): string {
  const words = hex.slice(0, hex.indexOf(':')).match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => [...Buffer.from(word, 'hex').reverse()]);
  const v4 = bytes.slice(-4).join('.');
  if (bytes.length === 4) return v4;
  const head = bytes.slice(0, 12);
  if (head.every((byte, index) => byte === (index < 10 ? 0 : 0xff))) return v4;
  if (head.every((byte) => byte === 0) && v4 === '0.0.0.1') return '::1';
  return Buffer.from(bytes).toString('hex');
}
