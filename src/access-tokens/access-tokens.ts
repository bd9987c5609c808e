import { randomBytes } from 'node:crypto';
import type { Config } from '../config/types.ts';
import { ApiError, errorKind } from '../errors.ts';
import type {
  AccessToken as AccessTokenInfo,
  AccessTokenResponse,
  CreateAccessTokenRequest,
} from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import { isEnding } from '../jupyter-server/agent.ts';
import { annotation } from '../jupyter-server/labels.ts';
import type { Session } from '../jupyter-server/session.ts';
import type { Deadline } from '../lib/deadline.ts';
import {
  type AccessToken,
  formatAccessToken,
  hashAccessToken,
  isLive,
  writeAccessTokens,
} from '../session-contract/access-tokens.ts';

/** The methods of the session store that access tokens need. */
export interface SessionsOfTokens {
  /** Returns the caller's session of this name from the cache. Throws ApiError 404. */
  get(identity: Identity, name: string, deadline: Deadline): Promise<Session>;
  /** Reads the session from the Kubernetes API, so that `get` returns its current state. */
  refresh(session: Session, deadline: Deadline): Promise<unknown>;
  /** Writes annotations. Returns undefined without writing if the session was changed after it was read. */
  annotate(
    session: Session,
    annotations: Readonly<Record<string, string>>,
    deadline: Deadline,
  ): Promise<Session | undefined>;
}

export interface AccessTokenParts {
  readonly sessions: SessionsOfTokens;
  readonly config: Pick<Config, 'sessions'>;
  /** Returns the address of a session, without a token and without a slash at the end. */
  readonly addressOf: (session: Session) => string;
  readonly now?: () => number;
}

/** Maximum number of tokens of one session. */
const maxTokens = 20;
const defaultSeconds = 7 * 86_400;

export interface AccessTokens {
  /**
   * Creates a token and returns it; the token cannot be read again. If the session has its own token, returns that token with
   * `isNew` false.
   */
  create(
    identity: Identity,
    name: string,
    request: CreateAccessTokenRequest,
    deadline: Deadline,
  ): Promise<{ isNew: boolean; response: AccessTokenResponse }>;
  /** Returns the tokens that have not expired, oldest first. */
  list(identity: Identity, name: string, deadline: Deadline): Promise<AccessTokenInfo[]>;
  /** Deletes a token. Throws ApiError 404 if the session has no such token. */
  revoke(identity: Identity, name: string, id: string, deadline: Deadline): Promise<void>;
}

/**
 * Returns the functions for access tokens. With an access token, a program can use one session. The hashes of the tokens are in
 * an annotation of the JupyterServer: every replica can read them, and they are deleted with the session. If
 * `sessions.access_tokens.enabled` is true, the ingress checks such tokens.
 */
export function createAccessTokens({ sessions, config, addressOf, now = Date.now }: AccessTokenParts): AccessTokens {
  const { enabled } = config.sessions.access_tokens;

  /** Replaces the tokens of a session with the result of `edit`. Tries again after each concurrent change. */
  async function change(
    identity: Identity,
    name: string,
    deadline: Deadline,
    edit: (live: readonly AccessToken[]) => readonly AccessToken[],
  ): Promise<Session> {
    for (;;) {
      const session = await sessions.get(identity, name, deadline);
      if (isEnding(session)) {
        throw new ApiError(errorKind.conflict, `The session ${name} is being stopped.`, {
          detail: 'It accepts no new connections. Launch it again.',
        });
      }
      const text = writeAccessTokens(edit(tokensOf(session, now())));
      const changed = await sessions.annotate(session, { [annotation.accessTokens]: text }, deadline);
      if (changed) return changed;
      await sessions.refresh(session, deadline);
    }
  }

  return {
    async create(identity, name, { label = '', expires_in = defaultSeconds }, deadline) {
      if (!enabled) {
        return { isNew: false, response: ownToken(await sessions.get(identity, name, deadline), addressOf) };
      }
      const token = formatAccessToken(randomBytes(32));
      const created: AccessToken = {
        id: randomBytes(8).toString('hex'),
        label,
        hash: hashAccessToken(token),
        created: new Date(now()).toISOString(),
        expires: new Date(now() + expires_in * 1000).toISOString(),
      };
      const session = await change(identity, name, deadline, (live) => {
        if (live.length < maxTokens) return [...live, created];
        throw new ApiError(errorKind.conflict, `The session ${name} already has ${maxTokens} access tokens.`, {
          detail: 'Delete a token that you do not need; GET on the same address lists them.',
        });
      });
      return { isNew: true, response: { ...infoOf(created), token, url: withToken(addressOf(session), token) } };
    },

    async list(identity, name, deadline) {
      return tokensOf(await sessions.get(identity, name, deadline), now()).map(infoOf);
    },

    async revoke(identity, name, id, deadline) {
      await change(identity, name, deadline, (live) => {
        if (live.some((token) => token.id === id)) return live.filter((token) => token.id !== id);
        throw new ApiError(errorKind.missing, `The session ${name} has no access token ${id}.`, {
          detail: 'It may have expired. GET servers/{name}/tokens lists the existing ones.',
        });
      });
    },
  };
}

/** Returns the Jupyter token of an anonymous session, for platforms without access tokens. Throws ApiError 409. */
function ownToken(session: Session, addressOf: AccessTokenParts['addressOf']): AccessTokenResponse {
  const { name, createdAt = '', isOidc, token } = session;
  if (isOidc || !token) {
    throw new ApiError(errorKind.conflict, `The session ${name} requires the platform's sign-in.`, {
      detail:
        'Programs send an access token of the platform with each request to the session: "Authorization: Bearer ...".',
    });
  }
  return {
    id: null,
    label: '',
    token,
    url: withToken(addressOf(session), token),
    created: createdAt,
    expires: null,
  };
}

const tokensOf = ({ accessTokens }: Session, now: number): AccessToken[] =>
  accessTokens.filter((token) => isLive(token, now));

const infoOf = ({ id, label, created, expires }: AccessToken): AccessTokenInfo => ({ id, label, created, expires });

/** Returns the address in the form that clients of Jupyter servers accept. */
const withToken = (address: string, token: string): string => `${address}/?token=${token}`;
