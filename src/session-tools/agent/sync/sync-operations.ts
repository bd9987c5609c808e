import { randomUUID } from 'node:crypto';
import type { components } from '../../../generated/agent-api.ts';
import type { SyncError, SyncRound } from './sync-folder.ts';

export type SyncOperation = components['schemas']['SyncOperation'];

/** The rounds of a folder that requests have started. They are in memory only: rounds continue at the next start in any case. */
export interface SyncOperations {
  add(): SyncOperation;
  /** Returns the last 20 operations, the newest first. */
  list(): SyncOperation[];
  find(id: string): SyncOperation | undefined;
  /** Returns the operation when its version is not `version`, when it has ended, or after `waitMs`. */
  wait(id: string, version: number | undefined, waitMs: number, stop: AbortSignal): Promise<SyncOperation | undefined>;
  change(id: string, changes: { readonly state?: SyncOperation['state']; readonly result?: SyncRound }): void;
  finish(id: string, state: 'succeeded' | 'failed' | 'cancelled', error: SyncError | null): void;
}

const maxOperations = 20;

export const isOver = ({ state }: SyncOperation): boolean => state !== 'waiting' && state !== 'running';

export function createSyncOperations(podUid: string, folder: string, now: () => number): SyncOperations {
  const operations = new Map<string, SyncOperation>();
  const listeners = new Set<() => void>();
  const put = (id: string, changes: Partial<SyncOperation>) => {
    const known = operations.get(id);
    if (!known || isOver(known)) return;
    operations.set(id, { ...known, ...changes, version: known.version + 1 });
    for (const wake of [...listeners]) wake();
  };
  return {
    add() {
      const operation: SyncOperation = {
        ...{ id: randomUUID(), podUid, folder, state: 'waiting', version: 0 },
        ...{ createdAt: new Date(now()).toISOString(), finishedAt: null, result: null, error: null },
      };
      operations.set(operation.id, operation);
      const over = [...operations.values()].filter(isOver);
      for (const { id } of over.slice(0, Math.max(0, operations.size - maxOperations))) operations.delete(id);
      return operation;
    },
    list: () => [...operations.values()].toReversed().slice(0, maxOperations),
    find: (id) => operations.get(id),
    async wait(id, version, waitMs, stop) {
      const found = operations.get(id);
      if (!found || isOver(found) || (version !== undefined && found.version !== version)) return found;
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          listeners.delete(wake);
          stop.removeEventListener('abort', done);
          resolve();
        };
        const wake = () => {
          if (operations.get(id)?.version !== found.version) done();
        };
        const timer = setTimeout(done, waitMs);
        listeners.add(wake);
        stop.addEventListener('abort', done);
      });
      return operations.get(id);
    },
    change: (id, changes) => put(id, changes),
    finish: (id, state, error) => put(id, { state, error, finishedAt: new Date(now()).toISOString() }),
  };
}
