import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, isIP } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import { createAddressRanges } from '../../../../lib/address-ranges.ts';
import { AddressRefused, checkedLookup, type Resolve, systemAddresses } from '../../../../lib/checked-lookup.ts';
import { errorCode } from '../../../../lib/error-code.ts';
import { mayConnect } from '../../../../lib/public-addresses.ts';
import { endToEnd } from '../../../../lib/reverse-proxy/headers.ts';
import { createReverseProxy } from '../../../../lib/reverse-proxy/reverse-proxy.ts';

const connectMs = 20_000;
const idleMs = 5 * 60_000;
const maxConnections = 200;
const maxRejections = 100;
const user = 'rclone';

export interface ForwardProxyOptions {
  /** Ranges of addresses, in CIDR notation, that remotes may have besides those of the public internet. */
  readonly allowedNetworks: readonly string[];
  /** By default the operating system; tests replace it. */
  readonly resolve?: Resolve;
}

/** A connection that was rejected. */
export interface Rejection {
  readonly host: string;
  /** A sentence for the owner. */
  readonly message: string;
  /** The text that the error of rclone contains if the connection was a tunnel. */
  readonly phrase: string;
}

/** The proxy through which rclone connects. It checks the address of each connection. */
export interface ForwardProxy {
  /** With the key, as the option of rclone wants it. */
  readonly url: string;
  /** Returns the connections that were rejected after `since` (`performance.now()`). */
  rejections(since: number): Rejection[];
  close(): void;
}

/** Starts the proxy on a free port of the loopback address. */
export async function startForwardProxy({
  allowedNetworks,
  resolve = systemAddresses,
}: ForwardProxyOptions): Promise<ForwardProxy> {
  const key = randomBytes(32).toString('base64url');
  const expected = digest(`Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`);
  const allowed = createAddressRanges(allowedNetworks);
  const lookup = checkedLookup((address) => mayConnect(address, allowed), resolve);
  const upstream = createReverseProxy();
  async function addressesOf(host: string, isAllowed: (address: string) => boolean): Promise<string[]> {
    const addresses = isIP(host) === 0 ? (await resolve(host)).map(({ address }) => address) : [host];
    if (!addresses.every(isAllowed)) throw new AddressRefused(host);
    return addresses;
  }
  let rejections: (Rejection & { readonly at: number })[] = [];
  const sockets = new Set<Duplex>();

  const record = (host: string, message: string) => {
    rejections = [...rejections, { at: performance.now(), host, message, phrase: phraseOf(message) }].slice(
      -maxRejections,
    );
    return message;
  };
  const isOwn = (req: IncomingMessage) => timingSafeEqual(expected, digest(req.headers['proxy-authorization'] ?? ''));
  const whyNot = (error: unknown, host: string, isPlain: boolean): { status: number; message: string } => {
    if (!(error instanceof AddressRefused))
      return { status: 502, message: `the host ${host} cannot be reached (${errorCode(error) ?? 'no connection'})` };
    const message = isPlain
      ? `The URL of the remote must begin with https://, because the network could read the password of ${host}.`
      : `${error.message}. Ask an administrator of the platform whether it can be allowed.`;
    return { status: 403, message: record(host, message) };
  };

  // An upload may take any time; a connection without data ends after `idleMs`.
  const server = createServer({ maxHeaderSize: 32 * 1024, requestTimeout: 0 }, (req, res) => {
    if (!isOwn(req)) return reply(res, 407, 'the proxy requires its key');
    forward(req, res).catch(() => res.destroy());
  });
  server.maxConnections = maxConnections;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  async function forward(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = URL.parse(req.url ?? '');
    if (url?.protocol !== 'http:') return reply(res, 400, 'the request has no http URL');
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const refuse = (error: unknown) => {
      if (res.headersSent) return void res.destroy();
      const { status, message } = whyNot(error, host, true);
      reply(res, status, message);
    };
    // Passwords cross the network readable with plain HTTP: only networks that the administrator has listed may see them.
    const [address] = await addressesOf(host, (each) => allowed.includes(each)).catch((error: unknown) => {
      refuse(error);
      return [];
    });
    if (address === undefined) return;
    upstream.forward(req, res, {
      upstream: { host: address, port: Number(url.port || 80) },
      target: url.pathname + url.search,
      headers: ['Host', url.host, ...endToEnd(req.rawHeaders, (name) => name === 'host')],
      // A listing has a request for each folder. rclone repeats those that fail.
      mayReuseWithBody: req.method === 'PROPFIND',
      timeouts: { connectMs, idleMs },
      onFailure: refuse,
      log: { debug: () => undefined },
    });
  }

  server.on('connect', (req, client: Duplex, head: Buffer) => {
    client.on('error', () => client.destroy());
    const refuse = (status: number, message: string) => {
      client.end(`HTTP/1.1 ${status} ${phraseOf(message)}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    };
    if (!isOwn(req)) return refuse(407, 'the proxy requires its key');
    const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@\s]+)):(\d{1,5})$/i.exec(req.url ?? '') ?? [];
    const host = bracketed ?? plain;
    if (host === undefined || Number(port) > 65_535) return refuse(400, 'the target is not a host with a port');
    if (isIP(host) !== 0 && !mayConnect(host, allowed)) {
      const { status, message } = whyNot(new AddressRefused(host), host, false);
      return refuse(status, message);
    }
    const remote = connect({ host, port: Number(port), lookup });
    sockets.add(remote);
    remote.once('close', () => sockets.delete(remote));
    client.once('close', () => remote.destroy());
    remote.setTimeout(connectMs, () => remote.destroy(new Error('no connection in time')));
    const failed = (error: Error) => {
      const { status, message } = whyNot(error, host, false);
      refuse(status, message);
    };
    remote.once('error', failed);
    remote.once('connect', () => {
      remote.off('error', failed);
      remote.setTimeout(idleMs, () => remote.destroy());
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) remote.write(head);
      pipeline(client, remote, () => undefined);
      pipeline(remote, client, () => undefined);
    });
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = addressOf(server.address());
  return {
    url: `http://${user}:${key}@127.0.0.1:${port}`,
    rejections: (since) => rejections.filter(({ at }) => at >= since),
    close() {
      server.close();
      upstream.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('The forward proxy does not listen on a port.');
  return address;
}

/** Returns the text as the reason phrase of a status line. */
const phraseOf = (message: string): string => message.replace(/[^ -~]/g, '?');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function reply(res: ServerResponse, status: number, message: string): void {
  res.writeHead(status, {
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(message),
    connection: 'close',
  });
  res.end(message);
}
