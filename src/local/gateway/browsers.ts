import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { readKept, writePrivate } from '../state-files.ts';
import { hashOf } from './one-time-codes.ts';
import { isLocalUser, type LocalUser } from './users.ts';

/** A browser (or a cookie file) that somebody has signed in with. */
export interface Browser {
  /** Hash of its cookie; says nothing about the cookie. */
  readonly id: string;
  /** Whom it is at the moment; null: an anonymous visitor, who may be somebody again. */
  readonly user: LocalUser | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const lifetimeMs = 30 * 24 * 60 * 60 * 1000;
const maxBrowsers = 200;
const fileVersion = 1;

/**
 * Who is signed in. Kept in a file, so that a restart signs nobody out, and on this side, so that signing out takes
 * effect at once and everywhere.
 */
export class Browsers {
  readonly #byId = new Map<string, Browser>();
  readonly #file: string;
  readonly #now: () => number;

  constructor(file: string, log: Logger, now: () => number = Date.now) {
    this.#file = file;
    this.#now = now;
    for (const browser of read(file, log)) this.#byId.set(browser.id, browser);
  }

  /** The value for its cookie, which is not kept here. */
  open(user: LocalUser): { cookie: string; browser: Browser } {
    const cookie = randomBytes(32).toString('base64url');
    const browser: Browser = { id: hashOf(cookie), user, expiresAt: this.#now() + lifetimeMs };
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
    this.#save();
  }

  close(id: string): void {
    if (this.#byId.delete(id)) this.#save();
  }

  #save(): void {
    const living = [...this.#byId.values()].filter(({ expiresAt }) => expiresAt > this.#now()).slice(-maxBrowsers);
    const kept = new Set(living.map(({ id }) => id));
    for (const id of this.#byId.keys()) if (!kept.has(id)) this.#byId.delete(id);
    writePrivate(this.#file, JSON.stringify({ version: fileVersion, browsers: living }));
  }
}

function read(file: string, log: Logger): Browser[] {
  const kept = readKept(file);
  if (kept === undefined) return [];
  try {
    const { version, browsers } = JSON.parse(kept) as { version?: unknown; browsers?: unknown };
    if (version === fileVersion && Array.isArray(browsers)) return browsers.filter(isBrowser);
    log.warn({ file }, 'the list of signed-in browsers is not one of ours; everybody has to sign in again');
    return [];
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
    log.warn({ file, err: error }, 'the list of signed-in browsers is damaged; everybody has to sign in again');
    return [];
  }
}

function isBrowser(value: unknown): value is Browser {
  if (typeof value !== 'object' || value === null) return false;
  const { id, user, expiresAt } = value as Record<string, unknown>;
  return typeof id === 'string' && typeof expiresAt === 'number' && (user === null || isLocalUser(user));
}
