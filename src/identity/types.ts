/** Who is calling. Made by `identity/` from the request; nothing else decides who somebody is. */
export interface RegisteredUser {
  readonly kind: 'registered';
  /** The `sub` claim. */
  readonly id: string;
  /** The `preferred_username` claim, as it is. */
  readonly username: string;
  readonly email: string;
  readonly fullName: string;
  /** The `iss` claim. */
  readonly issuer: string;
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly git: GitCredentials;
}

export interface GitCredentials {
  /** Base URL of the GitLab to ask, without a trailing slash. */
  readonly url: string;
  readonly token: string | null;
  /** Unix seconds; -1 never expires; 0 no token. */
  readonly tokenExpiresAt: number;
}

export interface AnonymousUser {
  readonly kind: 'anonymous';
  /** Where the id came from. Two sources are two kinds of owner, so that neither can name the other's sessions. */
  readonly source: 'header' | 'cookie';
  readonly id: string;
  readonly username: string;
  readonly git: GitCredentials;
}

export type Identity = RegisteredUser | AnonymousUser;
