import type { Config } from '../../config/types.ts';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { isMissingSecrets } from '../../jupyter-server/state.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { alreadyExists, isFinalRejection, isNotFound } from '../../platform/kubernetes/predicates.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import { type KubernetesClient, KubernetesUnavailable } from '../../platform/kubernetes/types.ts';
import { bucketSecrets } from '../manifest/bucket-mounts.ts';
import { credentialsSecret } from '../manifest/credentials.ts';
import { pullSecret } from '../manifest/pull-secret.ts';
import { secretReferences } from '../manifest/secret-references.ts';
import type { Secret } from '../manifest/secrets.ts';
import { variablesSecret } from '../manifest/variables.ts';
import type { LaunchRequest } from './launch-request.ts';

/** The second half of a launch: the Secrets with what the session needs of its user. */
export interface Credentials {
  /**
   * Makes the Secrets of this session; that they are there already is fine. The service may not read Secrets, so it is
   * found out by trying. Throws ApiError; CredentialsRefused tells that the session can never start.
   */
  store(session: Session, identity: Identity, request: SecretRequest, deadline: Deadline): Promise<void>;
  /**
   * Writes the Secrets with the user's tokens anew, from what the caller has now. A Secret to which the object refers
   * for more than that stays as it is: the service cannot read what it would have to keep.
   * @param object whole, as the API server has it
   * @returns the names of the Secrets that stay as they are. Throws ApiError.
   */
  renew(session: Session, object: JupyterServer, identity: Identity, deadline: Deadline): Promise<string[]>;
  /** The launch that made this session may have ended before its Secrets were made, as far as this replica knows. */
  mayBeMissing(session: Session): boolean;
}

type SecretRequest = Pick<LaunchRequest, 'environment' | 'cloudStorage'>;

export class CredentialsRefused extends ApiError {}

/** How many sessions' Secrets are remembered as made: each is forgotten at the latest when it does not matter any more. */
const rememberedLimit = 10_000;

/** A write without an answer is repeated once: it may have happened, and a second one changes nothing more. */
async function withRetry(write: () => Promise<unknown>, deadline: Deadline): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof KubernetesUnavailable) || deadline.expired) throw error;
    await write();
  }
}

export function createCredentials(client: KubernetesClient, config: Config): Credentials {
  const made = new Set<string>();

  function remember(uid: string): void {
    made.add(uid);
    for (const oldest of made) {
      if (made.size <= rememberedLimit) break;
      made.delete(oldest);
    }
  }

  async function make(secret: Secret, deadline: Deadline): Promise<void> {
    try {
      await withRetry(
        () => client.create(resource.secrets, secret.metadata.namespace ?? '', secret, deadline),
        deadline,
      );
    } catch (error) {
      if (!alreadyExists(error)) throw error;
    }
  }

  /** Whatever was in the Secret is replaced; where there is none, it is made. */
  async function replace(secret: Secret, deadline: Deadline): Promise<void> {
    try {
      await withRetry(
        () => client.replace(resource.secrets, secret.metadata.namespace ?? '', secret, deadline),
        deadline,
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await make(secret, deadline);
    }
  }

  return {
    async store(session, identity, request, deadline) {
      const secrets = secretsOf(session, identity, request, config);
      const results = await Promise.allSettled(secrets.map((secret) => make(secret, deadline)));
      const refused = results.find((result) => result.status === 'rejected');
      if (refused) throw refusalOf(refused.reason, session.name);
      remember(session.uid);
    },

    async renew(session, object, identity, deadline) {
      const secrets = tokenSecretsOf(session, identity, {}, config);
      const [kept, renewed] = [
        secrets.filter(isIncomplete(object)),
        secrets.filter((each) => !isIncomplete(object)(each)),
      ];
      try {
        await Promise.all(renewed.map((secret) => replace(secret, deadline)));
      } catch (error) {
        const message = `The credentials of the session ${session.name} could not be renewed.`;
        throw translateError(error, { message }) ?? error;
      }
      return kept.map(({ metadata }) => metadata.name ?? '');
    },

    mayBeMissing(session) {
      const { credentials, variables, pull } = session.secrets;
      if (!credentials && !variables && !pull) return false;
      if (isMissingSecrets(session)) return true;
      if (made.has(session.uid)) return false;
      // Whoever runs, or did before it was hibernated, had them. For all others one needless call does no harm.
      return session.reportedState !== 'running' && !session.isHibernated;
    },
  };
}

/** Those that the object refers to. */
function secretsOf(
  session: Session,
  identity: Identity,
  { environment, cloudStorage }: SecretRequest,
  config: Config,
): Secret[] {
  const hasVariablesSecret = session.secrets.variables !== undefined;
  return [
    ...tokenSecretsOf(session, identity, hasVariablesSecret ? {} : environment, config),
    ...(hasVariablesSecret ? [variablesSecret(session, environment, config)] : []),
    ...bucketSecrets(session, cloudStorage, config),
  ];
}

/** Those with tokens of the user's. */
function tokenSecretsOf(
  session: Session,
  identity: Identity,
  environment: SecretRequest['environment'],
  config: Config,
): Secret[] {
  const { token } = identity.git;
  return [
    ...(session.secrets.credentials ? [credentialsSecret(session, identity, environment, config)] : []),
    ...(session.secrets.pull && token !== null ? [pullSecret(session, token, config)] : []),
  ];
}

/** Whether the object refers to a key that is not in the Secret: its pod would not start. */
function isIncomplete(object: JupyterServer): (secret: Secret) => boolean {
  const references = secretReferences(object.spec);
  return ({ metadata, data }) =>
    references.some(({ name, key }) => name === metadata.name && !Object.hasOwn(data, key));
}

function refusalOf(error: unknown, session: string): unknown {
  const kinds = { rejected: errorKind.cannotStart };
  if (!isFinalRejection(error)) {
    const message = `The session ${session} was created, but not yet its credentials. Send the same request again to complete it.`;
    return translateError(error, { message, kinds }) ?? error;
  }
  const rejection = translateError(error, { message: 'The credentials of the session could not be stored.', kinds });
  if (!rejection) return error;
  return new CredentialsRefused(rejection.kind, rejection.message, { detail: rejection.detail, cause: error });
}
