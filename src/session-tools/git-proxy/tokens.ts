import { createBackOff } from '../../lib/back-off.ts';
import {
  type AccessTokens,
  exchangeToken,
  expiryOf,
  noAccessToken,
  type Platform,
  RenewalFailure,
  renewAccess,
} from './renewal.ts';

/** The tokens of the session's user. */
export interface UserTokens {
  /** null: the session has no git token, and requests get no credentials. */
  readonly gitToken: string | null;
  /** Seconds since the epoch; 0 or less: the token does not expire. */
  readonly gitTokenExpiresAt: number;
  readonly accessToken: string | null;
  readonly refreshToken: string | null;
}

export interface TokenStore {
  /**
   * Returns a git token that has not expired; null if the session has none. Throws RenewalFailure if the token has expired and
   * cannot be renewed.
   */
  gitToken(): Promise<string | null>;
  /** Uses other tokens from now on. A token that is undefined stays. */
  replace(tokens: { [Key in keyof UserTokens]?: UserTokens[Key] | undefined }): void;
  /** The git server has rejected this token: it is renewed before its next use, if that is possible. */
  reject(token: string): void;
  /** Returns all current tokens, which must not appear in a log. */
  secrets(): string[];
  /** Renews tokens ahead of their expiry until `signal` aborts. */
  renewInBackground(signal: AbortSignal): void;
}

/** Seconds before its expiry in which a token is renewed while it is still used. */
const aheadSeconds = 10 * 60;
/** A token that expires within these seconds may expire during the request, and is not used any more. */
const minSeconds = 30;
const checkEveryMs = 60_000;
/** Time limit for all requests of a renewal. */
const renewalMs = 20_000;
const maxBackOffMs = 60_000;

export interface TokenStoreOptions {
  /** undefined: tokens cannot be renewed. */
  readonly platform: Platform | undefined;
  readonly log: (line: string) => void;
  /** Returns milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Returns the store of the tokens, in memory only. Requests share one renewal, and a failed one is not repeated at once. */
export function createTokenStore(initial: UserTokens, options: TokenStoreOptions): TokenStore {
  const { platform, log, now = Date.now } = options;
  const backOff = createBackOff({ firstMs: 1_000, maxMs: maxBackOffMs });
  let tokens = initial;
  /** Increases when tokens from outside replace the tokens: the result of an earlier renewal is then dropped. */
  let generation = 0;
  let rejected: string | undefined;
  let inFlight: Promise<void> | undefined;
  let failure: { readonly error: RenewalFailure; readonly retryAt: number } | undefined;

  const secondsLeft = (expiresAt: number | undefined): number =>
    expiresAt === undefined || expiresAt <= 0 ? Number.POSITIVE_INFINITY : expiresAt - now() / 1000;
  const isGitTokenOld = (seconds: number) =>
    secondsLeft(tokens.gitTokenExpiresAt) < seconds || (rejected !== undefined && rejected === tokens.gitToken);

  /** Renews the git token and, if needed, the access token. */
  const renew = (): Promise<void> => {
    // The clock may have been set back since.
    const waitMs = failure ? failure.retryAt - now() : 0;
    if (failure && waitMs > 0 && waitMs <= maxBackOffMs) return Promise.reject(failure.error);
    inFlight ??= renewAll().finally(() => {
      inFlight = undefined;
    });
    return inFlight;
  };

  async function renewAll(): Promise<void> {
    const started = generation;
    const signal = AbortSignal.timeout(renewalMs);
    const keep = (changed: Partial<UserTokens>) => {
      if (generation === started) tokens = { ...tokens, ...changed };
    };
    try {
      if (!platform) throw noAccessToken();
      const renewOwn = async (): Promise<string> => {
        const { refreshToken } = tokens;
        if (refreshToken === null) throw noAccessToken();
        const next: AccessTokens = await renewAccess(platform, refreshToken, signal);
        keep({ accessToken: next.accessToken, refreshToken: next.refreshToken ?? refreshToken });
        return next.accessToken;
      };
      const { accessToken } = tokens;
      const isUsable = accessToken !== null && secondsLeft(expiryOf(accessToken)) >= minSeconds;
      const renewed = isUsable
        ? ((await exchangeToken(platform, accessToken, signal)) ??
          (await exchangeToken(platform, await renewOwn(), signal)))
        : await exchangeToken(platform, await renewOwn(), signal);
      if (!renewed) throw noAccessToken();
      keep({ gitToken: renewed.token, gitTokenExpiresAt: renewed.expiresAt });
      failure = undefined;
      backOff.reset();
      log('The git token was renewed.');
    } catch (error) {
      if (!(error instanceof RenewalFailure)) throw error;
      if (generation === started) failure = { error, retryAt: now() + backOff.next() };
      log(`The git token could not be renewed: ${error.message}`);
      throw error;
    }
  }

  /** Keeps the sign-in of a session alive that does not use git: an unused refresh token expires. */
  async function renewRefreshToken(): Promise<void> {
    const { refreshToken } = tokens;
    const started = generation;
    if (!platform || refreshToken === null || secondsLeft(expiryOf(refreshToken)) > aheadSeconds) return;
    const next = await renewAccess(platform, refreshToken, AbortSignal.timeout(renewalMs));
    if (generation === started)
      tokens = { ...tokens, accessToken: next.accessToken, refreshToken: next.refreshToken ?? refreshToken };
  }

  /** Without other tokens, the git server decides whether the git token is still valid. */
  const isRenewable = () => platform !== undefined && (tokens.accessToken !== null || tokens.refreshToken !== null);

  async function check(): Promise<void> {
    if (tokens.gitToken !== null && isRenewable() && isGitTokenOld(aheadSeconds)) await renew();
    else if (!inFlight) await renewRefreshToken();
  }

  return {
    async gitToken() {
      if (tokens.gitToken === null || !isRenewable() || !isGitTokenOld(aheadSeconds)) return tokens.gitToken;
      const renewal = renew();
      if (isGitTokenOld(minSeconds)) await renewal;
      // The failure was logged, and the token can still be used.
      else renewal.catch(() => undefined);
      return tokens.gitToken;
    },
    replace({ gitToken, gitTokenExpiresAt, accessToken, refreshToken }) {
      generation++;
      tokens = {
        gitToken: gitToken ?? tokens.gitToken,
        gitTokenExpiresAt: gitTokenExpiresAt ?? tokens.gitTokenExpiresAt,
        accessToken: accessToken ?? tokens.accessToken,
        refreshToken: refreshToken ?? tokens.refreshToken,
      };
      rejected = undefined;
      failure = undefined;
      backOff.reset();
    },
    reject(token) {
      rejected = token;
    },
    secrets: () =>
      [tokens.gitToken, tokens.accessToken, tokens.refreshToken, platform?.clientSecret].filter((each) => each != null),
    renewInBackground(signal) {
      const timer = setInterval(() => {
        check().catch((error: unknown) => {
          if (!(error instanceof RenewalFailure)) throw error;
        });
      }, checkEveryMs);
      timer.unref();
      signal.addEventListener('abort', () => clearInterval(timer));
    },
  };
}
