import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { keptSecret } from '../state-files.ts';
import { type Browser, type Browsers, comesFrom } from './browsers.ts';
import { OneTimeCodes } from './one-time-codes.ts';
import type { LocalUser } from './users.ts';

/** A signed-in browser, as the user that it was when it got its code or pass; null: as its anonymous visitor. */
export interface Visitor {
  browser: string;
  user: LocalUser | null;
}

const codeLifetimeMs = 30_000;

/**
 * How a browser that is signed in on the pages' site is recognised on the sessions' site, where its cookie does not
 * go: the ingress sends it here, here it gets a code for that one session and is sent back, and the ingress gives a
 * cookie (a pass) for the code. A pass is good for one session, and only as long as the browser is signed in as the
 * user it was made for.
 */
export class SessionSignIn {
  readonly #codes: OneTimeCodes<Visitor & { name: string }>;
  readonly #browsers: Browsers;
  readonly #key: Buffer;

  /**
   * `keyFile`: signs passes; kept, so that open notebooks survive a restart. Damaged, it is replaced: browsers then get
   * new passes on their next visit.
   */
  constructor(browsers: Browsers, keyFile: string, log: Logger, now: () => number = Date.now) {
    this.#browsers = browsers;
    this.#codes = new OneTimeCodes(codeLifetimeMs, now);
    this.#key = Buffer.from(keptSecret(keyFile, { log }), 'hex');
  }

  issueCode(name: string, visitor: Visitor): string {
    return this.#codes.issue({ ...visitor, name });
  }

  /** undefined unless the code was issued for this session, less than 30 s ago, and not used yet. */
  redeem(code: string, name: string): Visitor | undefined {
    const found = this.#codes.redeem(code);
    if (found?.name !== name || !this.#browserOf(found.browser, found.user?.username ?? null)) return undefined;
    return { browser: found.browser, user: found.user };
  }

  /** `uid`: of the session's object, so that a later session of the same name is another one. */
  issuePass(uid: string, { browser, user }: Visitor): string {
    const payload = Buffer.from(JSON.stringify([uid, browser, user?.username ?? null])).toString('base64url');
    return `${payload}.${this.#sign(payload).toString('base64url')}`;
  }

  /**
   * The visitor whose pass to this session it is; undefined for any other text, once the browser is signed out or
   * another user, and in the hands of another operating-system user.
   */
  holder(pass: string, uid: string, req: IncomingMessage): Visitor | undefined {
    const [payload = '', signature = '', ...more] = pass.split('.');
    const given = Buffer.from(signature, 'base64url');
    const right = this.#sign(payload);
    if (more.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    const [passUid, id, username] = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as [
      string,
      string,
      string | null,
    ];
    const browser = this.#browserOf(id, username);
    return passUid === uid && browser && comesFrom(browser, req) ? { browser: id, user: browser.user } : undefined;
  }

  /** Ends a stream of the session with the visitor's sign-in, and when the browser becomes another user. */
  endWith({ browser }: Visitor, stream: Parameters<Browsers['endWith']>[1]): void {
    this.#browsers.endWith(browser, stream);
  }

  #browserOf(id: string, username: string | null): Browser | undefined {
    const browser = this.#browsers.byId(id);
    return browser && (browser.user?.username ?? null) === username ? browser : undefined;
  }

  #sign(payload: string): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest();
  }
}
