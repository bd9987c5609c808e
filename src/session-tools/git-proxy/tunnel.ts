import { lookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { createAddressRanges } from '../../lib/address-ranges.ts';
import { errorCode } from '../../lib/error-code.ts';

const connectMs = 30_000;
const idleMs = 10 * 60_000;
/** This pod itself, and addresses of the node that only its own programs should reach. */
const excluded = createAddressRanges(['127.0.0.0/8', '::1', '0.0.0.0/8', '::', '169.254.0.0/16', 'fe80::/10']);

/**
 * Connects a client to the host that it names (CONNECT), without credentials: clones of renku-notebooks have the proxy as their
 * `http.proxy`, also for other hosts.
 */
export async function tunnel(req: IncomingMessage, client: Duplex, head: Buffer, stop: AbortSignal): Promise<string> {
  const end = () => client.destroy();
  client.on('error', end);
  stop.addEventListener('abort', end);
  client.once('close', () => stop.removeEventListener('abort', end));
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+):(\d{1,5})$/i.exec(req.url ?? '') ?? [];
  if (!host || !port) return reject(client, 400, 'the target is not a host with a port');
  let address: string;
  try {
    ({ address } = await lookup(host.replace(/^\[|\]$/g, '')));
  } catch (error) {
    return reject(client, 502, `the host was not found (${errorCode(error)})`);
  }
  if (excluded.includes(address)) return reject(client, 403, 'the address belongs to this pod or its node');
  return await new Promise((resolve) => {
    const upstream = connect({ host: address, port: Number(port) });
    upstream.setTimeout(connectMs, () => upstream.destroy(new Error('no connection in time')));
    upstream.once('error', (error) => resolve(reject(client, 502, errorCode(error) ?? error.message)));
    upstream.once('connect', () => {
      upstream.setTimeout(idleMs, () => upstream.destroy());
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) client.unshift(head);
      pipeline(client, upstream, () => undefined);
      pipeline(upstream, client, () => undefined);
      resolve('connected');
    });
  });
}

function reject(client: Duplex, status: number, reason: string): string {
  const body = `${reason}\n`;
  if (client.writable) {
    client.end(
      `HTTP/1.1 ${status} Rejected\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
  return reason;
}
