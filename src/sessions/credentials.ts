import type { Config } from '../config/types.ts';
import type { Deadline } from '../deadline.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { Identity } from '../identity/types.ts';
import { annotation } from '../jupyter-server/labels.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import { type KubernetesClient, KubernetesUnavailable } from '../platform/kubernetes/types.ts';
import { alreadyExists, isFinalRefusal, kubernetesTrouble } from './kubernetes-trouble.ts';
import { credentialsSecret } from './manifest/credentials.ts';
import { ageSeconds, credentialsGraceSeconds, isMissingCredentials } from './presentation/state.ts';

/** The second half of a launch: the Secret with what the session needs of its user. */
export interface Credentials {
  /**
   * Makes the Secret of this session; that it is there already is fine. The service may create Secrets and nothing
   * else, so it is found out by trying. Throws ApiError; `isRefused` tells that the session can never start.
   */
  store(server: JupyterServer, identity: Identity, environment: Environment, deadline: Deadline): Promise<void>;
  /** The launch that made this session may have ended before its Secret was made, as far as this replica knows. */
  mayBeMissing(server: JupyterServer, now: number): boolean;
}

type Environment = Readonly<Record<string, string>>;

export class CredentialsRefused extends ApiError {}

/** How many sessions' Secrets are remembered as made: each is forgotten at the latest when it does not matter any more. */
const rememberedLimit = 10_000;

export function createCredentials(client: KubernetesClient, config: Config): Credentials {
  const made = new Set<string>();

  function remember(uid: string | undefined): void {
    if (uid === undefined) return;
    made.add(uid);
    for (const oldest of made) {
      if (made.size <= rememberedLimit) break;
      made.delete(oldest);
    }
  }

  return {
    async store(server, identity, environment, deadline) {
      if (!server.metadata.annotations?.[annotation.credentialsSecret]) return;
      const { name = '', namespace = '', uid } = server.metadata;
      const secret = credentialsSecret(server, identity, environment, config);
      const create = (): Promise<unknown> => client.create(resource.secrets, namespace, secret, deadline);
      try {
        // Nobody knows whether an unanswered creation happened; a second one can do no harm.
        await create().catch((error: unknown) => {
          if (!(error instanceof KubernetesUnavailable) || deadline.expired) throw error;
          return create();
        });
      } catch (error) {
        if (!alreadyExists(error)) throw refusalOf(error, name);
      }
      remember(uid);
    },

    mayBeMissing(server, now) {
      const { uid, annotations } = server.metadata;
      if (!annotations?.[annotation.credentialsSecret]) return false;
      if (isMissingCredentials(server)) return true;
      if (uid !== undefined && made.has(uid)) return false;
      return ageSeconds(server, now) < credentialsGraceSeconds && server.status?.state !== 'running';
    },
  };
}

function refusalOf(error: unknown, session: string): unknown {
  if (!isFinalRefusal(error)) {
    const what = `The session ${session} was made, but not yet its credentials. The same request again completes it.`;
    return kubernetesTrouble(error, what, { refused: errorKind.cannotStart });
  }
  const trouble = kubernetesTrouble(error, 'The credentials of the session could not be stored.', {
    refused: errorKind.cannotStart,
  });
  if (!(trouble instanceof ApiError)) return trouble;
  return new CredentialsRefused(trouble.kind, trouble.message, { detail: trouble.detail, cause: error });
}
