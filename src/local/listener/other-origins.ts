import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { pairs, type RawHeaders } from './headers.ts';
import type { Origins, Site } from './virtual-hosts.ts';

/**
 * For a browser that knows the platform by other addresses than its programs do (a forwarded port, a public name): what
 * it sends is said in this machine's addresses, and what comes back in the browser's. So service and Jupyter, which check
 * Host and Origin and answer with links, need to know one address each.
 */
export interface OtherOrigins {
  /** Host, Origin and Referer of a request to that site as this machine's; everything else as it is. */
  inward(headers: RawHeaders, site: Site): RawHeaders;
  /** A header of an answer. */
  outwardHeader(name: string, value: string): string;
  /** What changes the body of an answer; undefined for one that holds no link of the platform's. */
  outwardBody(answer: IncomingMessage): Transform | undefined;
}

/** undefined where both are the same: nothing has to be changed. */
export function otherOrigins(local: Origins, browsers: Origins): OtherOrigins | undefined {
  if (local.pages === browsers.pages && local.sessions === browsers.sessions) return undefined;
  const either = [local.pages, local.sessions].map((origin) => origin.replaceAll('.', '\\.')).join('|');
  const outward = (text: string, end: string): string =>
    text.replaceAll(new RegExp(`(?:${either})${end}`, 'g'), (origin) =>
      origin === local.pages ? browsers.pages : browsers.sessions,
    );
  return {
    inward: (headers, site) =>
      [...pairs(headers)].flatMap(([name, value]) => [name, inwardValue(name, value, local[site], browsers[site])]),
    outwardHeader: (name, value) => (name === 'location' ? outward(value, notLonger) : value),
    outwardBody(answer) {
      const type = answer.headers['content-type'] ?? '';
      if (!/^(application\/json|text\/html)\b/i.test(type) || answer.headers['content-encoding'] !== undefined)
        return undefined;
      return replacing(outward, Math.max(local.pages.length, local.sessions.length));
    },
  };
}

function inwardValue(header: string, value: string, local: string, browsers: string): string {
  switch (header.toLowerCase()) {
    case 'host':
      return new URL(local).host;
    case 'origin':
      return value === browsers ? local : value;
    case 'referer':
      return value.startsWith(`${browsers}/`) ? local + value.slice(browsers.length) : value;
    default:
      return value;
  }
}

/** The port ends here. */
const notLonger = '(?!\\d)';
/** The port ends here, and not only because the rest has not come yet. */
const surelyNotLonger = '(?=\\D)';

/**
 * Latin-1 keeps every byte of a body, whatever its encoding; what is looked for is ASCII. `longest`: characters of the
 * longest text that is replaced.
 */
function replacing(replace: (text: string, end: string) => string, longest: number): Transform {
  let rest = '';
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const text = replace(rest + chunk.toString('latin1'), surelyNotLonger);
      // What the next chunk may complete.
      const cut = Math.max(0, text.length - longest);
      rest = text.slice(cut);
      done(null, Buffer.from(text.slice(0, cut), 'latin1'));
    },
    flush(done) {
      done(null, Buffer.from(replace(rest, notLonger), 'latin1'));
    },
  });
}
