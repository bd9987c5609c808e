import { asObject, parseJson } from '../../lib/json.ts';
import { toSaveFailure } from '../saves/failure.ts';
import type { Operations } from './operations.ts';
import type { Snapshots } from './snapshots.ts';
import type { Supervisor } from './supervisor.ts';

export interface AutomaticSnapshotsParts {
  readonly snapshots: Pick<Snapshots, 'take' | 'lastUsed' | 'isCoolingDown'>;
  readonly operations: Pick<Operations, 'ended'>;
  readonly supervisor: Supervisor;
  /** What was stored before the start of the agent. */
  readonly stored: string | undefined;
  readonly store: (text: string) => Promise<void>;
  readonly log: (line: string) => void;
  /** Aborts when the agent ends. */
  readonly stop: AbortSignal;
  /** Milliseconds between two looks at the kernels. */
  readonly everyMs?: number;
}

/**
 * Takes snapshots after cells. It looks at the kernels from outside: a hook in a kernel would delay the cell, and print into it.
 */
export interface AutomaticSnapshots {
  isOn(kernelId: string): boolean;
  /** Throws if the setting cannot be stored. */
  set(kernelId: string, isOn: boolean): Promise<void>;
  /** Returns why the last automatic snapshot was not taken; null if it was. */
  errorOf(kernelId: string): string | null;
}

const maxKernels = 100;
/** How many automatic snapshots of a kernel are kept. */
const keep = 5;
/** Milliseconds after a snapshot in which a message of the kernel may still be that of the snapshot. */
const ownMessagesMs = 500;

export function createAutomaticSnapshots(parts: AutomaticSnapshotsParts): AutomaticSnapshots {
  const { snapshots, operations, supervisor, store, log, stop, everyMs = 2_000 } = parts;
  const kernels = new Set(readStored(parts.stored));
  /** The activity of each kernel that needs no snapshot, in milliseconds since the epoch. */
  const seen = new Map<string, number>();
  const errors = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  stop.addEventListener('abort', () => clearTimeout(timer));

  const schedule = () => {
    clearTimeout(timer);
    if (kernels.size > 0 && !stop.aborted) timer = setTimeout(() => void look(), everyMs).unref();
  };

  async function look(): Promise<void> {
    try {
      const { body } = await supervisor('GET', '/kernels', Buffer.alloc(0), stop);
      for (const kernel of listOf(asObject(body)?.['kernels'])) await lookAt(kernel);
    } catch (error) {
      if (!stop.aborted) log(`The kernels for automatic snapshots could not be read: ${toSaveFailure(error).message}`);
    } finally {
      schedule();
    }
  }

  async function lookAt({ id, state, last_activity: activity }: Record<string, unknown>): Promise<void> {
    if (typeof id !== 'string' || !kernels.has(id) || state !== 'idle' || typeof activity !== 'string') return;
    const time = Date.parse(activity);
    const known = seen.get(id);
    // The first look says nothing about a cell.
    if (known === undefined || Number.isNaN(time)) {
      seen.set(id, time);
      return;
    }
    if (time <= Math.max(known, snapshots.lastUsed(id) + ownMessagesMs)) return;
    try {
      // A snapshot that is skipped is tried again at the next look, without an operation for each attempt.
      if (snapshots.isCoolingDown(id)) return;
      const operation = await snapshots.take(id, { label: '', reason: 'automatic', keep });
      void operations.ended(operation.id).then((ended) => note(id, ended?.error?.message));
    } catch (error) {
      note(id, toSaveFailure(error).message);
    }
    seen.set(id, time);
  }

  function note(kernelId: string, error: string | undefined): void {
    if (error === undefined) errors.delete(kernelId);
    else if (kernels.has(kernelId)) errors.set(kernelId, error);
  }

  schedule();
  return {
    isOn: (kernelId) => kernels.has(kernelId),
    async set(kernelId, isOn) {
      if (isOn) kernels.add(kernelId);
      else kernels.delete(kernelId);
      for (const oldest of kernels) {
        if (kernels.size <= maxKernels) break;
        kernels.delete(oldest);
      }
      seen.delete(kernelId);
      errors.delete(kernelId);
      schedule();
      await store(`${JSON.stringify({ automatic: [...kernels] })}\n`);
    },
    errorOf: (kernelId) => errors.get(kernelId) ?? null,
  };
}

const listOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.map(asObject).filter((each) => each !== undefined) : [];

/** Only the agent writes the file, but the user can change it. */
function readStored(text: string | undefined): string[] {
  const list = asObject(parseJson(text ?? '{}'))?.['automatic'];
  return Array.isArray(list)
    ? list
        .filter((each): each is string => typeof each === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(each))
        .slice(-maxKernels)
    : [];
}
