import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { request as send } from 'undici';
import { type Deadline, orAborted } from '../../lib/deadline.ts';
import { createAuthentication } from './authentication.ts';
import { AnswerTooLarge, isBrokenConnection, refusal, unavailable } from './failures.ts';
import { KubernetesError, KubernetesUnavailable } from './types.ts';

export interface Call {
  /** For error messages and logs: 'get pods a/b'. */
  describe: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | undefined>;
  body?: { contentType: string; text: string };
  limitBytes: number;
  /** A stream's answer has begun, and is a good one. */
  onOpen?: () => void;
}

/** HTTP to the API server: authentication, deadlines, size limits, and failures told apart. Knows nothing of resources. */
export interface Transport {
  /** The body of a 2xx answer. Throws KubernetesError or KubernetesUnavailable. */
  request(call: Call, deadline: Deadline): Promise<string>;
  /** The chunks of a 2xx answer as they come. */
  stream(call: Call, signal: AbortSignal): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** Tries after "429 Too Many Requests", which means that nothing was done. */
const maxTries = 4;

export function createTransport({ kubeconfig, log }: { kubeconfig: KubeConfig; log: Logger }): Transport {
  const authentication = createAuthentication({ kubeconfig, log });

  async function open(call: Call, signal: AbortSignal) {
    // An exec plug-in may hang, and it does not know our deadline.
    const { headers, dispatcher } = await orAborted(authentication.current(), signal);
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, value);
    const search = query.size > 0 ? `?${query}` : '';
    const answer = await send(`${authentication.server}${call.path}${search}`, {
      method: call.method,
      dispatcher,
      signal,
      headers: {
        ...headers,
        accept: 'application/json, */*',
        'user-agent': 'notebook-sessions',
        ...(call.body ? { 'content-type': call.body.contentType } : {}),
      },
      body: call.body?.text ?? null,
    });
    if (isPage(headerOf(answer.headers['content-type']))) {
      // Giving up a body is an error of the body, too; what is wrong is said here.
      answer.body.on('error', () => undefined).destroy();
      throw new KubernetesUnavailable(`${call.describe}: a page for people stands before the Kubernetes API`);
    }
    return answer;
  }

  async function attempt(call: Call, deadline: Deadline): Promise<string> {
    const answer = await open(call, deadline.signal);
    const text = await readText(answer.body, call);
    if (answer.statusCode >= 200 && answer.statusCode < 300) return text;
    throw refusal(call.describe, answer.statusCode, headerOf(answer.headers['retry-after']), text);
  }

  return {
    async request(call, deadline) {
      let renewed = false;
      let reconnected = false;
      for (let tries = 1; ; tries += 1) {
        try {
          return await attempt(call, deadline);
        } catch (error) {
          if (deadline.expired)
            throw unavailable(call.describe, deadline.signal.reason ?? deadline.exceeded(call.describe));
          if (error instanceof KubernetesError && error.status === 401 && !renewed) {
            // The token may have been rotated since it was read.
            renewed = true;
            authentication.invalidate();
          } else if (error instanceof KubernetesError && error.status === 429 && tries < maxTries) {
            const waitMs = (error.retryAfterSeconds ?? 1) * 1000;
            if (waitMs >= deadline.remaining()) throw error;
            // An abort ends the wait; the next attempt then says why.
            await delay(waitMs, undefined, { signal: deadline.signal }).catch(() => undefined);
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
        const answer = await open(call, signal);
        if (answer.statusCode !== 200) {
          const text = await readText(answer.body, call);
          if (answer.statusCode === 401) authentication.invalidate();
          throw refusal(call.describe, answer.statusCode, headerOf(answer.headers['retry-after']), text);
        }
        call.onOpen?.();
        for await (const chunk of answer.body) yield chunk as Buffer;
      } catch (error) {
        throw error instanceof KubernetesError
          ? error
          : unavailable(call.describe, signal.aborted ? signal.reason : error);
      }
    },

    close: () => authentication.close(),
  };
}

async function readText(body: AsyncIterable<unknown> & { destroy(): unknown }, call: Call): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > call.limitBytes) {
      body.destroy();
      throw new AnswerTooLarge(call.describe, call.limitBytes);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, length).toString('utf8');
}

/** An API server never answers with HTML: logs, too, are plain text. A load balancer does, even with 200. */
const isPage = (contentType: string | undefined): boolean => /^text\/html\b/i.test(contentType ?? '');

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
