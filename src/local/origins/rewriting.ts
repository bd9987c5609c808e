import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { pairs, type RawHeaders } from '../../lib/reverse-proxy/headers.ts';
import type { OriginName, Origins } from './origins.ts';

/**
 * Translates origins for a browser that uses other addresses than the programs of this machine (a forwarded port, a public
 * name). Service and Jupyter check Host and Origin and put links into responses. With the translation, each of them needs
 * only one address.
 */
export interface OriginRewriter {
  /** Returns the headers of a request with the local origin in Host, Origin and Referer. */
  requestHeaders(headers: RawHeaders, name: OriginName): RawHeaders;
  /** Returns the value of a response header with the browser's origins. */
  responseHeader(name: string, value: string): string;
  /** Returns a stream that rewrites the body of a response; undefined if bodies of this type have no links of the platform. */
  responseBody(response: IncomingMessage): Transform | undefined;
}

/** Returns undefined if both are equal. */
export function createOriginRewriter(local: Origins, browser: Origins): OriginRewriter | undefined {
  if (local.pages === browser.pages && local.sessions === browser.sessions) return undefined;
  const either = [local.pages, local.sessions].map((origin) => origin.replaceAll('.', '\\.')).join('|');
  const toBrowser = (text: string, end: string): string =>
    text.replaceAll(new RegExp(`(?:${either})${end}`, 'g'), (origin) =>
      origin === local.pages ? browser.pages : browser.sessions,
    );
  return {
    requestHeaders: (headers, name) =>
      [...pairs(headers)].flatMap(([header, value]) => [header, toLocal(header, value, local[name], browser[name])]),
    responseHeader: (name, value) => (name === 'location' ? toBrowser(value, portEnd) : value),
    responseBody(response) {
      const type = response.headers['content-type'] ?? '';
      const isEncoded = response.headers['content-encoding'] !== undefined;
      if (isEncoded || !/^(application\/json|text\/html|text\/event-stream)\b/i.test(type)) return undefined;
      return replacing(toBrowser, Math.max(local.pages.length, local.sessions.length));
    },
  };
}

function toLocal(header: string, value: string, local: string, browser: string): string {
  switch (header.toLowerCase()) {
    case 'host':
      return new URL(local).host;
    case 'origin':
      return value === browser ? local : value;
    case 'referer':
      return value.startsWith(`${browser}/`) ? local + value.slice(browser.length) : value;
    default:
      return value;
  }
}

/** Matches the end of the origin's port. */
const portEnd = '(?!\\d)';
/** Does not match at the end of a chunk, because the next chunk may begin with more digits. */
const portEndInChunk = '(?=\\D)';

/**
 * Returns a stream that replaces text in a body. Decoding as Latin-1 keeps every byte of any encoding, and the replaced text is
 * ASCII. `longest`: the length of the longest text that is replaced.
 */
function replacing(replace: (text: string, end: string) => string, longest: number): Transform {
  let rest = '';
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = replace(rest + chunk.toString('latin1'), portEndInChunk);
      // The next chunk may complete an origin that begins in the last characters of this line. Complete lines are not kept,
      // because they may be the end of an event.
      const cut = Math.max(text.lastIndexOf('\n') + 1, text.length - longest);
      rest = text.slice(cut);
      done(null, Buffer.from(text.slice(0, cut), 'latin1'));
    },
    flush(done) {
      done(null, Buffer.from(replace(rest, portEnd), 'latin1'));
    },
  });
}
