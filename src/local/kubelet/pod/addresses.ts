import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, isIPv4 } from 'node:net';
import { hasCode } from '../../../lib/error-code.ts';
import { endpoint, holdsSocket, internetSockets } from '../../machine/proc-net.ts';
import { isAlive, type ProcessId, withDescendants } from '../../machine/processes.ts';

/** Returns true if Jupyter may listen at the address. Other addresses may be accessible from the network. */
export const isLoopback = (address: string | undefined): address is string =>
  address !== undefined && isIPv4(address) && address.startsWith('127.');

/**
 * Returns a loopback address (127.x.y.z) that is not in `used`. 127.0.0.0/16 is excluded, because programs of
 * the system use addresses in it: 127.0.0.1, 127.0.0.53, 127.0.1.1. On Linux all of 127.0.0.0/8 is loopback; on other
 * systems (macOS) each address would first have to be added to the loopback interface.
 */
export function unusedAddress(used: ReadonlySet<string | undefined>): string {
  for (;;) {
    const address = `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
    if (!used.has(address)) return address;
  }
}

/**
 * Returns the port `wanted` if a server can listen on it at the address; otherwise a port that the system chooses. A program
 * that listens on all addresses of the machine (0.0.0.0) uses its port at the address of every pod.
 */
export async function choosePort(address: string, wanted: number): Promise<number> {
  try {
    return await listenBriefly(address, wanted);
  } catch (error) {
    if (!hasCode(error, 'EADDRINUSE')) throw error;
    return await listenBriefly(address, 0);
  }
}

/** Returns the port. With 0, the system chooses a port. */
async function listenBriefly(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'string' ? port : (address?.port ?? port);
  } finally {
    server.close();
  }
}

/**
 * Returns a function that returns true if this process or one of its descendants listens on the port. Any user of the machine can
 * bind a free port. Without this check, the session's token would be sent to a program of another user who binds the port first.
 */
export function createListenerCheck(main: ProcessId, address: string, port: number): () => boolean {
  // The search for descendants reads all processes of the machine, so the result is kept.
  let known = main;
  return () => {
    const inode = listeningSocket(address, port);
    if (inode === undefined) return false;
    if (isAlive(known) && holdsSocket(known.pid, inode)) return true;
    const found = withDescendants([main]).find(({ pid }) => holdsSocket(pid, inode));
    known = found ?? main;
    return found !== undefined;
  };
}

/** Returns the inode of the socket that listens at the address; undefined if there is none. */
function listeningSocket(address: string, port: number): string | undefined {
  const wanted = endpoint(address, port);
  for (const { local, isListening, inode } of internetSockets(['tcp'], port)) {
    if (isListening && local === wanted && inode !== undefined) return inode;
  }
  return undefined;
}
