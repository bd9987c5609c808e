import { randomUUID } from 'node:crypto';
import type { components } from '../../generated/agent-api.ts';
import { asObject, isObject, parseJson } from '../../lib/json.ts';
import { SaveFailure, toSaveFailure } from '../saves/failure.ts';
import type { Saved, SaveTools } from '../saves/save.ts';

type Schemas = components['schemas'];
export type Operation = Schemas['Operation'];
export type SaveRequest = Schemas['SaveRequest'];
export type SnapshotResult = Schemas['SnapshotResult'];

/** Runs a save. Throws SaveFailure. */
export type RunSave = (request: SaveRequest, progress: SaveTools['progress'], stop: AbortSignal) => Promise<Saved>;

export interface OperationsOptions {
  readonly podUid: string;
  readonly run: RunSave;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What was stored before the start of the agent. */
  readonly stored: string | undefined;
  /** Stores the operations, which outlive the agent. */
  readonly store: (text: string) => Promise<void>;
  readonly log: (line: string) => void;
}

/** An operation with a snapshot of a kernel. */
export interface SnapshotWork {
  readonly kind: 'snapshot' | 'restore';
  readonly reason: string;
  readonly kernelId: string;
  /** Throws SaveFailure. The operation is waiting while the step is `waiting`. */
  readonly run: (progress: SaveTools['progress'], stop: AbortSignal) => Promise<SnapshotResult>;
}

export interface Operations {
  /** Starts a save, or returns the one with the id of the request. */
  save(request: SaveRequest): Operation;
  /** Starts an operation at once: those of snapshots do not wait for saves. */
  begin(work: SnapshotWork): Operation;
  list(): Operation[];
  find(id: string): Operation | undefined;
  /** Returns the operation when its version is not `version`, when it has ended, or after `waitMs`. */
  wait(id: string, version: number | undefined, waitMs: number, stop: AbortSignal): Promise<Operation | undefined>;
  cancel(id: string): Operation | undefined;
  /** Resolves when the operation has ended. */
  ended(id: string): Promise<Operation | undefined>;
}

/**
 * How many operations of each kind are kept, besides those that have not ended: together the 50 of the API. Automatic snapshots, which
 * can be taken every few seconds, must not displace a save, whose id the service and the operator ask for.
 */
const maxOfKind: Readonly<Record<Operation['kind'], number>> = { save: 20, snapshot: 20, restore: 10 };
const maxOperations = 50;
const forever = 2 ** 31 - 1;

export const hasEnded = ({ state }: Operation): boolean => state !== 'waiting' && state !== 'running';

