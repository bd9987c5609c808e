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
/** Milliseconds without a response after which a measurement fails. */
const silentMs = 60_000;

interface Target {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly connections: number;
}

/**
 * Keeps `connections` requests in progress for `seconds`, with a pause of `everyMs` between the requests of a connection (none by
 * default); every response must be a 200.
 */
export function load(
  url: string,
  options: { headers?: Record<string, string>; connections: number; seconds: number; everyMs?: number },
): Promise<Load> {
  const { connections, seconds, headers = {}, everyMs = 0 } = options;
  const end = performance.now() + seconds * 1000;
  return send({ url, headers, connections }, async (isFirst) => {
    if (everyMs > 0 && !isFirst) await wait(everyMs);
    const now = performance.now();
    return now < end ? now : undefined;
  });
}

/**
 * Sends requests at fixed times, whether the server has responded to the earlier ones or not, as many independent users do. The
 * time of a request counts from when it should have been sent, so a stall of the server counts for each request that it delays. At
 * most `connections` requests are in progress; a later one waits for a connection, and this wait counts, too.
 */
export async function openLoad(
  url: string,
  options: { headers: Record<string, string>; connections: number; seconds: number; perSecond: number },
): Promise<Load> {
  const { headers, connections, seconds, perSecond } = options;
  const begun = performance.now();
  const count = Math.round(perSecond * seconds);
  let next = 0;
  const waiting: { at: number; start: (at: number) => void }[] = [];
  // Timers are not exact enough: their steps are a millisecond.
  const tick = (): void => {
    while (waiting[0] !== undefined && waiting[0].at <= performance.now()) {
      const { at, start } = waiting.shift() as (typeof waiting)[number];
      start(at);
    }
    ticking = setImmediate(tick);
  };
  let ticking = setImmediate(tick);
  try {
    return await send({ url, headers, connections }, () => {
      if (next === count) return undefined;
      const at = begun + (next * 1000) / perSecond;
      next += 1;
      return new Promise((start) => void waiting.push({ at, start }));
    });
  } finally {
    clearImmediate(ticking);
  }
}

/**
 * Sends requests as long as `next` returns when one began. Uses sockets directly: with an HTTP client, the sender would use as much
 * processor time as the server, and fast servers would seem slower.
 */
async function send(
  { url, headers, connections }: Target,
  next: (isFirst: boolean) => Promise<number | undefined> | undefined,
): Promise<Load> {
  const { host, hostname, port, pathname, search } = new URL(url);
  const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const took: number[] = [];
  const utilization = performance.eventLoopUtilization();
  const begun = performance.now();

  async function worker(): Promise<void> {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.setTimeout(silentMs, () => socket.destroy(new Error(`no response from ${host} in ${silentMs / 1000} s`)));
    try {
      const answers = answersOf(socket);
      for (let since = await next(true); since !== undefined; since = await next(false)) {
        socket.write(request);
        await answers.next();
        took.push(performance.now() - since);
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
