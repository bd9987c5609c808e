import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../../config/types.ts';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { agentAccess, isEnding, isReachable } from '../../jupyter-server/agent.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { type StopContext, whyNotSavedOnStop } from '../../jupyter-server/save-on-stop.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { isPending, longestStopMs, type StopRequest, writeStopRequest } from '../../jupyter-server/stop-request.ts';
import { Deadline } from '../../lib/deadline.ts';
import { AgentFailure, type SessionAgents } from '../../platform/session-agent/types.ts';
import { noSuchSession } from '../read/no-such-session.ts';
import { owns } from '../read/ownership.ts';
import type { RemoveOptions, SessionStore } from '../read/store.ts';
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
  /** Whether to save the work first: `unless-failed` is not repeated after a save that has failed. */
  readonly save: 'never' | 'unless-failed' | 'always';
}

/** Stops the caller's session of this name. Returns when the stop has begun. Throws ApiError. */
export type Stop = (identity: Identity, name: string, options: StopOptions, deadline: Deadline) => Promise<void>;

/** Milliseconds that must remain after a save to delete the session. */
const reserveMs = 2_000;
/** Time limit for each request to the agent of a session that is deleted without a save. */
const discardMs = 2_000;

/**
 * Returns the function that stops a session. If its work can be saved in the repository, the session gets a stop request, which this
 * project's operator carries out: also after a crash of the service or of the operator. Another operator does not know these
 * requests, so the service then saves the work itself, within the deadline of the request.
 */
export function createStop({ store, agents, config, log, now = () => new Date() }: StopParts): Stop {
  const secrets = config.sessions.agent_secrets;

  return async (identity, name, { isForced, save }, deadline) => {
    let session = await store.get(identity, name, deadline);
    if (isForced || save === 'never') {
      await removeUnsaved(session, isForced, deadline);
      return;
    }
    for (const _attempt of attempts(deadline)) {
      if (await hasBegun(identity, session, save === 'always', deadline)) return;
      session = await readAgain(identity, session, deadline);
    }
    throw new ApiError(errorKind.cannotDelete, `The session ${name} could not be deleted.`);
  };

  /** Deletes the session without a save. Throws ApiError 1404 if it does not exist. */
  async function removeUnsaved(session: Session, isForced: boolean, deadline: Deadline): Promise<void> {
    try {
      await discardWork(session, deadline);
      if ((await store.remove(session, { isForced }, deadline)) !== 'does not exist') return;
    } catch (err) {
      await keepWork(session);
      throw err;
    }
    throw noSuchSession(session.name);
  }

  /** Tells the agent to end without a save. A session whose agent does not respond is deleted, too: its agent may then save. */
  async function discardWork(session: Session, deadline: Deadline): Promise<void> {
    const access = agentAccess(session, secrets);
    if (!isReachable(access)) return;
    try {
      await agents.discard(access, deadline.within(discardMs));
    } catch (err) {
      if (!(err instanceof AgentFailure)) throw err;
      log.warn(
        { err, session: session.name },
        'the agent of a session that is deleted without a save may save at its end',
      );
    }
  }

  /** Tells the agent that the session was not deleted: it saves at its end again. The deadline of the request may have ended. */
  async function keepWork(session: Session): Promise<void> {
    const access = agentAccess(session, secrets);
    if (!isReachable(access)) return;
    try {
      await agents.keep(access, Deadline.after(discardMs));
    } catch (err) {
      if (!(err instanceof AgentFailure)) throw err;
      log.warn(
        { err, session: session.name },
        'the agent of a session that could not be deleted does not save at its end for 5 minutes',
      );
    }
  }

  /** Begins to stop the session, after a save also if one has failed and `isRepeated`. Returns false if the session has changed since it was read. */
  async function hasBegun(
    identity: Identity,
    session: Session,
    isRepeated: boolean,
    deadline: Deadline,
  ): Promise<boolean> {
    const context = { secrets, isAnonymous: identity.kind === 'anonymous', now: now().getTime() };
    if (!isSaveRequired(session, context, isRepeated)) return await remove(session, { ifUnchanged: true }, deadline);
    const request: StopRequest = {
      ...{ id: randomUUID(), at: now().toISOString(), by: identity.username, action: 'delete' },
    };
    if (!session.culling.isAnnounced) {
      await saveAndRemove(identity, session, request, deadline);
      return true;
    }
    // The same stop in progress.
    if (isEnding(session)) return true;
    const written = await write(session, { [annotation.stopRequest]: writeStopRequest(request) }, deadline);
    if (!written) return false;
    const { name, namespace } = session;
    log.info({ session: name, namespace, save: request.id }, 'the session ends after a save');
    return true;
  }

  /** Deletes the session. Returns false if it has changed. Throws ApiError 1404 if it does not exist. */
  async function remove(session: Session, options: RemoveOptions, deadline: Deadline): Promise<boolean> {
    const removed = await store.remove(session, options, deadline);
    if (removed === 'does not exist') throw noSuchSession(session.name);
    return removed === 'removed';
  }

  async function readAgain(identity: Identity, known: Session, deadline: Deadline): Promise<Session> {
    const read = await store.refresh(known, deadline);
    if (!read || !owns(identity, read.session)) throw noSuchSession(known.name);
    return read.session;
  }

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
  async function saveAndRemove(
    identity: Identity,
    session: Session,
    request: StopRequest,
    deadline: Deadline,
  ): Promise<void> {
    const limit = deadline.within(Math.max(0, deadline.remaining() - reserveMs));
    const outcome = await saveWithin(agents, session, secrets, { id: request.id, reason: 'stop' }, limit);
    if (outcome.is !== 'failed') {
      if (outcome.is !== 'saved')
        log.warn({ session: session.name, outcome: outcome.is }, 'a session is deleted before its save is complete');
      return await removePod(identity, session, deadline);
    }
    const { reason, message } = outcome;
    const failed = { ...request, failure: { reason, message, at: now().toISOString() } };
    await write(session, { [annotation.stopRequest]: writeStopRequest(failed) }, deadline);
    throw notSaved(session.name, message, 'Stop the session again to delete it with its work.');
  }

  /** Deletes the session, although its status has changed during the save, but not if it has got another pod with later work. */
  async function removePod(identity: Identity, saved: Session, deadline: Deadline): Promise<void> {
    let session = saved;
    for (const _attempt of attempts(deadline)) {
      if (await remove(session, { ifUnchanged: true }, deadline)) return;
      session = await readAgain(identity, session, deadline);
      if (session.pod?.uid !== saved.pod?.uid)
        throw notSaved(session.name, 'The session was started again during the save.', 'Stop the session again.');
    }
    throw new ApiError(errorKind.cannotDelete, `The session ${session.name} could not be deleted.`);
  }
}

/** Returns the error for a session that keeps running because its work could not be saved. */
export const notSaved = (name: string, why: string, advice: string): ApiError =>
  new ApiError(errorKind.conflict, `The work of the session ${name} could not be saved.`, {
    detail: `${why} ${advice}`,
  });

/**
 * Returns whether the work of a session must be saved before it is deleted. Pure. A stop that no operator has carried out does not
 * keep the owner from deleting the session.
 * @param isRepeated also after a save that has failed
 */
export function isSaveRequired(session: Session, context: StopContext, isRepeated = false): boolean {
  const { isBeingDeleted, stopRequest } = session;
  if (isPending(stopRequest) && stopRequest.action === 'delete')
    return !isBeingDeleted && context.now - Date.parse(stopRequest.at) < longestStopMs;
  const why = whyNotSavedOnStop(session, context);
  return why === undefined || (isRepeated && why.reason === 'save-failed');
}