/** Creates the list of operations. One save runs at a time, in the order of the requests. */
export function createOperations(options: OperationsOptions): Operations {
  const { now, log } = options;
  let operations = readStored(options.stored).map((each) => interrupted(each, now()));
  const controllers = new Map<string, AbortController>();
  const listeners = new Set<() => void>();
  let queue: Promise<void> = Promise.resolve();
  let storing: Promise<void> = Promise.resolve();

  const find = (id: string) => operations.find((each) => each.id === id);
  const store = () => {
    const text = `${JSON.stringify({ operations })}\n`;
    storing = storing
      .then(() => options.store(text))
      .catch((error: unknown) => log(`The list of operations could not be stored: ${String(error)}`));
  };
  const change = (id: string, changes: Partial<Operation>): void => {
    operations = operations.map((each) =>
      each.id === id && !hasEnded(each) ? { ...each, ...changes, version: each.version + 1 } : each,
    );
    if (changes.state !== undefined) store();
    for (const wake of [...listeners]) wake();
  };
  const finish = (id: string, changes: Pick<Operation, 'state' | 'result' | 'error'> & Partial<Operation>) =>
    change(id, {
      ...changes,
      finishedAt: new Date(now()).toISOString(),
      progress: { step: 'done', done: 0, total: null },
    });

  const run = async (request: SaveRequest, id: string, controller: AbortController) => {
    if (controller.signal.aborted) return;
    change(id, { state: 'running', progress: { step: 'scanning', done: 0, total: null } });
    try {
      const { result, failure } = await options.run(
        request,
        (step, done, total) => change(id, { progress: { step, done, total } }),
        controller.signal,
      );
      if (failure) log(`The save ${id} is on the volume: ${failure.message}`);
      finish(id, { state: failure ? 'failed' : 'succeeded', result, error: failure && errorOf(failure) });
    } catch (error) {
      fail(id, 'save', controller, toSaveFailure(error));
    } finally {
      controllers.delete(id);
    }
  };

  const fail = (id: string, kind: Operation['kind'], { signal }: AbortController, cause: SaveFailure) => {
    const isCancelled = signal.aborted || cause.reason === 'cancelled';
    const failure = signal.aborted ? cancelled(kind) : cause;
    log(`The ${kind} ${id} failed: ${failure.message}`);
    finish(id, { state: isCancelled ? 'cancelled' : 'failed', result: null, error: errorOf(failure) });
  };

  const runSnapshot = async ({ kind, run }: SnapshotWork, id: string, controller: AbortController) => {
    const progress: SaveTools['progress'] = (step, done, total) => {
      const state = step === 'waiting' ? 'waiting' : 'running';
      const isSame = find(id)?.state === state;
      change(id, { ...(isSame ? {} : { state }), progress: { step, done, total } });
    };
    try {
      finish(id, { state: 'succeeded', result: null, error: null, snapshot: await run(progress, controller.signal) });
    } catch (error) {
      fail(id, kind, controller, toSaveFailure(error));
    } finally {
      controllers.delete(id);
    }
  };

  /** Adds an operation, and drops old ones that have ended. */
  const add = (fields: Pick<Operation, 'id' | 'kind' | 'reason' | 'isFinal' | 'snapshot'>) => {
    const operation: Operation = {
      ...fields,
      podUid: options.podUid,
      state: 'waiting',
      version: 0,
      createdAt: new Date(now()).toISOString(),
      finishedAt: null,
      progress: { step: 'waiting', done: 0, total: null },
      result: null,
      error: null,
    };
    operations = limitOfEachKind([operation, ...operations]);
    store();
    const controller = new AbortController();
    controllers.set(operation.id, controller);
    return { operation, controller };
  };

  const wait: Operations['wait'] = async (id, version, waitMs, stop) => {
    const found = find(id);
    if (!found || hasEnded(found) || (version !== undefined && found.version !== version)) return found;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => done(), Math.min(waitMs, forever));
      const wake = () => {
        const current = find(id);
        if (!current || hasEnded(current) || current.version !== found.version) done();
      };
      const done = () => {
        clearTimeout(timer);
        listeners.delete(wake);
        stop.removeEventListener('abort', done);
        resolve();
      };
      listeners.add(wake);
      stop.addEventListener('abort', done);
    });
    return find(id);
  };

  return {
    save(request) {
      const known = request.id === undefined ? undefined : find(request.id);
      // A save of an earlier pod says nothing about the present files.
      if (known?.podUid === options.podUid) return known;
      operations = operations.filter((each) => each !== known);
      const { operation, controller } = add({
        id: request.id ?? randomUUID(),
        kind: 'save',
        reason: request.reason,
        isFinal: request.isFinal,
        snapshot: null,
      });
      queue = queue.then(() => run(request, operation.id, controller));
      return operation;
    },
    begin(work) {
      const { kind, reason, kernelId } = work;
      const snapshot = { kernel_id: kernelId, snapshot: null, duration_ms: null, skipped: null, restored: null };
      const { operation, controller } = add({ id: randomUUID(), kind, reason, isFinal: false, snapshot });
      void runSnapshot(work, operation.id, controller);
      return operation;
    },
    list: () => operations.slice(0, maxOperations),
    find,
    wait,
    cancel(id) {
      const found = find(id);
      const controller = controllers.get(id);
      if (!found || hasEnded(found) || !controller) return found;
      controller.abort();
      // An operation with a snapshot says itself whether it was cancelled in time.
      if (found.state === 'waiting' && found.kind === 'save') {
        controllers.delete(id);
        finish(id, { state: 'cancelled', result: null, error: errorOf(cancelled(found.kind)) });
      }
      return find(id);
    },
    async ended(id) {
      const { signal } = new AbortController();
      for (;;) {
        const found = find(id);
        if (!found || hasEnded(found)) return found;
        await wait(id, found.version, forever, signal);
      }
    },
  };
}

const cancelled = (kind: Operation['kind']): SaveFailure =>
  new SaveFailure('cancelled', `A caller cancelled the ${kind}.`);

const errorOf = ({ reason, message }: SaveFailure): Schemas['Error'] => ({ reason, message });

/** Drops the oldest of each kind that have ended. */
function limitOfEachKind(operations: readonly Operation[]): Operation[] {
  const counts = { save: 0, snapshot: 0, restore: 0 };
  return operations.filter((each) => {
    counts[each.kind] += 1;
    return counts[each.kind] <= maxOfKind[each.kind] || !hasEnded(each);
  });
}

function interrupted(operation: Operation, now: number): Operation {
  if (hasEnded(operation)) return operation;
  return {
    ...operation,
    state: 'failed',
    version: operation.version + 1,
    finishedAt: new Date(now).toISOString(),
    progress: { step: 'done', done: 0, total: null },
    error: {
      reason: 'interrupted',
      message:
        operation.kind === 'save'
          ? 'The agent ended during the save. Save again.'
          : `The agent ended during the ${operation.kind}. Try again.`,
    },
  };
}

/** Only the agent writes the file, but the user can change it: entries of another shape are dropped. */
function readStored(text: string | undefined): Operation[] {
  const list = asObject(parseJson(text ?? '{}'))?.['operations'];
  return Array.isArray(list) ? limitOfEachKind(list.filter(isOperation)) : [];
}

function isOperation(value: unknown): value is Operation {
  if (!isObject(value)) return false;
  const { id, podUid, kind, reason, isFinal, state, version, createdAt, progress } = value;
  return (
    [id, podUid, reason, state, createdAt].every((each) => typeof each === 'string') &&
    (kind === 'save' || kind === 'snapshot' || kind === 'restore') &&
    typeof isFinal === 'boolean' &&
    typeof version === 'number' &&
    isObject(progress)
  );
}
