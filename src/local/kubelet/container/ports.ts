import { createServer } from 'node:net';
import { endpoint, holdsSocket, internetSockets } from '../../machine/proc-net.ts';

const loopback = '127.0.0.1';

/** Ports of this machine for the sessions' servers: no two sessions are given the same one. */
export class Ports {
  readonly #taken = new Set<number>();

  /** `wanted` if it is free, else another. The caller releases it. */
  async take(wanted: number | undefined): Promise<number> {
    if (wanted !== undefined && !this.#taken.has(wanted) && (await isFree(wanted))) {
      this.#taken.add(wanted);
      return wanted;
    }
    for (;;) {
      const port = await freePort(0);
      if (port === undefined) throw new Error(`no port is free on ${loopback}`);
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      return port;
    }
  }

  /** Notes a port that a process from before uses. */
  hold(port: number): void {
    this.#taken.add(port);
  }

  release(port: number): void {
    this.#taken.delete(port);
  }
}

const isFree = async (port: number): Promise<boolean> => (await freePort(port)) === port;

/** Listens for a moment; 0 lets the system choose. undefined when it cannot be had. */
function freePort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: loopback, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}

/**
 * Whether this very process listens on the port. A port is anybody's until it is bound: without this look, another user
 * of the machine who binds it first would be sent the session's token.
 */
export function listensOn(pid: number, port: number): boolean {
  const address = endpoint(loopback, port);
  for (const { local, isListening, inode } of internetSockets(['tcp'], port)) {
    if (isListening && local === address && inode !== undefined) return holdsSocket(pid, inode);
  }
  return false;
}
