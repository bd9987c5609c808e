import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import { keptSecret } from '../state-files.ts';
import type { Browsers } from './browsers.ts';
import { OneTimeCodes } from './one-time-codes.ts';
import type { LocalUser } from './users.ts';

/** Who came with a code. */
export interface Visitor {
  browser: string;
  user: LocalUser;
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
    return found?.name === name && this.#isStill(found) ? { browser: found.browser, user: found.user } : undefined;
  }

  /** `uid`: of the session's object, so that a later session of the same name is another one. */
  issuePass(uid: string, { browser, user }: Visitor): string {
    const payload = Buffer.from(JSON.stringify([uid, browser, user.username])).toString('base64url');
    return `${payload}.${this.#sign(payload).toString('base64url')}`;
  }

  /** Whose pass to this session it is; undefined for any other text, and once the browser is signed out. */
  holder(pass: string, uid: string): LocalUser | undefined {
    const [payload = '', signature = '', ...more] = pass.split('.');
    const given = Buffer.from(signature, 'base64url');
    const right = this.#sign(payload);
    if (more.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
    const [passUid, browser, username] = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as string[];
    const user = this.#browsers.byId(browser ?? '')?.user;
    return passUid === uid && user && user.username === username ? user : undefined;
  }

  #isStill({ browser, user }: Visitor): boolean {
    return this.#browsers.byId(browser)?.user?.username === user.username;
  }

  #sign(payload: string): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest();
  }
}
