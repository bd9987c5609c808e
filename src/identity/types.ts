/** A registered user of the platform. Only `identity/` creates identities, from the headers of a request. */
export interface RegisteredUser {
  readonly kind: 'registered';
  /** The `sub` claim. */
  readonly id: string;
  /** The `preferred_username` claim, unchanged. */
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
  /** Base URL of GitLab without a trailing slash. */
  readonly url: string;
  readonly token: string | null;
  /** Unix seconds; -1: never; 0: no token. */
  readonly tokenExpiresAt: number;
}

export interface AnonymousUser {
  readonly kind: 'anonymous';
  /** The source of the id. Users of different sources are different owners, so that equal ids do not share sessions. */
  readonly source: 'header' | 'cookie';
  readonly id: string;
  readonly username: string;
  /** The IP address of the client, for limits only; undefined if it is unknown. */
  readonly address?: string | undefined;
  readonly git: GitCredentials;
}

export type Identity = RegisteredUser | AnonymousUser;
