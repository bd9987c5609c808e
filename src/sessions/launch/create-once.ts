import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { isEnding } from '../../jupyter-server/agent.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { nodeLostSince, sinceText } from '../../jupyter-server/machine.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { alreadyExists } from '../../platform/kubernetes/predicates.ts';
import { KubernetesUnavailable } from '../../platform/kubernetes/types.ts';
import { savingMessage } from '../presentation/ending.ts';
import { owns } from '../read/ownership.ts';
import type { SessionStore } from '../read/store.ts';

export interface Launched {
  readonly session: Session;
  /** Whether this launch created it. */
  readonly isNew: boolean;
}

/** Milliseconds that must remain after the wait for a deletion, to create the object and its Secrets. */
const reserveMs = 3_000;
/** Maximum milliseconds of a wait for the save before a deletion: large saves take minutes, so the caller is told how far it is. */
const longestSaveMs = 20_000;
/** Maximum create attempts with unknown result; each of them may use half of the remaining time. */
const maxAttempts = 5;

/**
 * Creates the object, or returns the session of the same name that another request has created. The launch id in the
 * object tells the two cases apart, even if the response to the create request was lost. Waits for the end of a former
 * session of this name that is being deleted; if that session continues, because its work could not be saved, returns it.
 * Throws ApiError 3409 (the deletion takes too long), 3002 (rejected), 3000 and 3004 (no usable response).
 */
export async function createOnce(
  store: SessionStore,
  identity: Identity,
  manifest: JupyterServer,
  deadline: Deadline,
): Promise<Launched> {
  const name = manifest.metadata.name ?? '';
  const launchId = manifest.metadata.annotations?.[annotation.launchId];
  for (let attempt = 1; attempt <= maxAttempts && !deadline.expired; attempt += 1) {
    const session = (await tryToCreate(store, manifest, deadline)) ?? (await readBack(store, name, deadline));
    if (session && isEnding(session)) await waitUntilGone(store, session, deadline);
    else if (session) {
      if (session.launchId === launchId) return { session, isNew: true };
      if (owns(identity, session)) return { session, isNew: false };
      throw new ApiError(errorKind.cannotStart, `The name ${name} is used by an object that is not yours.`);
    }
    // The object was neither created nor found: it is deleted by now, or the request never arrived.
  }
  throw new ApiError(errorKind.timedOut, unknownResult(name));
}

/**
 * Waits for the end of a session that is being deleted, or until it continues because its work could not be saved. Throws ApiError 3409
 * if that takes too long, and at once if the session cannot end because its machine does not respond.
 */
export async function waitUntilGone(store: SessionStore, session: Session, deadline: Deadline): Promise<void> {
  const lostSince = nodeLostSince(session);
  if (lostSince !== undefined) {
    throw new ApiError(errorKind.beingDeleted, `The session ${session.name} is being deleted.`, {
      detail: `Its machine has not responded ${sinceText(lostSince)}, so the deletion waits. Stop the session with forced=true (DELETE servers/${session.name}?forced=true), then launch again.`,
    });
  }
  const waitMs = Math.max(0, deadline.remaining() - reserveMs);
  const limitMs = session.isBeingDeleted ? waitMs : Math.min(waitMs, longestSaveMs);
  const left = await store.untilGone(session, deadline.within(limitMs));
  if (!left) return;
  const saving = savingMessage(left);
  // The save has ended in the meantime.
  if (saving === undefined && !session.isBeingDeleted) return await waitUntilGone(store, left, deadline);
  throw new ApiError(errorKind.beingDeleted, `The session ${session.name} is being deleted.`, {
    ...(saving === undefined ? {} : { detail: `${saving} ${errorKind.beingDeleted.detail}` }),
  });
}

/** Returns undefined if an object of this name exists, or if the result of the request is unknown. */
async function tryToCreate(
  store: SessionStore,
  manifest: JupyterServer,
  deadline: Deadline,
): Promise<Session | undefined> {
  try {
    // Half of the remaining time: without a response, there must be time to read the object.
    return await store.create(manifest, deadline.within(deadline.remaining() / 2));
  } catch (error) {
    if (alreadyExists(error)) return undefined;
    if (error instanceof KubernetesUnavailable && !deadline.expired) return undefined;
    const { cannotStart } = errorKind;
    const kinds = { rejected: cannotStart, unavailable: cannotStart };
    throw translateError(error, { message: 'The session could not be created.', kinds }) ?? error;
  }
}

async function readBack(store: SessionStore, name: string, deadline: Deadline): Promise<Session | undefined> {
  try {
    return await store.read(name, deadline);
  } catch (error) {
    throw translateError(error, { message: unknownResult(name), kinds: { rejected: errorKind.cannotStart } }) ?? error;
  }
}

const unknownResult = (name: string): string =>
  `It is unknown whether the session ${name} was created. Send the same request again to find or create it.`;
