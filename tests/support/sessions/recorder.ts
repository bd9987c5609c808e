import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Recorded {
  /** `GET /api/v4/...`, with the name of the back end before it. */
  readonly what: string;
  /** Milliseconds, `performance.now()`. */
  readonly from: number;
  /** Infinity until the response has ended. */
  to: number;
}

export interface Recorder {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A proxy in front of a back end that delays every call by `delayMs` and records when the call began and when its response
 * ended. Watches are not recorded, because no request waits for them.
 */
export async function startRecorder(
  name: string,
  target: string,
  delayMs: number,
  records: Recorded[],
): Promise<Recorder> {
  const to = new URL(target);
  async function pass(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const isWatch = req.url?.includes('watch=true') === true;
    const record: Recorded = { what: `${name} ${req.method} ${req.url}`, from: performance.now(), to: Infinity };
    if (!isWatch) {
      records.push(record);
      await delay(delayMs);
    }
    const options = { host: to.hostname, port: to.port, method: req.method, path: req.url, headers: req.headers };
    const forwarded = request(options, (response) => {
      res.writeHead(response.statusCode ?? 502, response.headers);
      res.flushHeaders();
      response.pipe(res);
      response.on('end', () => {
        record.to = performance.now();
      });
    });
    forwarded.on('error', () => res.destroy());
    res.on('close', () => forwarded.destroy());
    req.pipe(forwarded);
  }
  const server = createServer((req, res) => {
    pass(req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Returns the length of the longest chain of calls in which each call began after the call before it had ended. */
export function depthOf(records: readonly Recorded[]): number {
  let depth = 0;
  let free = Number.NEGATIVE_INFINITY;
  for (const { from, to } of [...records].sort((one, other) => one.to - other.to)) {
    if (from < free) continue;
    depth += 1;
    free = to;
  }
  return depth;
}
