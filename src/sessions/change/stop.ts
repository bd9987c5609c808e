import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../../config/types.ts';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { canSave, isEnding } from '../../jupyter-server/agent.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { Session } from '../../jupyter-server/session.ts';
import {
  isPending,
  longestStopMs,
  type StopRequest,
  secondStopMs,
  writeStopRequest,
} from '../../jupyter-server/stop-request.ts';
import type { Deadline } from '../../lib/deadline.ts';
import type { SessionAgents } from '../../platform/session-agent/types.ts';
import { noSuchSession } from '../read/no-such-session.ts';
import { owns } from '../read/ownership.ts';
import type { SessionStore } from '../read/store.ts';
import { attempts } from './attempts.ts';
import { saveWithin } from './save-within.ts';

export interface StopParts {
  readonly store: SessionStore;
  readonly agents: SessionAgents;
  readonly config: { readonly sessions: Pick<Config['sessions'], 'agent_secrets'> };
  readonly log: Logger;
  readonly now?: () => Date;
}

export interface StopOptions {
  readonly isForced: boolean;
  /** Whether to save the work first. */
  readonly isSaved: boolean;
}

/** Stops the caller's session of this name. Returns when the stop has begun. Throws ApiError. */
export type Stop = (identity: Identity, name: string, options: StopOptions, deadline: Deadline) => Promise<void>;

/** Milliseconds that must remain after a save to delete the session. */
const reserveMs = 2_000;

/**
 * Returns the function that stops a session. If its work can be saved in the repository, the session gets a stop request, which this
 * project's operator carries out: also after a crash of the service or of the operator. Another operator does not know these
 * requests, so the service then saves the work itself, within the deadline of the request.
 */
export function createStop({ store, agents, config, log, now = () => new Date() }: StopParts): Stop {
  const secrets = config.sessions.agent_secrets;

  async function remove(session: Session, isForced: boolean, deadline: Deadline): Promise<void> {
    if (!(await store.remove(session, isForced, deadline))) throw noSuchSession(session.name);
  }

  return async (identity, name, { isForced, isSaved }, deadline) => {
    let session = await store.get(identity, name, deadline);
    if (isForced || !isSaved) return await remove(session, isForced, deadline);
    for (const _attempt of attempts(deadline)) {
      if (!isSaveRequired(session, secrets, now().getTime())) return await remove(session, false, deadline);
      const request: StopRequest = {
        ...{ id: randomUUID(), at: now().toISOString(), by: identity.username, action: 'delete' },
      };
      if (!session.culling.isAnnounced) return await saveAndRemove(session, request, deadline);
      // The same stop in progress.
      if (isEnding(session)) return;
      const annotations = { [annotation.stopRequest]: writeStopRequest(request) };
      if (await write(session, annotations, deadline)) {
        log.info({ session: name, namespace: session.namespace, save: request.id }, 'the session ends after a save');
        return;
      }
      const read = await store.refresh(session, deadline);
      if (!read || !owns(identity, read.session)) throw noSuchSession(name);
      session = read.session;
    }
    throw new ApiError(errorKind.cannotDelete, `The session ${name} could not be deleted.`);
  };

  async function write(
    session: Session,
    annotations: Record<string, string>,
    deadline: Deadline,
  ): Promise<Session | undefined> {
    try {
      return await store.annotate(session, annotations, deadline);
    } catch (error) {
      const { cannotDelete } = errorKind;
      const kinds = { rejected: cannotDelete, unavailable: cannotDelete, forbidden: cannotDelete };
      throw translateError(error, { message: `The session ${session.name} could not be deleted.`, kinds }) ?? error;
    }
  }

  /** Saves within the deadline, and deletes the session also if the save is not complete by then: its agent saves at its end, too. */
  async function saveAndRemove(session: Session, request: StopRequest, deadline: Deadline): Promise<void> {
    const limit = deadline.within(Math.max(0, deadline.remaining() - reserveMs));
    const outcome = await saveWithin(agents, session, secrets, { id: request.id, reason: 'stop' }, limit);
    if (outcome.is !== 'failed') {
      if (outcome.is !== 'saved')
        log.warn({ session: session.name, outcome: outcome.is }, 'a session is deleted before its save is complete');
      return await remove(session, false, deadline);
    }
    const { reason, message } = outcome;
    const failed = { ...request, failure: { reason, message, at: now().toISOString() } };
    await write(session, { [annotation.stopRequest]: writeStopRequest(failed) }, deadline);
    throw notSaved(session.name, message, 'Stop the session again to delete it with its work.');
  }
}

/** Returns the error for a session that keeps running because its work could not be saved. */
export const notSaved = (name: string, why: string, advice: string): ApiError =>
  new ApiError(errorKind.conflict, `The work of the session ${name} could not be saved.`, {
    detail: `${why} ${advice}`,
  });

/**
 * Returns whether the work of a session must be saved before it is deleted. Pure. A session that is hibernated or is being deleted
 * has no process that could save; a stop after a failed save, or one that no operator has carried out, is a decision of the owner.
 */
export function isSaveRequired(session: Session, secrets: readonly string[], now: number): boolean {
  const { isBeingDeleted, isHibernated, stopRequest } = session;
  if (isPending(stopRequest) && stopRequest.action === 'delete')
    return !isBeingDeleted && now - Date.parse(stopRequest.at) < longestStopMs;
  if (isBeingDeleted || isHibernated || !canSave(session, secrets)) return false;
  const { action, failure } = stopRequest ?? {};
  return !(action === 'delete' && failure && now - Date.parse(failure.at) < secondStopMs);
}
