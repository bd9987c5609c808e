import { Transform } from 'node:stream';
import { asObject, isObject, parseJson } from '../../lib/json.ts';

/** Bytes of the longest response that is read: git-lfs asks for 100 objects at a time, which are about 100 kB. */
const maxBytes = 8 * 1024 * 1024;

export interface BatchRewrite {
  /** The header Authorization that the server got: servers repeat it in their response, for the transfer of the objects. */
  readonly sent: string | undefined;
  /** The header Authorization that the client sent to the proxy. */
  readonly received: string;
  /** Returns whether git-lfs sends requests for this URL to the proxy. */
  readonly isProxied: (href: string) => boolean;
  /** Returns the header that makes the proxy send `authorization` to the server. */
  readonly wrap: (authorization: string) => string;
}

/**
 * Returns the response of an LFS server to a batch request with headers for the proxy: the credentials that the proxy has added
 * never reach the session, and the transfers of the objects carry the proxy's key.
 */
export function rewriteBatch(text: string, rewrite: BatchRewrite): string {
  const { sent, received } = rewrite;
  const body = parseJson(text);
  if (!isObject(body) || !Array.isArray(body['objects']))
    return sent === undefined ? text : text.replaceAll(sent, received);
  for (const object of body['objects']) {
    for (const action of Object.values(asObject(asObject(object)?.['actions']) ?? {})) rewriteAction(action, rewrite);
  }
  return JSON.stringify(body);
}

function rewriteAction(action: unknown, { sent, received, isProxied, wrap }: BatchRewrite): void {
  const { href, header } = asObject(action) ?? {};
  if (!isObject(header)) return;
  for (const [name, value] of Object.entries(header)) {
    if (name.toLowerCase() !== 'authorization' || typeof value !== 'string') continue;
    const isOurs = value === sent;
    if (typeof href === 'string' && isProxied(href)) header[name] = isOurs ? received : wrap(value);
    // Another host, to which git-lfs connects itself.
    else if (isOurs) delete header[name];
  }
}

/** Returns a stream that rewrites one response. Fails for a response that is too long. */
export function batchRewriter(rewrite: BatchRewrite): Transform {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      chunks.push(chunk);
      done(bytes > maxBytes ? new Error('the response of the LFS server is too long') : null);
    },
    flush(done) {
      done(null, rewriteBatch(Buffer.concat(chunks).toString(), rewrite));
    },
  });
}
