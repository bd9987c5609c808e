/** Headers as they came and go on the wire: name, value, name, value, ... Order, case and doubles are kept. */
export type RawHeaders = string[];

/** RFC 9110 7.6.1; Expect, which the hop before has already answered; and framing, which each hop writes itself. */
const hopByHop = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/**
 * What `Connection` cannot declare to be of one hop: the sender would take away what this hop has judged the request by,
 * or what the next one judges it by.
 */
const alwaysEndToEnd = /^(host|origin|cookie|set-cookie|authorization|cache-control|range|content-.*|sec-.*)$/;

/**
 * Without what concerns only the connection it came on, without the framing (`framing.ts` writes it anew), and without
 * what `dropped` (lower-case name) says.
 */
export function endToEnd(raw: readonly string[], dropped: (name: string) => boolean = () => false): RawHeaders {
  const named = new Set<string>();
  for (const [name, value] of pairs(raw)) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const token of value.split(',')) {
      const option = token.trim().toLowerCase();
      if (!alwaysEndToEnd.test(option)) named.add(option);
    }
  }
  const kept: RawHeaders = [];
  for (const [name, value] of pairs(raw)) {
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower) && !named.has(lower) && !dropped(lower)) kept.push(name, value);
  }
  return kept;
}

export function* pairs(raw: readonly string[]): Generator<[name: string, value: string]> {
  for (let i = 0; i + 1 < raw.length; i += 2) yield [raw[i] as string, raw[i + 1] as string];
}

/**
 * Headers in which only the hop before may say something: who the caller is and where they came from. Whoever sends
 * them from outside pretends. `_` counts as `-`, since some programs behind a proxy read both alike.
 */
export function isImpostor(name: string): boolean {
  const dashed = name.replaceAll('_', '-');
  return (
    /^(renku-auth|x-forwarded|x-original|x-auth-request)-/.test(dashed) ||
    ['forwarded', 'x-real-ip', 'x-scheme', 'x-script-name', 'x-remote-user', 'remote-user'].includes(dashed)
  );
}

/** What the hop behind may believe about the connection it cannot see. */
export function forwardedHeaders(remoteAddress: string | undefined, host: string): RawHeaders {
  return ['X-Forwarded-For', remoteAddress ?? '127.0.0.1', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', host];
}

/** One Cookie header out of the pairs (`name=value`, as they were sent) that `kept` says; undefined when none is left. */
export function filterCookies(raw: readonly string[], kept: (name: string) => boolean): string | undefined {
  const cookies = cookiePairs(raw).filter(({ name }) => kept(name));
  return cookies.length === 0 ? undefined : cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

/** Every pair of every Cookie header, doubles included: a page can set a second cookie of the same name. */
export function cookiePairs(raw: readonly string[]): { name: string; value: string }[] {
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
