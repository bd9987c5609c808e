import type { SaveRequest, Work } from '../../generated/agent-api.ts';
import { agentAccess, isReachable } from '../../jupyter-server/agent.ts';
import { type SavedWork, savedWorkOf } from '../../jupyter-server/saved-work.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { AgentFailure, isTemporary, type SessionAgents } from '../../platform/session-agent/types.ts';
import { whyNotAll } from '../../session-contract/save-result.ts';

export type SaveOutcome =
  | { readonly is: 'saved'; readonly result: SavedWork; readonly work: Work | undefined }
  /** The agent reports that the work is not saved. */
  | { readonly is: 'failed'; readonly reason: string; readonly message: string }
  /** The deadline expired; the agent continues the save. */
  | { readonly is: 'incomplete' }
  /** The agent does not respond, or the session has none. */
  | { readonly is: 'no-agent' };

const maxWaitSeconds = 20;

/**
 * Saves the work of a session before its end, within the deadline. Used only if no operator of this project runs the sessions.
 */
export async function saveWithin(
  agents: SessionAgents,
  session: Session,
  secrets: readonly string[],
  request: { readonly id: string; readonly reason: SaveRequest['reason'] },
  deadline: Deadline,
): Promise<SaveOutcome> {
  const access = agentAccess(session, secrets);
  if (!isReachable(access)) return { is: 'no-agent' };
  try {
    let operation = await agents.save(access, { ...request, isFinal: true }, deadline);
    while (operation.finishedAt === null) {
      const seconds = Math.min(maxWaitSeconds, Math.floor(deadline.remaining() / 1000));
      if (seconds < 1) return { is: 'incomplete' };
      operation = await agents.operation(access, request.id, { seconds, version: operation.version }, deadline);
    }
    const { result, error } = operation;
    if (operation.state !== 'succeeded' || !result) {
      return { is: 'failed', reason: error?.reason ?? operation.state, message: error?.message ?? 'The save failed.' };
    }
    if (!result.isVerified) {
      return { is: 'failed', reason: 'not-verified', message: whyNotAll(result) };
    }
    return {
      is: 'saved',
      result: savedWorkOf(result),
      work: await agents.work(access, deadline).catch(() => undefined),
    };
  } catch (error) {
    if (!(error instanceof AgentFailure)) throw error;
    if (error.reason === 'timeout') return { is: 'incomplete' };
    return isTemporary(error) ? { is: 'no-agent' } : { is: 'failed', reason: error.reason, message: error.message };
  }
}
