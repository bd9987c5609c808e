import { readFileSync } from 'node:fs';
import { internetSockets, socketsOf } from '../../src/local/machine/proc-net.ts';

/** The listening sockets of processes. */
export interface Listeners {
  readonly tcp: readonly { readonly address: string; readonly port: number }[];
  /** Ports of UDP sockets. */
  readonly udp: readonly number[];
  /** Paths; the name of an abstract socket begins with @. */
  readonly unix: readonly string[];
}

/** Returns the listening sockets of these processes from the tables of the kernel (proc_net(5)). */
export function listenersOf(pids: readonly number[]): Listeners {
  const own = new Set(pids.flatMap((pid) => [...socketsOf(pid)]));
  const isOwn = ({ inode = '' }: { inode?: string | undefined }): boolean => own.has(inode);
  const ends = (sockets: { local: string }[]) =>
    sockets.map(({ local }) => {
      const at = local.lastIndexOf(':');
      return { address: local.slice(0, at), port: Number(local.slice(at + 1)) };
    });
  const tcp = [...internetSockets(['tcp', 'tcp6'])].filter((each) => each.isListening && isOwn(each));
  const udp = [...internetSockets(['udp', 'udp6'])].filter(isOwn);
  return { tcp: ends(tcp), udp: ends(udp).map(({ port }) => port), unix: unixListeners(own) };
}

function unixListeners(own: ReadonlySet<string>): string[] {
  return readFileSync('/proc/net/unix', 'latin1')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '00010000' && own.has(fields[6] ?? ''))
    .map((fields) => fields[7] ?? '');
}
