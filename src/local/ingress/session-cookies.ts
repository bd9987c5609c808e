import { BoundedMap } from '../../lib/bounded-map.ts';
import type { RawHeaders } from '../../lib/reverse-proxy/headers.ts';
import { filterCookies } from '../http/headers.ts';

/** Maximum number of cookie names per session. Further cookies are dropped. */
const maxNames = 100;
const maxSessions = 2000;

/**
 * Decides which cookies a session gets: those of Jupyter, and those that the session's own server has set. A browser sends
 * all cookies of `localhost` to every port, including those of other sessions and programs. A session must not get these.
 */
export class SessionCookies {
  /** Names of the cookies that a session's server has set, by the uid of the session. */
  readonly #names = new BoundedMap<string, Set<string>>({ maxSize: maxSessions });
  readonly #jupyterNames: ReadonlySet<string>;

  /** `host` is the host with the port of the sessions' origin. Jupyter derives the name of its cookie from this value. */
  constructor(host: string) {
    this.#jupyterNames = new Set(['_xsrf', `username-${host.replaceAll(/[^A-Za-z0-9]/g, '-')}`]);
  }

  /** Returns the Cookie header for the server of the session with that uid. */
  toServer(uid: string, raw: RawHeaders): string | undefined {
    const own = this.#names.get(uid);
    return filterCookies(raw, (name) => this.#jupyterNames.has(name) || own?.has(name) === true);
  }

  /** Returns a Set-Cookie header of the server, limited to the session's path; undefined if the cookie is not allowed. */
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

  /** Returns false if the session has too many cookies. */
  #remember(uid: string, name: string): boolean {
    if (this.#jupyterNames.has(name)) return true;
    const names = this.#names.get(uid) ?? new Set();
    this.#names.set(uid, names);
    if (!names.has(name) && names.size >= maxNames) return false;
    names.add(name);
    return true;
  }
}
