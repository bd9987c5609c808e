import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What processes listen on. */
export interface Listeners {
  readonly tcp: readonly { readonly address: string; readonly port: number }[];
  /** Ports of UDP sockets. */
  readonly udp: readonly number[];
  /** Paths; the name of an abstract socket begins with @. */
  readonly unix: readonly string[];
}

/** Looks for the listening sockets of these processes in the kernel's own tables (proc_net(5)). */
export function listenersOf(pids: readonly number[]): Listeners {
  const own = new Set(pids.flatMap(socketsOf));
  const rows = (table: string): string[][] =>
    readFileSync(`/proc/net/${table}`, 'latin1')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/));
  const internet = (table: string): string[][] => rows(table).filter((fields) => own.has(fields[9] ?? ''));
  const port = (fields: string[]): number => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
  return {
    tcp: ['tcp', 'tcp6'].flatMap((table) =>
      internet(table)
        .filter(([, , , state]) => state === '0A')
        .map((fields) => ({ address: addresses[fields[1]?.split(':')[0] ?? ''] ?? 'another', port: port(fields) })),
    ),
    udp: ['udp', 'udp6'].flatMap((table) => internet(table).map(port)),
    unix: rows('unix')
      .filter((fields) => fields[3] === '00010000' && own.has(fields[6] ?? ''))
      .map((fields) => fields[7] ?? ''),
  };
}

/** The loopback addresses as a little-endian kernel writes them. */
const addresses: Record<string, string> = {
  '0100007F': '127.0.0.1',
  '00000000000000000000000001000000': '::1',
};

/** Inodes of the sockets that a process has open; empty for one that has ended. */
function socketsOf(pid: number): string[] {
  const read = <Value>(look: () => Value): Value | undefined => {
    try {
      return look();
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
  };
  const folder = `/proc/${pid}/fd`;
  return (read(() => readdirSync(folder)) ?? []).flatMap((fd) => {
    const link = read(() => readlinkSync(`${folder}/${fd}`)) ?? '';
    return /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [];
  });
}
