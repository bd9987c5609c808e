import { randomBytes } from 'node:crypto';
import type { Config } from '../config/types.ts';
import { ApiError, errorKind } from '../errors.ts';
import type {
  AccessToken as AccessTokenInfo,
  AccessTokenResponse,
  CreateAccessTokenRequest,
} from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
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

/** What is needed of the session store. */
export interface SessionsOfTokens {
  /** The caller's session of this name, which may be some changes old. Throws ApiError 404. */
  get(identity: Identity, name: string, deadline: Deadline): Promise<Session>;
  /** Reads it anew, so that `get` knows it as it is. */
  refresh(session: Session, deadline: Deadline): Promise<unknown>;
  /** Sets annotations of the session as it was read; undefined, and nothing is written, where it has changed since. */
  annotate(
    session: Session,
    annotations: Readonly<Record<string, string>>,
    deadline: Deadline,
  ): Promise<Session | undefined>;
}

export interface AccessTokenParts {
  readonly sessions: SessionsOfTokens;
  readonly config: Pick<Config, 'sessions'>;
  /** The address of a session, without a token and a slash at its end. */
  readonly addressOf: (session: Session) => string;
  readonly now?: () => number;
}

/** Tokens of one session; more are a mistake or an attack. */
const mostTokens = 20;
const defaultSeconds = 7 * 86_400;

export interface AccessTokens {
  /** Makes a token, which is told this once. `isNew` is false where the session has a token of its own. */
  create(
    identity: Identity,
    name: string,
    request: CreateAccessTokenRequest,
    deadline: Deadline,
  ): Promise<{ isNew: boolean; response: AccessTokenResponse }>;
  /** Those that have not expired, the oldest first. */
  list(identity: Identity, name: string, deadline: Deadline): Promise<AccessTokenInfo[]>;
  /** Throws ApiError 404 when the session has no such token. */
  revoke(identity: Identity, name: string, id: string, deadline: Deadline): Promise<void>;
}

/**
 * Tokens that open one session to programs. They stand as hashes in an annotation of the JupyterServer, so that every
 * replica knows them and they end with the session. Only an ingress that reads them lets them in, which
 * `sessions.access_tokens.enabled` says; elsewhere a session is opened as its proxy demands.
 */
export function createAccessTokens({ sessions, config, addressOf, now = Date.now }: AccessTokenParts): AccessTokens {
  const { enabled } = config.sessions.access_tokens;

  /** Changes the session's tokens on the ground of what they are, as often as another change comes between. */
  async function change(
    identity: Identity,
    name: string,
    deadline: Deadline,
    edit: (live: readonly AccessToken[]) => readonly AccessToken[],
  ): Promise<Session> {
    for (;;) {
      const session = await sessions.get(identity, name, deadline);
      if (session.isBeingDeleted) {
        throw new ApiError(errorKind.conflict, `The session ${name} is being stopped.`, {
          detail: 'It cannot be reached any more. Launch it again.',
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
      if (!enabled)
        return { isNew: false, response: ownToken(await sessions.get(identity, name, deadline), addressOf) };
      const token = formatAccessToken(randomBytes(32));
      const made: AccessToken = {
        id: randomBytes(8).toString('hex'),
        label,
        hash: hashAccessToken(token),
        created: new Date(now()).toISOString(),
        expires: new Date(now() + expires_in * 1000).toISOString(),
      };
      const session = await change(identity, name, deadline, (live) => {
        if (live.length < mostTokens) return [...live, made];
        throw new ApiError(errorKind.conflict, `The session ${name} has ${mostTokens} access tokens already.`, {
          detail: 'Delete one that is not used any more; GET on the same address lists them.',
        });
      });
      return { isNew: true, response: { ...infoOf(made), token, url: withToken(addressOf(session), token) } };
    },

    async list(identity, name, deadline) {
      return tokensOf(await sessions.get(identity, name, deadline), now()).map(infoOf);
    },

    async revoke(identity, name, id, deadline) {
      await change(identity, name, deadline, (live) => {
        if (live.some((token) => token.id === id)) return live.filter((token) => token.id !== id);
        throw new ApiError(errorKind.missing, `The session ${name} has no access token ${id}.`, {
          detail: 'It may have expired. GET servers/{name}/tokens lists those that there are.',
        });
      });
    },
  };
}

/** Where no ingress knows tokens of ours: that of an anonymous session, which is Jupyter's. Throws ApiError 409. */
function ownToken(session: Session, addressOf: AccessTokenParts['addressOf']): AccessTokenResponse {
  const { name, createdAt = '', isOidc, token } = session;
  if (isOidc || !token) {
    throw new ApiError(errorKind.conflict, `The session ${name} is opened with the platform's sign-in.`, {
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

/** As programs that know Jupyter servers take it: one text with everything in it. */
const withToken = (address: string, token: string): string => `${address}/?token=${token}`;
