import type { AgentAccess, NoAgent } from '../../jupyter-server/agent.ts';
import { isReachable } from '../../jupyter-server/agent.ts';
import type { SaveFailure, SaveProgress, StopRequest } from '../../jupyter-server/stop-request.ts';
import { hasAllWork, whyNotAll } from '../../session-contract/save-result.ts';
import type { SaveState } from './saves.ts';

/** What the next step of the end of a session depends on. Times are in milliseconds since the epoch. */
export interface EndInput {
  /** A request without a failure. */
  readonly request: StopRequest;
  readonly agent: AgentAccess | NoAgent;
  /** Whether the user may push to the repository. */
  readonly mayPush: boolean;
  /** Whether the session has been `running`, or may have been. */
  readonly mayHaveRun: boolean;
  /** Whether the files are on a volume claim, which remains when the pod is deleted. */
  readonly hasClaim: boolean;
  readonly hasPod: boolean;
  /** Whether the pod has failed, so that it has no agent and gets none. */
  readonly hasFailed: boolean;
  /** The save in the present pod. */
  readonly save: SaveState | undefined;
  readonly now: number;
}

export type EndStep =
  | { readonly is: 'save'; readonly access: AgentAccess }
  | { readonly is: 'wait'; readonly progress: SaveProgress | undefined; readonly nextMs: number | undefined }
  /** Deletes or hibernates the session. */
  | { readonly is: 'end' }
  /** Keeps the files. `isHibernated`: the session is hibernated; otherwise it runs on. */
  | { readonly is: 'keep'; readonly failure: Omit<SaveFailure, 'at'>; readonly isHibernated: boolean };

/** Milliseconds after the request during which the pod may be starting, for example because it was evicted. */
const podMs = 120_000;

/** The name in the requests of the operator, for sessions whose threshold is exceeded. */
export const byOperator = 'operator';

/**
 * Returns the next step of the end of a session. Nothing is deleted unless the work is saved and verified in the repository, or
 * there is none, or the user has no right to save it there. Pure.
 */
export function decideEnd(input: EndInput): EndStep {
  const { request, agent, mayPush, mayHaveRun, hasClaim, hasPod, hasFailed, save, now } = input;
  const keep = (reason: string, message: string): EndStep => ({
    is: 'keep',
    failure: { reason, message },
    // A session that is not used is hibernated in any case, because its files are on the volume.
    isHibernated: hasClaim && (request.action === 'delete' || request.by === byOperator || request.isForced === true),
  });
  const isHibernation = request.action === 'hibernate';
  if (isHibernation && !hasClaim && (!mayPush || !mayHaveRun)) {
    return keep('no-volume', 'The session has no volume, so it would lose its files.');
  }
  if (!mayPush || !mayHaveRun) return { is: 'end' };
  if (!isReachable(agent)) {
    if (agent.reason === 'no-agent')
      return isHibernation && !hasClaim ? keep(agent.reason, agent.message) : { is: 'end' };
    if (agent.reason !== 'not-running') return keep(agent.reason, agent.message);
    // The files were in a pod that is gone, or that has ended for ever.
    if ((!hasPod || hasFailed) && !hasClaim && !isHibernation) return { is: 'end' };
    if (hasFailed) return keep(agent.reason, 'The session has failed, so its work could not be saved.');
    const leftMs = Date.parse(request.at) + podMs - now;
    if (leftMs > 0) return { is: 'wait', progress: undefined, nextMs: leftMs };
    return keep(agent.reason, 'The pod of the session did not start, so its work could not be saved.');
  }
  if (!save) return { is: 'save', access: agent };
  if (save.is === 'running') return { is: 'wait', progress: save.progress, nextMs: undefined };
  if (save.is === 'failed') return keep(save.reason, save.message);
  const { result } = save;
  // Before a stop, the API shows its caller what cannot be saved. A hibernation without a claim may be one without a caller.
  const isComplete = isHibernation && !hasClaim ? hasAllWork(result) : result.isVerified;
  return isComplete ? { is: 'end' } : keep('not-verified', whyNotAll(result));
}
