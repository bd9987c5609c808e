import type { Logger } from 'pino';
import { request } from 'undici';
import { type Deadline, orAborted } from '../../lib/deadline.ts';
import { sleep } from '../../lib/sleep.ts';
import { currentTraceparent } from '../../lib/trace-context.ts';
import { type OutboundCalls, outcomeOfError, outcomeOfStatus } from '../metrics/outbound-calls.ts';
import { createAuthentication } from './authentication.ts';
import { errorOfResponse, isBrokenConnection, ResponseTooLarge, unavailable } from './failures.ts';
import type { KubeConfig } from './kubeconfig.ts';
import { KubernetesError, KubernetesUnavailable } from './types.ts';

export interface Call {
  /** For error messages and logs, such as 'get pods a/b'. */
  describe: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | undefined>;
  body?: { contentType: string; text: string };
  limitBytes: number;
  /** Is called when the response of a stream has begun with status 200. */
  onOpen?: () => void;
}

/** HTTP requests to the API server, with authentication, deadlines, size limits and typed errors. */
export interface Transport {
  /** Returns the body of a 2xx response. Throws KubernetesError or KubernetesUnavailable. */
  request(call: Call, deadline: Deadline): Promise<string>;
  /** Returns the body of a 200 response, chunk by chunk. Throws KubernetesError or KubernetesUnavailable. */
  stream(call: Call, signal: AbortSignal): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** Maximum number of attempts after "429 Too Many Requests". Retries are safe: the API server has not processed the request. */
const maxAttempts = 4;

export interface TransportOptions {
  kubeconfig: KubeConfig;
  log: Logger;
  calls?: OutboundCalls | undefined;
}

export function createTransport({ kubeconfig, log, calls }: TransportOptions): Transport {
  const authentication = createAuthentication({ kubeconfig, log });

  async function open(call: Call, signal: AbortSignal) {
    const end = calls?.begin('kubernetes');
    try {
      const response = await send(call, signal);
      end?.(outcomeOfStatus(response.statusCode));
      return response;
    } catch (error) {
      end?.(outcomeOfError(error, signal));
      throw error;
    }
  }

  async function send(call: Call, signal: AbortSignal) {
    // An exec plug-in may hang, and it has no deadline of its own.
    const { headers, dispatcher } = await orAborted(authentication.current(), signal);
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, value);
    const search = query.size > 0 ? `?${query}` : '';
    const traceparent = currentTraceparent();
    const response = await request(`${authentication.server}${call.path}${search}`, {
      method: call.method,
      dispatcher,
      signal,
      headers: {
        ...headers,
        accept: 'application/json, */*',
        'user-agent': 'notebook-sessions',
        ...(traceparent === undefined ? {} : { traceparent }),
        ...(call.body ? { 'content-type': call.body.contentType } : {}),
      },
      body: call.body?.text ?? null,
    });
    if (isPage(headerOf(response.headers['content-type']))) {
      // A destroyed body emits an error. That error is ignored, because the error below has the reason.
      response.body.on('error', () => undefined).destroy();
      throw new KubernetesUnavailable(
        `${call.describe}: the response is an HTML page, which the Kubernetes API does not send`,
      );
    }
    return response;
  }

  async function attempt(call: Call, deadline: Deadline): Promise<string> {
    const response = await open(call, deadline.signal);
    const text = await readText(response.body, call);
    if (response.statusCode >= 200 && response.statusCode < 300) return text;
    throw errorOfResponse(call.describe, response.statusCode, headerOf(response.headers['retry-after']), text);
  }

  return {
    async request(call, deadline) {
      let renewed = false;
      let reconnected = false;
      for (let attempts = 1; ; attempts += 1) {
        try {
          return await attempt(call, deadline);
        } catch (error) {
          if (deadline.expired)
            throw unavailable(call.describe, deadline.signal.reason ?? deadline.exceeded(call.describe));
          if (error instanceof KubernetesError && error.status === 401 && !renewed) {
            // The token may have been rotated since the last read.
            renewed = true;
            authentication.invalidate();
          } else if (error instanceof KubernetesError && error.status === 429 && attempts < maxAttempts) {
            const waitMs = (error.retryAfterSeconds ?? 1) * 1000;
            if (waitMs >= deadline.remaining()) throw error;
            // If the deadline expires during the delay, the next attempt throws the error.
            await sleep(waitMs, deadline.signal);
          } else if (call.method === 'GET' && isBrokenConnection(error) && !reconnected) {
            reconnected = true;
          } else {
            throw error instanceof KubernetesError ? error : unavailable(call.describe, error);
          }
        }
      }
    },

    async *stream(call, signal) {
      try {
        const response = await open(call, signal);
        if (response.statusCode !== 200) {
          const text = await readText(response.body, call);
          if (response.statusCode === 401) authentication.invalidate();
          throw errorOfResponse(call.describe, response.statusCode, headerOf(response.headers['retry-after']), text);
        }
        call.onOpen?.();
        for await (const chunk of response.body) yield chunk;
      } catch (error) {
        throw error instanceof KubernetesError
          ? error
          : unavailable(call.describe, signal.aborted ? signal.reason : error);
      }
    },

    close: () => authentication.close(),
  };
}

async function readText(body: AsyncIterable<Buffer> & { destroy(): unknown }, call: Call): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > call.limitBytes) {
      body.destroy();
      throw new ResponseTooLarge(call.describe, call.limitBytes);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString('utf8');
}

/** Returns whether a response is HTML. The API server never sends HTML; a load balancer may, even with status 200. */
const isPage = (contentType: string | undefined): boolean => /^text\/html\b/i.test(contentType ?? '');

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
