import type { Logger } from 'pino';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { Deadline } from '../../lib/deadline.ts';
import { isConflict } from '../../platform/kubernetes/predicates.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { KubernetesClient } from '../../platform/kubernetes/types.ts';
import type { SessionSecrets } from '../launch/session-secrets.ts';
import { noSuchSession } from '../read/no-such-session.ts';
import { owns } from '../read/ownership.ts';
import type { SessionStore } from '../read/store.ts';
import { attempts } from './attempts.ts';
import { checkVolume, restartStep } from './decide.ts';
import type { VolumeClaim } from './volume.ts';

export interface RestartParts {
  readonly client: KubernetesClient;
  readonly store: SessionStore;
  readonly secrets: SessionSecrets;
  readonly log: Logger;
}

/** Replaces the pod of the caller's failed session, and returns the session, which is starting. Throws ApiError. */
export type Restart = (identity: Identity, name: string, deadline: Deadline) => Promise<Session>;

/** Grace period of the deleted pod. A longer grace period, to save unpushed work, is not needed: the volume keeps the files. */
const graceSeconds = 30;

/**
 * Returns the function that restarts a session. If a restart is interrupted after any of its steps, the next call completes
 * the restart:
 * 1. reads the session from the API server: the session must have failed, and its volume must remain without the pod;
 * 2. writes the Secrets with the user's tokens again;
 * 3. writes the pod's uid into the session, if the session has not changed since step 1;
 * 4. deletes the pod with that uid, and the StatefulSet creates a new pod.
 * Concurrent calls find the uid of step 3 and repeat the steps. They cannot delete the new pod, which has another uid.
 */
export function createRestart({ client, store, secrets, log }: RestartParts): Restart {
  return async (identity, name, ofRequest) => {
    // The restart is completed even if the caller closes the connection.
    const deadline = Deadline.after(ofRequest.remaining());
    const known = await store.get(identity, name, deadline);
    let isRenewed = false;
    for (const _attempt of attempts(deadline)) {
      const read = await store.refresh(known, deadline);
      if (!read || !owns(identity, read.session)) {
        throw noSuchSession(name);
      }
      const { session, object } = read;
      const step = restartStep(session, Date.now());
      if (step.is === 'done') return session;
      checkVolume(session, await volumeClaim(session, deadline));
      if (!isRenewed) {
        const kept = await secrets.renew(session, object, identity, deadline);
        if (kept.length > 0) log.warn({ session: name, secrets: kept }, 'a restart did not renew all credentials');
        isRenewed = true;
      }
      const claimed = step.isClaimed ? session : await claim(session, step.podUid, deadline);
      if (claimed) {
        await deletePod(session, step.podUid, deadline);
        log.info({ session: name, namespace: session.namespace, pod: step.podUid }, 'session restarted');
        return claimed;
      }
    }
    throw new ApiError(errorKind.intermittent, `The session ${name} could not be restarted.`);
  };

  async function volumeClaim({ name, namespace }: Session, deadline: Deadline): Promise<VolumeClaim | undefined> {
    try {
      return await client.get<VolumeClaim>(resource.persistentVolumeClaims, namespace, name, deadline);
    } catch (error) {
      throw translateError(error, { message: `The volume of the session ${name} could not be read.` }) ?? error;
    }
  }

  /** Writes the uid of the pod into the session. Returns undefined if the session has changed since it was read. */
  async function claim(session: Session, podUid: string, deadline: Deadline): Promise<Session | undefined> {
    const at = new Date().toISOString();
    const annotations = { [annotation.restartedPod]: podUid, [annotation.restartedAt]: at };
    try {
      return await store.annotate(session, annotations, deadline);
    } catch (error) {
      throw translateError(error, { message: `The session ${session.name} could not be restarted.` }) ?? error;
    }
  }

  async function deletePod({ name, namespace }: Session, uid: string, deadline: Deadline): Promise<void> {
    const options = { gracePeriodSeconds: graceSeconds, preconditions: { uid } };
    try {
      await client.delete(resource.pods, namespace, `${name}-0`, options, deadline);
    } catch (error) {
      // The pod with this name is already the new pod.
      if (isConflict(error)) return;
      throw translateError(error, { message: `The pod of the session ${name} could not be replaced.` }) ?? error;
    }
  }
}
