import { randomUUID } from 'node:crypto';
import { agentAccess, isReachable } from '../../jupyter-server/agent.ts';
import { fromJupyterServer } from '../../jupyter-server/session.ts';
import type { SaveFailure } from '../../jupyter-server/stop-request.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { lostIn, whyNotAll } from '../../session-contract/save-result.ts';
import { createSaves, type SavesOptions } from '../ending/saves.ts';
import type { MainPod } from '../pod.ts';

/**
 * Saves the work of a session whose threshold is exceeded, before the request to hibernate the session ends its kernels. So the user of
 * a session that becomes active again during a long save loses no kernel, nor does the user of a session without a volume claim
 * whose work cannot be saved. An operator that starts during such a save begins it again: the agent then has little left to save.
 */
export interface FirstSaves {
  /** Returns when the save has ended, in milliseconds since the epoch. An earlier observation does not show that the session is still idle. */
  endedAt(key: string, now: Date): number | undefined;
  /** Starts the save of a session whose end is due, and returns its state. */
  step(session: DueSession): FirstSave;
  /** Cancels the save of a session whose end is no longer due. */
  forget(key: string): void;
  stop(): Promise<void>;
}

export interface DueSession {
  readonly key: string;
  readonly server: JupyterServer;
  readonly pod: MainPod | undefined;
  readonly hasClaim: boolean;
}

export type FirstSave =
  | { readonly is: 'running' }
  /** The request to hibernate the session may follow. */
  | { readonly is: 'done' }
  /** The session runs on, because hibernation would delete work that cannot be saved. */
  | { readonly is: 'failed'; readonly failure: Omit<SaveFailure, 'at'> };

export function createFirstSaves(options: Omit<SavesOptions, 'isFinal'>, secrets: readonly string[]): FirstSaves {
  // The final save, which follows, permits the end of the session. The result of this one does not expire.
  const timing = { ...options.timing, validMs: Number.POSITIVE_INFINITY };
  const saves = createSaves({ ...options, isFinal: false, timing });
  const started = new Map<string, { readonly id: string; readonly podUid: string; endedAt: number | undefined }>();

  return {
    endedAt(key, now) {
      const first = started.get(key);
      const save = first && saves.get(key, first.id, first.podUid);
      if (save && save.is !== 'running') first.endedAt ??= now.getTime();
      return first?.endedAt;
    },
    step({ key, server, pod, hasClaim }) {
      const address = { uid: pod?.uid, address: pod?.terminating ? undefined : pod?.status.podIP };
      const access = agentAccess(fromJupyterServer(server), secrets, address);
      if (!isReachable(access)) return { is: 'done' };
      let first = started.get(key);
      if (first?.podUid !== access.podUid) {
        first = { id: randomUUID(), podUid: access.podUid, endedAt: undefined };
        started.set(key, first);
      }
      const save = saves.get(key, first.id, access.podUid);
      if (!save) {
        saves.request(key, first.id, access, 'cull');
        return { is: 'running' };
      }
      if (save.is === 'running') return { is: 'running' };
      // The files of a session with a claim remain in any case.
      if (hasClaim) return { is: 'done' };
      if (save.is === 'failed') return { is: 'failed', failure: { reason: save.reason, message: save.message } };
      // Files that change during this save may be complete in the next one, after the kernels have ended.
      if (lostIn(save.result).length === 0) return { is: 'done' };
      return { is: 'failed', failure: { reason: 'not-verified', message: whyNotAll(save.result) } };
    },
    forget(key) {
      if (started.delete(key)) saves.forget(key, true);
    },
    stop: () => saves.stop(),
  };
}
