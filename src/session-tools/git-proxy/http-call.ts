import { once } from 'node:events';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { SecureContext } from 'node:tls';

export interface Call {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly secureContext: SecureContext | undefined;
  readonly signal: AbortSignal;
}

const maxBytes = 64 * 1024;

/** Sends a request and returns the response. Does not follow redirects, so that credentials stay at the host of the URL. */
export async function call({ url, method, headers, body, secureContext, signal }: Call) {
  const send = url.protocol === 'https:' ? requestTls : requestPlain;
  const outgoing = send(url, { method, headers, agent: false, signal, ...(secureContext ? { secureContext } : {}) });
  outgoing.end(body);
  const response: IncomingMessage = (await once(outgoing, 'response', { signal }))[0];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    if (text.length > maxBytes) throw new Error('the response is too long');
  }
  return { status: response.statusCode ?? 0, text };
}
