import { randomUUID } from 'node:crypto';
import { agentAccess } from '../../jupyter-server/agent.ts';
import { hibernation } from '../../jupyter-server/hibernation.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { savedWorkOf } from '../../jupyter-server/saved-work.ts';
import { fromJupyterServer } from '../../jupyter-server/session.ts';
import {
  isPending,
  readStopRequest,
  type SaveFailure,
  type SaveProgress,
  type StopRequest,
  writeStopRequest,
} from '../../jupyter-server/stop-request.ts';
import type { JupyterServer, JupyterServerStatus } from '../../jupyter-server/types.ts';
import type { Deadline } from '../../lib/deadline.ts';
import type { KubernetesConnection } from '../../platform/kubernetes/types.ts';
import { lostText } from '../../session-contract/save-result.ts';
import type { Attempt } from '../attempt.ts';
import { mayHaveRun } from '../conditions.ts';
import type { EventRecorder } from '../event-recorder.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { MainPod } from '../pod.ts';
import type { OperatorSettings } from '../settings.ts';
import { byOperator, decideEnd } from './decide.ts';
import type { SaveState, Saves } from './saves.ts';

export interface EndingSession {
  readonly key: string;
  readonly server: JupyterServer;
  /** The new status, with its conditions. */
  readonly desired: JupyterServerStatus;
  readonly pod: MainPod | undefined;
  readonly hasClaim: boolean;
  /** Returns whether the pod has failed. */
  readonly hasFailed: () => boolean;
}

export interface Ending {
  /**
   * Takes the next step of the end that the session's stop request asks for. Returns undefined without a pending request.
   * `isDone`: the session has changed, and this reconcile ends.
   */
  step(session: EndingSession, attempt: Attempt): Promise<EndingResult | undefined>;
  /** Records why a session is not ended, although its threshold is exceeded: its work cannot be saved. */
  keepRunning(server: JupyterServer, failure: Omit<SaveFailure, 'at'>, attempt: Attempt): Promise<void>;
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

  /** Keeps the files: hibernates the session, or leaves it running. */
  async function keep(
    server: JupyterServer,
    request: StopRequest,
    why: Omit<SaveFailure, 'at'>,
    hibernated: ReturnType<typeof hibernation> | undefined,
    { deadline, log }: Attempt,
  ): Promise<void> {
    const failure = { ...why, at: now().toISOString() };
    const annotations = {
      ...hibernated?.metadata.annotations,
      [annotation.stopRequest]: writeStopRequest({ ...request, failure }),
    };
    await patchUnchanged(server, { ...hibernated, metadata: { annotations } }, deadline);
    const what = hibernated ? 'The session is hibernated instead.' : 'The session runs on.';
    recorder.record(server, {
      type: 'Warning',
      reason: 'WorkNotSaved',
      message: `The work could not be saved: ${why.message} ${what}`,
    });
    log.warn({ save: request.id, reason: why.reason }, 'the work of a session could not be saved');
    metrics.saved('failed');
  }

  return {
    forget: (key) => saves.forget(key),
    async keepRunning(server, failure, attempt) {
      const request = { id: randomUUID(), at: now().toISOString(), by: byOperator, action: 'hibernate' } as const;
      await keep(server, request, failure, undefined, attempt);
    },
    async step({ key, server, desired, pod, hasClaim, hasFailed }, attempt) {
      const request = readStopRequest(server.metadata.annotations?.[annotation.stopRequest]);
      if (!isPending(request)) {
        // A request that its owner has cancelled by resuming the session.
        saves.forget(key, true);
        return undefined;
      }
      const session = fromJupyterServer(server);
      // The address of a pod that has ended may belong to another pod.
      const hasEnded = pod?.terminating || pod?.status.phase === 'Failed' || pod?.status.phase === 'Succeeded';
      const address = { uid: pod?.uid, address: hasEnded ? undefined : pod?.status.podIP };
      const save = pod && saves.get(key, request.id, pod.uid);
      const step = decideEnd({
        request,
        agent: agentAccess(session, settings.agentSecrets, address),
        mayPush: session.mayPush,
        mayHaveRun: mayHaveRun(desired),
        hasClaim,
        hasPod: pod !== undefined,
        hasFailed: hasFailed(),
        save,
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
      const saved = save?.is === 'saved' ? savedWorkOf(save.result) : undefined;
      const hibernated = hibernation(now(), workAfter(save), saved);
      if (step.is === 'end') {
        await end(server, request, hibernated, attempt);
        if (save) {
          const result = save.is === 'saved' ? save.result : undefined;
          const where = result?.branch ? ` in the branch ${result.branch}` : '';
          const lost = result && lostText(result);
          const message = `The work is saved${where}.${lost ? ` ${lost}` : ''}`;
          recorder.record(server, { type: lost ? 'Warning' : 'Normal', reason: 'WorkSaved', message });
          metrics.saved('saved');
        }
      } else {
        await keep(server, request, step.failure, step.isHibernated ? hibernated : undefined, attempt);
      }
      saves.forget(key);
      return { isDone: true, progress: undefined, nextMs: undefined };
    },
  };
}

const workAfter = (save: SaveState | undefined) => (save && save.is !== 'running' ? save.work : undefined);
