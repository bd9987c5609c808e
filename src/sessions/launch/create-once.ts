import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { alreadyExists } from '../../platform/kubernetes/predicates.ts';
import { KubernetesUnavailable } from '../../platform/kubernetes/types.ts';
import { owns } from '../read/ownership.ts';
import type { SessionStore } from '../read/store.ts';

export interface Launched {
  readonly session: Session;
  /** This launch made it; false: it was there. */
  readonly isNew: boolean;
}

/** Milliseconds kept for what comes after a deletion was waited for: the object and its Secret. */
const reserveMs = 3_000;
/** Creations without an outcome, each with half of the time that is left, before it is given up. */
const attempts = 5;

/**
 * Makes the object, or finds the one that somebody faster made; its name is the key, and the launch's id tells which
 * of the two it was even when the answer to the creation was lost. Never gives a session that is being deleted: that is
 * waited for, and answered with 3409 when it takes too long.
 * Throws ApiError 3409, 3002 (refused), 3000 and 3004 (no usable answer).
 */
export async function createOnce(
  store: SessionStore,
  identity: Identity,
  manifest: JupyterServer,
  deadline: Deadline,
): Promise<Launched> {
  const name = manifest.metadata.name ?? '';
  const launchId = manifest.metadata.annotations?.[annotation.launchId];
  for (let attempt = 1; attempt <= attempts && !deadline.expired; attempt += 1) {
    const session = (await tryToCreate(store, manifest, deadline)) ?? (await readBack(store, name, deadline));
    if (session?.isBeingDeleted) await waitUntilGone(store, session, deadline);
    else if (session) {
      if (session.launchId === launchId) return { session, isNew: true };
      if (owns(identity, session)) return { session, isNew: false };
      throw new ApiError(errorKind.cannotStart, `The name ${name} is taken by an object that is not yours.`);
    }
    // It was neither made nor found: it has gone in between, or the creation never arrived.
  }
  throw new ApiError(errorKind.timedOut, lost(name));
}

/** Throws ApiError 3409 when the deletion takes longer than the deadline allows. */
export async function waitUntilGone(store: SessionStore, session: Session, deadline: Deadline): Promise<void> {
  const patience = deadline.within(Math.max(0, deadline.remaining() - reserveMs));
  if (await store.untilGone(session, patience)) return;
  throw new ApiError(errorKind.beingDeleted, `The session ${session.name} is being deleted.`);
}

/** undefined: there is an object of this name, or nobody knows whether there is. */
async function tryToCreate(
  store: SessionStore,
  manifest: JupyterServer,
  deadline: Deadline,
): Promise<Session | undefined> {
  try {
    // Half of what is left: when there is no answer, there must be time to look for what became of it.
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
    throw translateError(error, { message: lost(name), kinds: { rejected: errorKind.cannotStart } }) ?? error;
  }
}

const lost = (name: string): string =>
  `It is not known whether the session ${name} was made. The same request again finds it, or makes it.`;
