/** Headers as on the wire: name, value, name, value, ... Order, case and duplicates are kept. */
export type RawHeaders = string[];

/**
 * Headers that each hop writes itself: those of RFC 9110 7.6.1, those that define the end of the body, and Expect, which the
 * previous hop has already handled.
 */
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
 * Headers that are kept even if `Connection` lists them: this hop and the next one check the request with them, so the
 * sender must not be able to remove them.
 */
const alwaysEndToEnd = /^(host|origin|cookie|set-cookie|authorization|cache-control|range|content-.*|sec-.*)$/;

/**
 * Returns the headers to send to the next hop: without those that concern one connection only, without body lengths
 * (`framing.ts` writes them again), and without those for which `isDropped` (lower-case name) returns true.
 */
export function endToEnd(raw: readonly string[], isDropped: (name: string) => boolean = () => false): RawHeaders {
  const listed = new Set<string>();
  for (const [name, value] of pairs(raw)) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const token of value.split(',')) {
      const option = token.trim().toLowerCase();
      if (!alwaysEndToEnd.test(option)) listed.add(option);
    }
  }
  const kept: RawHeaders = [];
  for (const [name, value] of pairs(raw)) {
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower) && !listed.has(lower) && !isDropped(lower)) kept.push(name, value);
  }
  return kept;
}

/** Iterates over the headers as pairs of name and value. */
export function* pairs(raw: readonly string[]): Generator<[name: string, value: string]> {
  for (let i = 0; i + 1 < raw.length; i += 2) yield [raw[i] ?? '', raw[i + 1] ?? ''];
}
