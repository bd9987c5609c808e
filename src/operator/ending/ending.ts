import { agentAccess } from '../../jupyter-server/agent.ts';
import { hibernation } from '../../jupyter-server/hibernation.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { fromJupyterServer } from '../../jupyter-server/session.ts';
import {
  isPending,
  readStopRequest,
  type SaveProgress,
  type StopRequest,
  writeStopRequest,
} from '../../jupyter-server/stop-request.ts';
import type { JupyterServer, JupyterServerStatus } from '../../jupyter-server/types.ts';
import type { Deadline } from '../../lib/deadline.ts';
import type { KubernetesConnection } from '../../platform/kubernetes/types.ts';
import type { Attempt } from '../attempt.ts';
import { mayHaveRun } from '../conditions.ts';
import type { EventRecorder } from '../event-recorder.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { MainPod } from '../pod.ts';
import type { OperatorSettings } from '../settings.ts';
import { byOperator, decideEnd, hasAllWork } from './decide.ts';
import type { SaveState, Saves } from './saves.ts';

export interface EndingSession {
  readonly key: string;
  readonly server: JupyterServer;
  /** The new status, with its conditions. */
  readonly desired: JupyterServerStatus;
  readonly pod: MainPod | undefined;
  readonly hasClaim: boolean;
}

export interface Ending {
  /**
   * Takes the next step of the end that the session's stop request asks for. Returns undefined without a pending request.
   * `isDone`: the session has changed, and this reconcile ends.
   */
  step(session: EndingSession, attempt: Attempt): Promise<EndingResult | undefined>;
  forget(key: string): void;
}

export interface EndingResult {
  readonly isDone: boolean;
  readonly progress: SaveProgress | undefined;
  readonly nextMs: number | undefined;
}

export interface EndingParts {
  readonly client: KubernetesConnection;
  readonly saves: Saves;
  readonly recorder: EventRecorder;
  readonly settings: Pick<OperatorSettings, 'agentSecrets' | 'jupyterServers'>;
  readonly metrics: Pick<OperatorMetrics, 'saved'>;
  readonly now: () => Date;
  /** Merges a patch into the JupyterServer if it has not changed since it was read. */
  readonly patchUnchanged: (server: JupyterServer, patch: object, deadline: Deadline) => Promise<void>;
}

/**
 * Carries out stop requests (jupyter-server/stop-request.ts): saves the work through the agent, verifies, and then deletes or
 * hibernates the session. Each step depends only on the object, its pod and what the agent answers, so that after a crash at any
 * point another operator continues. A write fails if the object has changed since it was read, so an owner who resumes the
 * session at the same time keeps it.
 */
export function createEnding(parts: EndingParts): Ending {
  const { client, saves, recorder, settings, metrics, now, patchUnchanged } = parts;

  /** Deletes or hibernates the session. */
  async function end(
    server: JupyterServer,
    request: StopRequest,
    hibernated: ReturnType<typeof hibernation>,
    { deadline, log }: Attempt,
  ): Promise<void> {
    const { namespace = '', name = '', uid = '', resourceVersion = '' } = server.metadata;
    if (request.action === 'hibernate') {
      await patchUnchanged(server, hibernated, deadline);
    } else {
      const options = { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } } as const;
      await client.delete(settings.jupyterServers, namespace, name, options, deadline);
    }
    log.info({ action: request.action, save: request.id }, 'ended a session after its work was saved');
  }

  return {
    forget: (key) => saves.forget(key),
    async step({ key, server, desired, pod, hasClaim }, attempt) {
      const request = readStopRequest(server.metadata.annotations?.[annotation.stopRequest]);
      if (!isPending(request)) {
        // A request that its owner has cancelled by resuming the session.
        saves.forget(key, true);
        return undefined;
      }
      const session = fromJupyterServer(server);
      const address = { uid: pod?.uid, address: pod?.terminating ? undefined : pod?.status.podIP };
      const step = decideEnd({
        request,
        agent: agentAccess(session, settings.agentSecrets, address),
        mayPush: session.mayPush,
        mayHaveRun: mayHaveRun(desired),
        hasClaim,
        hasPod: pod !== undefined,
        save: pod && saves.get(key, request.id, pod.uid),
        now: now().getTime(),
      });
      if (step.is === 'save') {
        const reason = request.by === byOperator ? 'cull' : request.action === 'delete' ? 'stop' : 'hibernate';
        saves.request(key, request.id, step.access, reason);
        return {
          isDone: false,
          progress: { id: request.id, step: 'waiting', done: 0, total: null },
          nextMs: undefined,
        };
      }
      if (step.is === 'wait') return { isDone: false, progress: step.progress, nextMs: step.nextMs };
      const save = pod && saves.get(key, request.id, pod.uid);
      const saved = save?.is === 'saved' ? { ...save.result, isVerified: hasAllWork(save.result) } : undefined;
      const hibernated = hibernation(now(), workAfter(save), saved);
      if (step.is === 'end') {
        await end(server, request, hibernated, attempt);
        if (save) {
          const where = save.is === 'saved' && save.result.branch ? ` in the branch ${save.result.branch}` : '';
          recorder.record(server, { type: 'Normal', reason: 'WorkSaved', message: `The work is saved${where}.` });
          metrics.saved('saved');
        }
      } else {
        const failure = { ...step.failure, at: now().toISOString() };
        const failed = { [annotation.stopRequest]: writeStopRequest({ ...request, failure }) };
        const patch = step.isHibernated
          ? { ...hibernated, metadata: { annotations: { ...hibernated.metadata.annotations, ...failed } } }
          : { metadata: { annotations: failed } };
        await patchUnchanged(server, patch, attempt.deadline);
        const what = step.isHibernated ? 'The session is hibernated instead.' : 'The session runs on.';
        const message = `The work could not be saved: ${step.failure.message} ${what}`;
        recorder.record(server, { type: 'Warning', reason: 'WorkNotSaved', message });
        attempt.log.warn({ save: request.id, reason: step.failure.reason }, 'the work of a session could not be saved');
        metrics.saved('failed');
      }
      saves.forget(key);
      return { isDone: true, progress: undefined, nextMs: undefined };
    },
  };
}

const workAfter = (save: SaveState | undefined) => (save && save.is !== 'running' ? save.work : undefined);
