import type { Logger } from 'pino';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { Deadline } from '../../lib/deadline.ts';
import { isConflict } from '../../platform/kubernetes/predicates.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { KubernetesClient } from '../../platform/kubernetes/types.ts';
import type { Credentials } from '../launch/session-secrets.ts';
import { owns } from '../read/ownership.ts';
import type { SessionStore } from '../read/store.ts';
import { checkVolume, restartStep } from './decide.ts';
import type { VolumeClaim } from './volume.ts';

export interface RestartParts {
  readonly client: KubernetesClient;
  readonly store: SessionStore;
  readonly credentials: Credentials;
  readonly log: Logger;
}

/** Replaces the pod of a failed session of the caller's, and gives the session, starting. Throws ApiError. */
export type Restart = (identity: Identity, name: string, deadline: Deadline) => Promise<JupyterServer>;

/** The volume outlives the pod, so the end of a failed pod need not wait for a last save of the work. */
const graceSeconds = 30;
/** Each time another writer, most likely the operator, changed the session between reading and writing. */
const attempts = 10;

/**
 * In this order, so that a crash after any step is completed by the next call:
 * 1. the session is read from the API server; it must be failed, and its volume must outlive the pod;
 * 2. the Secrets with the user's tokens are written anew;
 * 3. the pod's uid is written into the session, if the session was not changed since step 1;
 * 4. that very pod is deleted, and its StatefulSet makes another one.
 * Callers that race find the uid of step 3 and do the same again, which changes nothing: a pod is deleted by its uid.
 */
export function createRestart({ client, store, credentials, log }: RestartParts): Restart {
  return async (identity, name, ofRequest) => {
    // What was begun is completed when the caller goes away.
    const deadline = Deadline.after(ofRequest.remaining());
    const known = await store.get(identity, name, deadline);
    let isRenewed = false;
    for (let attempt = 1; attempt <= attempts && !deadline.expired; attempt += 1) {
      const read = await store.refresh(known, deadline);
      if (!read || !owns(identity, read.server)) {
        throw new ApiError(errorKind.missing, `There is no session ${name} of yours.`);
      }
      const { server, raw } = read;
      const step = restartStep(server, Date.now());
      if (step.is === 'done') return server;
      checkVolume(server, await volumeClaim(server, deadline));
      if (!isRenewed) {
        const kept = await credentials.renew(raw, identity, deadline);
        if (kept.length > 0) log.warn({ session: name, secrets: kept }, 'a restart did not renew all credentials');
        isRenewed = true;
      }
      const claimed = step.isClaimed ? server : await claim(server, step.podUid, deadline);
      if (claimed) {
        await deletePod(server, step.podUid, deadline);
        log.info({ session: name, namespace: server.metadata.namespace, pod: step.podUid }, 'session restarted');
        return claimed;
      }
    }
    throw new ApiError(errorKind.intermittent, `The session ${name} could not be restarted.`);
  };

  async function volumeClaim({ metadata }: JupyterServer, deadline: Deadline): Promise<VolumeClaim | undefined> {
    const { name = '', namespace = '' } = metadata;
    try {
      return await client.get<VolumeClaim>(resource.persistentVolumeClaims, namespace, name, deadline);
    } catch (error) {
      throw translateError(error, { message: `The volume of the session ${name} could not be read.` }) ?? error;
    }
  }

  /** undefined: the session was changed since it was read. */
  async function claim(server: JupyterServer, podUid: string, deadline: Deadline): Promise<JupyterServer | undefined> {
    const at = new Date().toISOString();
    const annotations = { [annotation.restartedPod]: podUid, [annotation.restartedAt]: at };
    try {
      return await store.annotate(server, annotations, deadline);
    } catch (error) {
      throw translateError(error, { message: `The session ${server.metadata.name} could not be restarted.` }) ?? error;
    }
  }

  async function deletePod({ metadata }: JupyterServer, uid: string, deadline: Deadline): Promise<void> {
    const { name = '', namespace = '' } = metadata;
    const options = { gracePeriodSeconds: graceSeconds, preconditions: { uid } };
    try {
      await client.delete(resource.pods, namespace, `${name}-0`, options, deadline);
    } catch (error) {
      // The name belongs to its successor already.
      if (isConflict(error)) return;
      throw translateError(error, { message: `The pod of the session ${name} could not be replaced.` }) ?? error;
    }
  }
}
