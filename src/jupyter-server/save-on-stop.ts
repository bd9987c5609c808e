import { findAgentKey } from '../session-contract/agent-key.ts';
import { noAgent, noKey } from './agent.ts';
import type { Session } from './session.ts';
import { secondStopMs } from './stop-request.ts';

/** Why a stop of a session does not save its work first. `message` is a sentence for its owner. */
export interface NotSavedOnStop {
  readonly reason:
    | 'no-agent'
    | 'no-key'
    | 'no-permission'
    | 'anonymous'
    | 'hibernated'
    | 'saved-before'
    | 'save-failed'
    | 'stopping';
  readonly message: string;
}

export interface StopContext {
  /** The secrets of the platform (session-contract/agent-key.ts). */
  readonly secrets: readonly string[];
  /** Whether the owner is not signed in. */
  readonly isAnonymous: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const noPermission =
  'You may not push to this project: that needs the Developer role. A maintainer of the project can give it to you.';

/**
 * Returns why a stop deletes the session without a save; undefined if the work is saved first. Pure. A session that is hibernated or
 * is being deleted has no process that could save; a stop after a failed save is a decision of the owner.
 */
export function whyNotSavedOnStop(
  session: Session,
  { secrets, isAnonymous, now }: StopContext,
): NotSavedOnStop | undefined {
  const { agentSecret, uid, savedWork, stopRequest } = session;
  if (session.isBeingDeleted) return { reason: 'stopping', message: 'The session is being deleted.' };
  if (session.isHibernated && savedWork?.isVerified) {
    const where = savedWork.branch === null ? '' : ` in the autosave ${savedWork.branch}`;
    return {
      reason: 'saved-before',
      message: `All work of the session was saved${where} before the session was hibernated.`,
    };
  }
  if (session.isHibernated) {
    const message = 'The session is hibernated, so its work cannot be saved now. To save it, resume the session first.';
    return { reason: 'hibernated', message };
  }
  if (agentSecret === undefined) return noAgent;
  if (!session.mayPush) {
    return isAnonymous
      ? { reason: 'anonymous', message: 'You are not signed in, so you cannot push to the project.' }
      : { reason: 'no-permission', message: noPermission };
  }
  if (findAgentKey(secrets, agentSecret, uid) === undefined) return noKey;
  const { action, failure } = stopRequest ?? {};
  if (action === 'delete' && failure && now - Date.parse(failure.at) < secondStopMs)
    return { reason: 'save-failed', message: failure.message };
  return undefined;
}
