import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import pino from 'pino';
import { endToEnd } from '../../../../src/lib/reverse-proxy/headers.ts';
import { createReverseProxy } from '../../../../src/lib/reverse-proxy/reverse-proxy.ts';
import { listen } from '../../../../src/local/http/listen.ts';
import { hostOf } from '../../../../src/local/http/request-target.ts';
import { oddConnection } from './odd-requests.ts';

/** One request as a server has read it; the body as latin-1. */
export interface ReadRequest {
  method: string;
  target: string;
  body: string;
}

export interface ServerBehind {
  readonly port: number;
  /** Returns the requests since the last call. The server responds to each with 200. */
  take(): Promise<ReadRequest[]>;
}

const log = pino({ level: 'silent' });
/** Milliseconds without data after which a connection is closed: a request waits for a body that is not sent. */
const quietMs = 150;

/**
 * Sends unusual requests to a listener with a reverse proxy, and checks that the server behind the proxy reads exactly the
 * requests that the listener accepted: never more, and not fewer if every request got a response.
 */
export async function comparesEqual(behind: ServerBehind, numRuns: number): Promise<{ allowed: number }> {
  const proxy = createReverseProxy();
  let front: (ReadRequest & { isWhole: boolean })[] = [];
  /** Accepted by the listener and not yet read behind it: a request whose caller disconnects arrives late, or never. */
  const pending: string[] = [];
  let allowed = 0;
  const listener = await listen({
    port: 0,
    log,
    handle: (req, res) => {
      // As gateway and ingress do. Tornado rejects a second Host, too.
      if (hostOf(req) === undefined) return void res.writeHead(421).end();
      front.push(watched(req));
      proxy.forward(req, res, {
        upstream: { host: '127.0.0.1', port: behind.port },
        target: req.url ?? '/',
        headers: endToEnd(req.rawHeaders),
        onFailure: () => res.writeHead(502).end(),
        log,
      });
    },
    upgrade: (_req, socket) => void socket.destroy(),
  });
  try {
    await fc.assert(
      fc.asyncProperty(oddConnection, async (bytes) => {
        front = [];
        const isOver = await converse(listener.port, bytes);
        const arrived = (await behind.take()).map(asText);
        const whole = front.filter(({ isWhole }) => isWhole).map(asText);
        pending.push(...whole);
        for (const each of arrived) {
          const at = pending.indexOf(each);
          if (at < 0) throw new Error(`read behind the proxy, but not accepted by the listener: ${each}`);
          pending.splice(at, 1);
        }
        const lacking = whole.filter((each) => count(whole, each) > count(arrived, each));
        if (isOver && lacking.length > 0)
          throw new Error(`accepted by the listener, but not read behind the proxy: ${lacking[0]}`);
        allowed += whole.length;
      }),
      { numRuns, endOnFailure: true },
    );
  } finally {
    await listener.close(0);
    proxy.close();
  }
  return { allowed };
}

function watched(req: IncomingMessage): ReadRequest & { isWhole: boolean } {
  const seen = { method: req.method ?? '', target: req.url ?? '', body: '', isWhole: false };
  req.on('data', (chunk: Buffer) => {
    seen.body += chunk.toString('latin1');
  });
  req.on('end', () => {
    seen.isWhole = true;
  });
  return seen;
}

function count(list: readonly string[], wanted: string): number {
  return list.filter((each) => each === wanted).length;
}

function asText({ method, target, body }: ReadRequest): string {
  return JSON.stringify({ method, target, body });
}

/** Sends the bytes and a last request. Returns true if the last request got a response. */
async function converse(port: number, bytes: string): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  let said = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    said += text;
  });
  socket.on('error', () => undefined);
  socket.setTimeout(quietMs, () => socket.destroy());
  socket.write(`${bytes}GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`, 'latin1');
  await once(socket, 'close');
  return said.includes('responds to /last');
}
