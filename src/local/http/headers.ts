import { pairs, type RawHeaders } from '../../lib/reverse-proxy/headers.ts';

/**
 * Returns true for headers that only a gateway may set: those about the caller's identity and address. `name` is in lower
 * case. `_` counts as `-`, because some servers do not distinguish them.
 */
export function isGatewayHeader(name: string): boolean {
  const dashed = name.replaceAll('_', '-');
  return (
    /^(renku-auth|x-forwarded|x-original|x-auth-request)-/.test(dashed) ||
    ['forwarded', 'x-real-ip', 'x-scheme', 'x-script-name', 'x-remote-user', 'remote-user'].includes(dashed)
  );
}

/** Returns the headers that describe the caller's connection to the server behind the proxy. */
export function forwardedHeaders(remoteAddress: string | undefined, host: string): RawHeaders {
  return ['X-Forwarded-For', remoteAddress ?? '127.0.0.1', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', host];
}

/** Returns one Cookie header with the cookies that `isKept` accepts; undefined if there are none. */
export function filterCookies(raw: readonly string[], isKept: (name: string) => boolean): string | undefined {
  const cookies = readCookies(raw).filter(({ name }) => isKept(name));
  return cookies.length === 0 ? undefined : cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

/** Returns the cookies of all Cookie headers, duplicates included: a page can set a second cookie of the same name. */
export function readCookies(raw: readonly string[]): { name: string; value: string }[] {
  const found: { name: string; value: string }[] = [];
  for (const [header, text] of pairs(raw)) {
    if (header.toLowerCase() !== 'cookie') continue;
    for (const part of text.split(';')) {
      const equals = part.indexOf('=');
      if (equals > 0) found.push({ name: part.slice(0, equals).trim(), value: part.slice(equals + 1).trim() });
    }
  }
  return found;
}
