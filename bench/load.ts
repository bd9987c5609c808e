import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export interface Load {
  requests: number;
  requestsPerSecond: number;
  /** Median, milliseconds. */
  medianMs: number;
  /** 99 of 100 requests were faster, milliseconds. */
  p99Ms: number;
  /** The share of processor time that this process, the sender of the requests, used: near 1, the sender is the limit. */
  generatorBusy: number;
}

const headerEnd = Buffer.from('\r\n\r\n');

/**
 * Keeps `connections` requests in progress for `seconds`, with a pause of `everyMs` between the requests of a connection (none by
 * default); every response must be a 200. Uses sockets directly: with an HTTP client,
 * the sender would use as much processor time as the server, and fast servers would seem slower.
 */
export async function load(
  url: string,
  options: { headers?: Record<string, string>; connections: number; seconds: number; everyMs?: number },
): Promise<Load> {
  const { host, hostname, port, pathname, search } = new URL(url);
  const { connections, seconds, headers = {}, everyMs = 0 } = options;
  const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const took: number[] = [];
  const utilization = performance.eventLoopUtilization();
  const begun = performance.now();
  const end = begun + seconds * 1000;

  async function worker(): Promise<void> {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    try {
      const answers = answersOf(socket);
      for (let since = begun; since < end; since = performance.now()) {
        socket.write(request);
        await answers.next();
        took.push(performance.now() - since);
        if (everyMs > 0) await wait(everyMs);
      }
    } finally {
      socket.destroy();
    }
  }

  await Promise.all(Array.from({ length: connections }, worker));
  const elapsed = (performance.now() - begun) / 1000;
  took.sort((a, b) => a - b);
  return {
    requests: took.length,
    requestsPerSecond: took.length / elapsed,
    p99Ms: took[Math.floor(took.length * 0.99)] ?? Number.NaN,
    medianMs: took[Math.floor(took.length / 2)] ?? Number.NaN,
    generatorBusy: performance.eventLoopUtilization(utilization).utilization,
  };
}

/** Yields at the end of each response. Throws if a response is not a 200 with a Content-Length. */
async function* answersOf(socket: Socket): AsyncGenerator<void, never> {
  let head: Buffer = Buffer.alloc(0);
  let missing = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (missing > 0) {
      missing -= chunk.length;
    } else {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const at = head.indexOf(headerEnd);
      if (at < 0) continue;
      const text = head.toString('latin1', 0, at);
      const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
      if (!text.startsWith('HTTP/1.1 200') || length === undefined) throw new Error(`unexpected response:\n${text}`);
      missing = Number(length) - (head.length - at - headerEnd.length);
      head = Buffer.alloc(0);
    }
    if (missing === 0) yield;
  }
  throw new Error('the server closed the connection');
}
