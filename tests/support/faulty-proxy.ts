import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `slow` never responds; `down` cannot be undone. */
export const faults = ['down', 'slow', 'cut', 'html', '429'] as const;
export type Fault = (typeof faults)[number];

export interface FaultyProxy extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  /** Applies a fault to new and in-flight requests; undefined ends the fault. */
  fail(fault: Fault | undefined): void;
}

/** Value of Retry-After with a 429, in seconds. */
export const retryAfterSeconds = 15;

const responses: Record<Exclude<Fault, 'down'>, (res: ServerResponse) => void> = {
  slow: () => undefined,
  cut: (res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    res.write('{"metadata":{"name":"', () => res.destroy());
  },
  html: (res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Welcome</title>'),
  // An overloaded kube-apiserver answers like this, without a Status object.
  '429': (res) => {
    res.writeHead(429, { 'content-type': 'text/plain', 'retry-after': String(retryAfterSeconds) });
    res.end('Too many requests, please try again later.\n');
  },
};

/** Starts a proxy in front of a back end; the proxy can fail in several ways. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port: targetPort } = new URL(target);
  let fault: Fault | undefined;

  function forward(req: IncomingMessage, res: ServerResponse): void {
    const { method, url: path, headers } = req;
    const onward = request({ hostname, port: targetPort, method, path, headers }, (response) => {
      res.writeHead(response.statusCode ?? 502, response.headers).flushHeaders();
      response.on('error', () => res.destroy()).pipe(res);
    });
    onward.on('error', () => res.destroy());
    res.on('close', () => onward.destroy());
    req.pipe(onward);
  }

  const server = createServer((req, res) => {
    if (fault === undefined || fault === 'down') forward(req, res);
    else responses[fault](res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    fail(next) {
      fault = next;
      if (fault === 'down') server.close();
      if (fault !== undefined && fault !== 'slow') server.closeAllConnections();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
