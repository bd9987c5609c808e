import type { ServerResponse } from 'node:http';

export interface Reply {
  readonly status: number;
  /** undefined: no body. */
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

export function send(res: ServerResponse, { status, body, headers = {} }: Reply): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  res.writeHead(status, {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  res.end(text);
}

/** Limits of both servers of the agent: their clients send small requests. */
export const serverLimits = { requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16_384 } as const;
export const maxConnections = 100;
