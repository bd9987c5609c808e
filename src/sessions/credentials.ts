import type { Config } from '../config/types.ts';
import type { Deadline } from '../deadline.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { Identity } from '../identity/types.ts';
import { annotation } from '../jupyter-server/labels.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import { type KubernetesClient, KubernetesUnavailable } from '../platform/kubernetes/types.ts';
import { alreadyExists, isFinalRefusal, kubernetesTrouble } from './kubernetes-trouble.ts';
import type { LaunchRequest } from './launch-request.ts';
import { bucketSecrets } from './manifest/bucket-mounts.ts';
import { credentialsSecret } from './manifest/credentials.ts';
import { pullSecret } from './manifest/pull-secret.ts';
import type { Secret } from './manifest/secrets.ts';
import { isMissingCredentials } from './presentation/state.ts';

/** The second half of a launch: the Secrets with what the session needs of its user. */
export interface Credentials {
  /**
   * Makes the Secrets of this session; that they are there already is fine. The service may create Secrets and nothing
   * else, so it is found out by trying. Throws ApiError; CredentialsRefused tells that the session can never start.
   */
  store(server: JupyterServer, identity: Identity, request: SecretRequest, deadline: Deadline): Promise<void>;
  /** The launch that made this session may have ended before its Secrets were made, as far as this replica knows. */
  mayBeMissing(server: JupyterServer): boolean;
}

type SecretRequest = Pick<LaunchRequest, 'environment' | 'cloudStorage'>;

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

  async function make(secret: Secret, deadline: Deadline): Promise<void> {
    const create = (): Promise<unknown> =>
      client.create(resource.secrets, secret.metadata.namespace ?? '', secret, deadline);
    try {
      // Nobody knows whether an unanswered creation happened; a second one can do no harm.
      await create().catch((error: unknown) => {
        if (!(error instanceof KubernetesUnavailable) || deadline.expired) throw error;
        return create();
      });
    } catch (error) {
      if (!alreadyExists(error)) throw error;
    }
  }

  return {
    async store(server, identity, request, deadline) {
      const secrets = secretsOf(server, identity, request, config);
      const results = await Promise.allSettled(secrets.map((secret) => make(secret, deadline)));
      const refused = results.find((result) => result.status === 'rejected');
      if (refused) throw refusalOf(refused.reason, server.metadata.name ?? '');
      remember(server.metadata.uid);
    },

    mayBeMissing(server) {
      const { uid, annotations = {} } = server.metadata;
      if (!annotations[annotation.credentialsSecret] && !annotations[annotation.pullSecret]) return false;
      if (isMissingCredentials(server)) return true;
      if (uid !== undefined && made.has(uid)) return false;
      // Whoever runs, or did before it was hibernated, had them. For all others one needless call does no harm.
      return server.status?.state !== 'running' && server.spec?.jupyterServer?.hibernated !== true;
    },
  };
}

/** Those that the object refers to. */
function secretsOf(
  server: JupyterServer,
  identity: Identity,
  { environment, cloudStorage }: SecretRequest,
  config: Config,
): Secret[] {
  const { annotations = {} } = server.metadata;
  const { token } = identity.git;
  return [
    ...(annotations[annotation.credentialsSecret] ? [credentialsSecret(server, identity, environment, config)] : []),
    ...(annotations[annotation.pullSecret] && token !== null ? [pullSecret(server, token, config)] : []),
    ...bucketSecrets(server, cloudStorage, config),
  ];
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
