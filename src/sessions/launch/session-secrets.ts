import type { LaunchConfig } from '../../config/types.ts';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { isMissingSecrets } from '../../jupyter-server/state.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
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
import type { Launched } from './create-once.ts';
import type { LaunchRequest } from './launch-request.ts';

/** The Secrets of a session: the user's tokens, environment variables and keys. Creating them completes a launch. */
export interface SessionSecrets {
  /**
   * Creates those Secrets of the session that do not exist. The Secrets of a new session replace existing ones: these belong to a
   * former session of the same name, and are deleted with it. Throws ApiError; a SecretsRejected means that the session can never
   * start.
   */
  create(launched: Launched, identity: Identity, request: SecretRequest, deadline: Deadline): Promise<void>;
  /**
   * Replaces the Secrets that hold tokens by new ones with the caller's present tokens. A Secret that also holds other keys
   * is not replaced, because the service cannot read them. Throws ApiError.
   * @param object the whole object from the API server
   * @returns the names of the Secrets that were not replaced
   */
  renew(session: Session, object: JupyterServer, identity: Identity, deadline: Deadline): Promise<string[]>;
  /** Returns whether the launch of this session may have been interrupted before it created the Secrets. */
  mayBeMissing(session: Session): boolean;
}

type SecretRequest = Pick<LaunchRequest, 'environment' | 'cloudStorage'>;

/** The cluster rejects the Secrets themselves: another attempt fails in the same way. */
export class SecretsRejected extends ApiError {}

/** Size of the cache of sessions whose Secrets this replica has created. An evicted session costs one unnecessary call. */
const maxKnownSessions = 10_000;

/** Repeats a write once if there is no response. Each of these writes can safely be repeated. */
async function withRetry(write: () => Promise<unknown>, deadline: Deadline): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof KubernetesUnavailable) || deadline.expired) throw error;
    await write();
  }
}

export function createSessionSecrets(client: KubernetesClient, config: LaunchConfig): SessionSecrets {
  /** The sessions whose Secrets this replica has created, by uid. */
  const created = new BoundedMap<string, true>({ maxSize: maxKnownSessions });

  /** @param isNew whether an existing Secret of this name belongs to a former session */
  async function create(secret: Secret, deadline: Deadline, isNew = false): Promise<void> {
    try {
      await withRetry(
        () => client.create(resource.secrets, secret.metadata.namespace ?? '', secret, deadline),
        deadline,
      );
    } catch (error) {
      if (!alreadyExists(error)) throw error;
      if (isNew) await replace(secret, deadline);
    }
  }

  /** Replaces the Secret, or creates it if it does not exist. */
  async function replace(secret: Secret, deadline: Deadline): Promise<void> {
    try {
      await withRetry(
        () => client.replace(resource.secrets, secret.metadata.namespace ?? '', secret, deadline),
        deadline,
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await create(secret, deadline);
    }
  }

  return {
    async create({ session, isNew }, identity, request, deadline) {
      const secrets = secretsOf(session, identity, request, config);
      const results = await Promise.allSettled(secrets.map((secret) => create(secret, deadline, isNew)));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw creationError(failed.reason, session.name);
      created.set(session.uid, true);
    },

    async renew(session, object, identity, deadline) {
      const secrets = tokenSecretsOf(session, identity, {}, config);
      const lacksKeys = isIncomplete(object);
      const kept = secrets.filter(lacksKeys);
      const renewed = secrets.filter((secret) => !lacksKeys(secret));
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
      if (created.get(session.uid)) return false;
      // A session that runs, or ran before it was hibernated, has its Secrets. For others, an unnecessary call is harmless.
      return session.reportedState !== 'running' && !session.isHibernated;
    },
  };
}

/** Returns the Secrets that the object refers to. */
function secretsOf(
  session: Session,
  identity: Identity,
  { environment, cloudStorage }: SecretRequest,
  config: LaunchConfig,
): Secret[] {
  const hasVariablesSecret = session.secrets.variables !== undefined;
  return [
    ...tokenSecretsOf(session, identity, hasVariablesSecret ? {} : environment, config),
    ...(hasVariablesSecret ? [variablesSecret(session, environment, config)] : []),
    ...bucketSecrets(session, cloudStorage, config),
  ];
}

/** Returns the Secrets that hold tokens of the user. */
function tokenSecretsOf(
  session: Session,
  identity: Identity,
  environment: SecretRequest['environment'],
  config: LaunchConfig,
): Secret[] {
  const { token } = identity.git;
  return [
    ...(session.secrets.credentials ? [credentialsSecret(session, identity, environment, config)] : []),
    ...(session.secrets.pull && token !== null ? [pullSecret(session, token, config)] : []),
  ];
}

/** Returns whether the object refers to a key that is not in a Secret: the pod would not start with this Secret. */
function isIncomplete(object: JupyterServer): (secret: Secret) => boolean {
  const references = secretReferences(object.spec);
  return ({ metadata, data }) =>
    references.some(({ name, key }) => name === metadata.name && !Object.hasOwn(data, key));
}

/** Returns the error for Secrets that could not be created; SecretsRejected if another attempt cannot succeed. */
function creationError(error: unknown, session: string): unknown {
  const kinds = { rejected: errorKind.cannotStart };
  if (!isFinalRejection(error)) {
    const message = `The session ${session} was created, but its credentials are not stored yet. Send the same request again to complete it.`;
    return translateError(error, { message, kinds }) ?? error;
  }
  const rejection = translateError(error, { message: 'The credentials of the session could not be stored.', kinds });
  if (!rejection) return error;
  return new SecretsRejected(rejection.kind, rejection.message, { detail: rejection.detail, cause: error });
}
