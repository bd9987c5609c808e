import type { IncomingMessage } from 'node:http';

/** Returns the token of an `Authorization: Bearer` header, which may be empty; undefined if there is no such header. */
export function bearerToken({ headers }: IncomingMessage): string | undefined {
  const [found, token = ''] = /^Bearer(?: +(.*))?$/is.exec(headers.authorization ?? '') ?? [];
  return found === undefined ? undefined : token.trim();
}

/** Returns the password of Basic credentials; undefined if the request has none. The user name is ignored. */
export function basicPassword({ headers }: IncomingMessage): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(headers.authorization ?? '')?.[1];
  return encoded === undefined ? undefined : /^[^:]*:(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1];
}
