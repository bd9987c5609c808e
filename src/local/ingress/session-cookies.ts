import type { RawHeaders } from '../../lib/reverse-proxy/headers.ts';
import { filterCookies } from '../http/headers.ts';

/** Of names that one session's server has set. What is beyond is not kept, and then not passed either. */
const maxNames = 100;
const maxSessions = 2000;

/**
 * Which cookies go to a session: those of Jupyter, and those that its own server has set for its own path. A browser
 * sends a host's cookies to every port and page of the host; those of other sessions and of other programs on
 * `localhost` are nobody's business there.
 */
export class SessionCookies {
  readonly #names = new Map<string, Set<string>>();
  /** What Jupyter calls its sign-in cookie: after the host that it sees. */
  readonly #jupyter: ReadonlySet<string>;

  /** `host`: that of the sessions' site, with its port. */
  constructor(host: string) {
    this.#jupyter = new Set(['_xsrf', `username-${host.replaceAll(/[^A-Za-z0-9]/g, '-')}`]);
  }

  /** The Cookie header for the session's server; `uid` says which session. */
  toServer(uid: string, raw: RawHeaders): string | undefined {
    const own = this.#names.get(uid);
    return filterCookies(raw, (name) => this.#jupyter.has(name) || own?.has(name) === true);
  }

  /** A Set-Cookie of the session's server, confined to the session's path; undefined where it may not be set. */
  fromServer(uid: string, setCookie: string, basePath: string, reserved: string): string | undefined {
    const [pair = '', ...attributes] = setCookie.split(';').map((part) => part.trim());
    const name = pair.slice(0, Math.max(0, pair.indexOf('='))).trim();
    if (name === '' || name === reserved || !this.#remember(uid, name)) return undefined;
    let path = basePath;
    const kept = attributes.filter((attribute) => {
      const [key = '', value = ''] = attribute.split('=', 2);
      if (/^path$/i.test(key.trim()) && value.trim().startsWith(basePath)) path = value.trim();
      return !/^(path|domain)$/i.test(key.trim());
    });
    return [pair, ...kept, `Path=${path}`].join('; ');
  }

  #remember(uid: string, name: string): boolean {
    if (this.#jupyter.has(name)) return true;
    const names = this.#names.get(uid) ?? new Set();
    const oldest = this.#names.keys().next();
    if (!this.#names.has(uid) && this.#names.size >= maxSessions && !oldest.done) this.#names.delete(oldest.value);
    this.#names.set(uid, names);
    if (!names.has(name) && names.size >= maxNames) return false;
    names.add(name);
    return true;
  }
}
