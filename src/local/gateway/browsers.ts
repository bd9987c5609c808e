import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { isObject } from '../../lib/json.ts';
import { osUserOf } from '../http/peer.ts';
import { readKept, writePrivate } from '../state-files.ts';
import { hashOf } from './one-time-codes.ts';
import { isLocalUser, type LocalUser } from './users.ts';

/** A signed-in browser, or a cookie file. */
export interface Browser {
  /** Hash of the browser's cookie. The cookie cannot be computed from the hash. */
  readonly id: string;
  /** The current user of the browser; null for an anonymous visitor, who can switch back to a user. */
  readonly user: LocalUser | null;
  /** The value of `Renku-Auth-Anon-Id` in requests of the browser's anonymous visitor. */
  readonly anonymousId: string;
  /** Operating-system user that signed in; null if unknown. */
  readonly osUser: number | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const lifetimeMs = 30 * 24 * 60 * 60 * 1000;
const maxBrowsers = 200;
/** Version 1 had no `osUser`: its browsers have to sign in again. */
const fileVersion = 2;

/** A response or a socket. */
interface Stream {
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * The signed-in browsers. They are stored in a file, so that they remain signed in after a restart. Cookies contain only a
 * random value, so that signing out takes effect immediately: the open streams of the browser are closed, too.
 */
export class Browsers {
  readonly #byId = new Map<string, Browser>();
  readonly #streams = new Map<string, Set<Stream>>();
  readonly #file: string;
  readonly #now: () => number;

  constructor(file: string, log: Logger, now: () => number = Date.now) {
    this.#file = file;
    this.#now = now;
    for (const browser of read(file, log)) this.#byId.set(browser.id, browser);
  }

  /** Returns the value of a new cookie, which is not stored here. `former`: the browser's previous sign-in. */
  signIn(user: LocalUser, osUser: number | null, former?: Browser): { cookie: string; browser: Browser } {
    const cookie = randomBytes(32).toString('base64url');
    const anonymousId = former?.anonymousId ?? `anon-${randomBytes(16).toString('hex')}`;
    const browser: Browser = { id: hashOf(cookie), user, anonymousId, osUser, expiresAt: this.#now() + lifetimeMs };
    if (former) this.#remove(former.id);
    this.#byId.set(browser.id, browser);
    this.#save();
    return { cookie, browser };
  }

  byCookie(cookie: string): Browser | undefined {
    return this.byId(hashOf(cookie));
  }

  byId(id: string): Browser | undefined {
    const browser = this.#byId.get(id);
    return browser && browser.expiresAt > this.#now() ? browser : undefined;
  }

  switchUser(id: string, user: LocalUser | null): void {
    const browser = this.#byId.get(id);
    if (!browser) return;
    this.#byId.set(id, { ...browser, user });
    if (browser.user?.username !== user?.username) this.#closeStreams(id);
    this.#save();
  }

  signOut(id: string): void {
    if (this.#remove(id)) this.#save();
  }

  /** Closes the stream when the browser signs out or switches to another user. */
  closeAtSignOut(id: string, stream: Stream): void {
    const streams = this.#streams.get(id) ?? new Set();
    this.#streams.set(id, streams.add(stream));
    stream.once('close', () => {
      streams.delete(stream);
      if (streams.size === 0 && this.#streams.get(id) === streams) this.#streams.delete(id);
    });
  }

  #remove(id: string): boolean {
    this.#closeStreams(id);
    return this.#byId.delete(id);
  }

  #closeStreams(id: string): void {
    for (const stream of this.#streams.get(id) ?? []) stream.destroy();
  }

  #save(): void {
    const valid = [...this.#byId.values()].filter(({ expiresAt }) => expiresAt > this.#now()).slice(-maxBrowsers);
    const kept = new Set(valid.map(({ id }) => id));
    for (const id of this.#byId.keys()) if (!kept.has(id)) this.#remove(id);
    writePrivate(this.#file, JSON.stringify({ version: fileVersion, browsers: valid }));
  }
}

/**
 * Returns true if the request comes from the operating-system user that signed in. A browser sends its cookies to every
 * port of a host, even to a server of another user of this machine. This check prevents that user from using the cookie.
 */
export function comesFrom(browser: Browser, req: IncomingMessage): boolean {
  return browser.osUser === osUserOf(req);
}

function read(file: string, log: Logger): Browser[] {
  const kept = readKept(file);
  if (kept === undefined) return [];
  try {
    const stored: unknown = JSON.parse(kept);
    if (isObject(stored) && stored['version'] === fileVersion && Array.isArray(stored['browsers'])) {
      return stored['browsers'].filter(isBrowser);
    }
    log.warn({ file }, 'the list of signed-in browsers has another version; browsers have to sign in again');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    log.warn({ file, err: error }, 'the list of signed-in browsers is damaged; browsers have to sign in again');
  }
  return [];
}

function isBrowser(value: unknown): value is Browser {
  if (!isObject(value)) return false;
  const { id, user, anonymousId, osUser, expiresAt } = value;
  return (
    [id, anonymousId].every((text) => typeof text === 'string') &&
    typeof expiresAt === 'number' &&
    (osUser === null || typeof osUser === 'number') &&
    (user === null || isLocalUser(user))
  );
}
