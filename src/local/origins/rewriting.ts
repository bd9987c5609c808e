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
      if (isEncoded) return undefined;
      if (/^text\/event-stream\b/i.test(type)) return replacing(toBrowser, lastLine);
      if (!/^(application\/json|text\/html)\b/i.test(type)) return undefined;
      const longest = Math.max(local.pages.length, local.sessions.length);
      return replacing(toBrowser, (text) => Math.max(0, text.length - longest));
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

/** Returns the start of the last line, which is not complete. A stream of events is passed on line by line. */
const lastLine = (text: string): number => text.lastIndexOf('\n') + 1;

/**
 * Returns a stream that replaces text in a body. Decoding as Latin-1 keeps every byte of any encoding, and the replaced text is
 * ASCII. @param cutOf returns the start of the text that is kept until the next chunk, which may complete an origin
 */
function replacing(replace: (text: string, end: string) => string, cutOf: (text: string) => number): Transform {
  let rest = '';
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = replace(rest + chunk.toString('latin1'), portEndInChunk);
      const cut = cutOf(text);
      rest = text.slice(cut);
      done(null, Buffer.from(text.slice(0, cut), 'latin1'));
    },
    flush(done) {
      done(null, Buffer.from(replace(rest, portEnd), 'latin1'));
    },
  });
}
