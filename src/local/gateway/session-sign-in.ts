import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { keptSecret } from '../state-files.ts';
import { type Browser, type Browsers, comesFrom } from './browsers.ts';
import { OneTimeCodes } from './one-time-codes.ts';
import type { LocalUser } from './users.ts';

/** A signed-in browser, and the user of the browser when the code or pass was issued; null for an anonymous visitor. */
export interface Visitor {
  browser: string;
  user: LocalUser | null;
}

const codeLifetimeMs = 30_000;

/**
 * Identifies a browser at the origin of the sessions, which does not get the cookie of the pages. The ingress redirects the
 * browser here. The browser gets a code for that one session and is redirected back, and the ingress exchanges the code for
 * a cookie (a pass). A pass is valid for one session, and only while the browser is signed in as the same user.
 */
export class SessionSignIn {
  readonly #codes: OneTimeCodes<Visitor & { name: string }>;
  readonly #browsers: Browsers;
  readonly #key: Buffer;

  /**
   * `keyFile`: the key that signs passes. It is kept, so that open notebooks work after a restart. If it is damaged, it is
   * replaced, and browsers get new passes at their next visit.
   */
  constructor(browsers: Browsers, keyFile: string, log: Logger, now: () => number = Date.now) {
    this.#browsers = browsers;
    this.#codes = new OneTimeCodes(codeLifetimeMs, now);
    this.#key = Buffer.from(keptSecret(keyFile, { log }), 'hex');
  }

  issueCode(name: string, visitor: Visitor): string {
    return this.#codes.issue({ ...visitor, name });
  }

  /** Redeems a code. Returns undefined if the code was not issued for this session in the last 30 s, or was used before. */
  redeem(code: string, name: string): Visitor | undefined {
    const found = this.#codes.redeem(code);
    if (found?.name !== name || !this.#browserOf(found.browser, found.user?.username ?? null)) return undefined;
    return { browser: found.browser, user: found.user };
  }

  /** `uid` of the JupyterServer: a later session with the same name needs another pass. */
  issuePass(uid: string, { browser, user }: Visitor): string {
    const payload = Buffer.from(JSON.stringify([uid, browser, user?.username ?? null])).toString('base64url');
    return `${payload}.${this.#sign(payload).toString('base64url')}`;
  }

  /**
   * Returns the visitor of a pass to this session. Returns undefined for an invalid pass; if the browser has signed out or
   * switched to another user; and if another operating-system user sent the pass.
   */
  visitorOf(pass: string, uid: string, req: IncomingMessage): Visitor | undefined {
    const [payload = '', signature = '', ...more] = pass.split('.');
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#sign(payload);
    if (more.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    // The signature is valid, so `issuePass` wrote the payload.
    const content: [uid: string, browser: string, username: string | null] = JSON.parse(
      Buffer.from(payload, 'base64url').toString('utf8'),
    );
    const browser = this.#browserOf(content[1], content[2]);
    return content[0] === uid && browser && comesFrom(browser, req)
      ? { browser: browser.id, user: browser.user }
      : undefined;
  }

  /** Closes a stream of the session when the visitor's browser signs out or switches to another user. */
  closeAtSignOut({ browser }: Visitor, stream: Parameters<Browsers['closeAtSignOut']>[1]): void {
    this.#browsers.closeAtSignOut(browser, stream);
  }

  #browserOf(id: string, username: string | null): Browser | undefined {
    const browser = this.#browsers.byId(id);
    return browser && (browser.user?.username ?? null) === username ? browser : undefined;
  }

  #sign(payload: string): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest();
  }
}
