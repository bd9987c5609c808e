import { setTimeout as sleep } from 'node:timers/promises';
import { asObject, parseJson } from '../../lib/json.ts';
import { SaveFailure, toSaveFailure } from '../saves/failure.ts';
import { hasEnded, type Operations } from './operations.ts';
import type { Snapshots } from './snapshots.ts';
import type { Supervisor } from './supervisor.ts';

export interface HibernatedKernelsParts {
  readonly snapshots: Snapshots;
  readonly operations: Operations;
  readonly supervisor: Supervisor;
  /** What was stored before the start of the agent. */
  readonly stored: string | undefined;
  readonly store: (text: string) => Promise<void>;
  readonly log: (line: string) => void;
  /** Aborts when the agent ends. */
  readonly stop: AbortSignal;
}

/** The kernels of a session that is hibernated: their variables are there again after the resume. */
export interface HibernatedKernels {
  /** Takes a snapshot of every kernel, within 60 s. A failure is logged, and stops nothing. */
  save(stop: AbortSignal): Promise<void>;
  /** Restores the snapshots of the hibernation before this start, when the Jupyter server runs. */
  restore(): Promise<void>;
}

/** Milliseconds for the snapshots of all kernels. A kernel that is busy for longer gets none. */
const totalMs = 60_000;
/** Milliseconds in which the Jupyter server of a resumed session starts, and between two questions. */
const startMs = 600_000;
const everyMs = 1_000;
const emptyBody = Buffer.alloc(0);

interface Hibernated {
  readonly kernelId: string;
  readonly snapshotId: string;
}

export function createHibernatedKernels(parts: HibernatedKernelsParts): HibernatedKernels {
  const { snapshots, operations, supervisor, log } = parts;
  const saved = new Map<string, Hibernated>();
  /** Those of the hibernation before this start that are not restored yet: they outlive another end of the agent. */
  const toRestore = new Map(readStored(parts.stored).map((each) => [each.kernelId, each]));
  let isHibernating = false;
  let storing: Promise<void> = Promise.resolve();

  /** Stores what the next start of the agent restores. */
  const store = (): Promise<void> => {
    storing = storing
      .catch(() => undefined)
      .then(() => parts.store(`${JSON.stringify({ kernels: [...new Map([...toRestore, ...saved]).values()] })}\n`));
    return storing;
  };

  async function takeOf(kernelId: string, stop: AbortSignal): Promise<Hibernated | undefined> {
    const untilEnded = async (id: string) => {
      const cancel = () => operations.cancel(id);
      stop.addEventListener('abort', cancel);
      if (stop.aborted) cancel();
      try {
        return await operations.ended(id);
      } finally {
        stop.removeEventListener('abort', cancel);
      }
    };
    try {
      for (;;) {
        // One that is in progress may have been begun before the last cell.
        for (const each of operations.list())
          if (each.kind !== 'save' && each.snapshot?.kernel_id === kernelId && !hasEnded(each))
            await untilEnded(each.id);
        const { id } = await snapshots.take(kernelId, { label: '', reason: 'hibernate', keep: 1 });
        const ended = await untilEnded(id);
        const { snapshot, skipped } = ended?.snapshot ?? {};
        if (snapshot) return { kernelId, snapshotId: snapshot.id };
        if (!skipped) throw new SaveFailure('kernel', ended?.error?.message ?? 'No snapshot was taken.');
        await sleep(everyMs, undefined, { signal: stop });
      }
    } catch (error) {
      log(`The variables of the kernel ${kernelId} are not kept: ${toSaveFailure(error).message}`);
    }
    return undefined;
  }

  /** Returns false if the supervisor did not respond, so that another attempt can succeed. */
  async function restoreOne({ kernelId, snapshotId }: Hibernated): Promise<boolean> {
    try {
      const running = await kernelsOf(supervisor, parts.stop);
      if (running.some(({ id, state }) => id === kernelId && state !== 'lost' && state !== 'ended')) return true;
      const { id } = await snapshots.restore(kernelId, snapshotId, false);
      const { error } = (await operations.ended(id)) ?? {};
      if (error) throw new SaveFailure(error.reason, error.message);
      return true;
    } catch (error) {
      const { reason, message } = toSaveFailure(error);
      if (!parts.stop.aborted) log(`The variables of the kernel ${kernelId} were not restored: ${message}`);
      return reason !== 'no-response';
    }
  }

  return {
    async save(stop) {
      isHibernating = true;
      const limited = AbortSignal.any([stop, AbortSignal.timeout(totalMs)]);
      try {
        const running = (await kernelsOf(supervisor, limited)).filter(
          ({ state }) => state !== 'lost' && state !== 'ended',
        );
        const kept = (await Promise.all(running.map(({ id }) => takeOf(id, limited)))).filter(
          (each) => each !== undefined,
        );
        // A save that is repeated finds the kernels ended.
        for (const each of kept) saved.set(each.kernelId, each);
        if (kept.length > 0) await store();
      } catch (error) {
        // A session without a supervisor has no snapshots.
        const { reason, message } = toSaveFailure(error);
        if (reason !== 'unavailable') log(`No variables of kernels are kept: ${message}`);
      }
    },

    async restore() {
      const { stop } = parts;
      if (toRestore.size === 0) return;
      await untilServerRuns(supervisor, AbortSignal.any([stop, AbortSignal.timeout(startMs)]));
      for (const hibernated of toRestore.values()) {
        const isSettled = await restoreOne(hibernated);
        // The next start of the agent restores the rest.
        if (stop.aborted || isHibernating) return;
        if (!isSettled) continue;
        // Once only: a kernel that its user ends later stays ended.
        toRestore.delete(hibernated.kernelId);
        // Without it, the next start restores this kernel again if it does not run. The others must not wait for that.
        await store().catch((error: unknown) => log(`What is left to restore could not be stored: ${String(error)}`));
      }
    },
  };
}

async function untilServerRuns(supervisor: Supervisor, stop: AbortSignal): Promise<void> {
  for (;;) {
    const state = await supervisor('GET', '/server', emptyBody, stop).then(
      ({ body }) => asObject(body)?.['state'],
      () => undefined,
    );
    if (state === 'running') return;
    await sleep(everyMs, undefined, { signal: stop });
  }
}

async function kernelsOf(supervisor: Supervisor, stop: AbortSignal): Promise<{ id: string; state: unknown }[]> {
  const { body } = await supervisor('GET', '/kernels', emptyBody, stop);
  const list = asObject(body)?.['kernels'];
  return (Array.isArray(list) ? list : []).flatMap((each) => {
    const { id, state } = asObject(each) ?? {};
    return typeof id === 'string' ? [{ id, state }] : [];
  });
}

/** Only the agent writes the file, but the user can change it. */
function readStored(text: string | undefined): Hibernated[] {
  const list = asObject(parseJson(text ?? '{}'))?.['kernels'];
  return (Array.isArray(list) ? list.slice(0, 100) : []).flatMap((each) => {
    const { kernelId, snapshotId } = asObject(each) ?? {};
    const isValid = typeof kernelId === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(kernelId);
    return isValid && typeof snapshotId === 'string' && /^\d{8}T\d{6}-[0-9a-f]{8}$/.test(snapshotId)
      ? [{ kernelId, snapshotId }]
      : [];
  });
}
