import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { osUserOf } from '../http/peer.ts';
import { readKept, writePrivate } from '../state-files.ts';
import { hashOf } from './one-time-codes.ts';
import { isLocalUser, type LocalUser } from './users.ts';

/** A browser (or a cookie file) that is signed in. */
export interface Browser {
  /** Hash of its cookie; says nothing about the cookie. */
  readonly id: string;
  /** Its user at the moment; null: an anonymous visitor, who may be a user again. */
  readonly user: LocalUser | null;
  /** Its anonymous visitor, as the service's `Renku-Auth-Anon-Id` takes it. */
  readonly anonymousId: string;
  /** Operating-system user whose program has signed in; null where the kernel does not say. */
  readonly osUser: number | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const lifetimeMs = 30 * 24 * 60 * 60 * 1000;
const maxBrowsers = 200;
/** 2: with `osUser`. A browser of version 1 signs in again. */
const fileVersion = 2;

/** A response or a socket. */
interface Stream {
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * The signed-in browsers. Kept in a file, so that a restart signs none out, and on this side, so that signing out takes
 * effect at once and everywhere: what a browser has open as the user that it was ends with it.
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

  /** The value for its cookie, which is not kept here. `former`: what the same browser was signed in as before. */
  open(user: LocalUser, osUser: number | null, former?: Browser): { cookie: string; browser: Browser } {
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

  become(id: string, user: LocalUser | null): void {
    const browser = this.#byId.get(id);
    if (!browser) return;
    this.#byId.set(id, { ...browser, user });
    if (browser.user?.username !== user?.username) this.#endStreams(id);
    this.#save();
  }

  close(id: string): void {
    if (this.#remove(id)) this.#save();
  }

  /** Ends the stream with the browser's sign-in, and when it becomes another user. */
  endWith(id: string, stream: Stream): void {
    const streams = this.#streams.get(id) ?? new Set();
    this.#streams.set(id, streams.add(stream));
    stream.once('close', () => {
      streams.delete(stream);
      if (streams.size === 0 && this.#streams.get(id) === streams) this.#streams.delete(id);
    });
  }

  #remove(id: string): boolean {
    this.#endStreams(id);
    return this.#byId.delete(id);
  }

  #endStreams(id: string): void {
    for (const stream of this.#streams.get(id) ?? []) stream.destroy();
  }

  #save(): void {
    const living = [...this.#byId.values()].filter(({ expiresAt }) => expiresAt > this.#now()).slice(-maxBrowsers);
    const kept = new Set(living.map(({ id }) => id));
    for (const id of this.#byId.keys()) if (!kept.has(id)) this.#remove(id);
    writePrivate(this.#file, JSON.stringify({ version: fileVersion, browsers: living }));
  }
}

/**
 * Whether a request comes from the operating-system user whose program has signed in. A browser sends its cookies to
 * every port of a host, also to the server of another user of this machine: in the hands of that user the cookie opens
 * nothing.
 */
export function comesFrom(browser: Browser, req: IncomingMessage): boolean {
  return browser.osUser === osUserOf(req);
}

function read(file: string, log: Logger): Browser[] {
  const kept = readKept(file);
  if (kept === undefined) return [];
  try {
    const { version, browsers } = JSON.parse(kept) as { version?: unknown; browsers?: unknown };
    if (version === fileVersion && Array.isArray(browsers)) return browsers.filter(isBrowser);
    log.warn({ file }, 'the list of signed-in browsers is of another version; browsers have to sign in again');
    return [];
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
    log.warn({ file, err: error }, 'the list of signed-in browsers is damaged; everybody has to sign in again');
    return [];
  }
}

function isBrowser(value: unknown): value is Browser {
  if (typeof value !== 'object' || value === null) return false;
  const { id, user, anonymousId, osUser, expiresAt } = value as Record<string, unknown>;
  return (
    [id, anonymousId].every((text) => typeof text === 'string') &&
    typeof expiresAt === 'number' &&
    (osUser === null || typeof osUser === 'number') &&
    (user === null || isLocalUser(user))
  );
}
