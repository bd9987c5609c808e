import { findAgentKey } from '../session-contract/agent-key.ts';
import type { Session } from './session.ts';
import { isPending } from './stop-request.ts';

/** How to reach the agent of a session that runs. */
export interface AgentAccess {
  /** IP address of the pod. */
  readonly address: string;
  readonly podUid: string;
  readonly sessionUid: string;
  readonly key: Buffer;
}

/** Why the agent of a session cannot be used. `message` is a sentence for its owner. */
export interface NoAgent {
  readonly reason: 'no-agent' | 'no-key' | 'not-running' | 'hibernated' | 'stopping';
  readonly message: string;
}

export const noAgent = {
  reason: 'no-agent',
  message: 'This session has no agent that could show or save its work.',
} as const;
export const noKey = {
  reason: 'no-key',
  message: 'The platform no longer has the key of this session, so it cannot show or save its work.',
} as const;

/**
 * Returns how to reach the agent of a session, or why there is none. Pure.
 * @param secrets the secrets of the platform (session-contract/agent-key.ts)
 * @param pod the pod of the session
 */
export function agentAccess(
  session: Session,
  secrets: readonly string[],
  pod: { readonly uid: string | undefined; readonly address: string | undefined } | undefined = session.pod,
): AgentAccess | NoAgent {
  const { agentSecret, uid } = session;
  if (agentSecret === undefined) return noAgent;
  const key = findAgentKey(secrets, agentSecret, uid);
  if (key === undefined) return noKey;
  if (session.isBeingDeleted) return { reason: 'stopping', message: 'The session is being deleted.' };
  if (session.isHibernated)
    return { reason: 'hibernated', message: 'The session is hibernated, so its agent does not run. Resume it first.' };
  if (pod?.uid === undefined || pod.address === undefined)
    return { reason: 'not-running', message: 'The session does not run yet.' };
  return { address: pod.address, podUid: pod.uid, sessionUid: uid, key };
}

export const isReachable = (access: AgentAccess | NoAgent): access is AgentAccess => 'key' in access;

/** Returns whether a save in the repository is possible for this session, and so precedes its end. Pure. */
export const canSave = (session: Session, secrets: readonly string[]): boolean =>
  session.mayPush &&
  session.agentSecret !== undefined &&
  findAgentKey(secrets, session.agentSecret, session.uid) !== undefined;

/** Returns whether the session ends as soon as its work is saved, or is being deleted. */
export const isEnding = ({ isBeingDeleted, stopRequest }: Session): boolean =>
  isBeingDeleted || (isPending(stopRequest) && stopRequest.action === 'delete');
