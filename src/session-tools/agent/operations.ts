import { randomUUID } from 'node:crypto';
import type { components } from '../../generated/agent-api.ts';
import { asObject, isObject, parseJson } from '../../lib/json.ts';
import { SaveFailure, toSaveFailure } from '../saves/failure.ts';
import type { Saved, SaveTools } from '../saves/save.ts';

type Schemas = components['schemas'];
export type Operation = Schemas['Operation'];
export type SaveRequest = Schemas['SaveRequest'];

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

export interface Operations {
  /** Starts a save, or returns the one with the id of the request. */
  save(request: SaveRequest): Operation;
  list(): Operation[];
  find(id: string): Operation | undefined;
  /** Returns the operation when its version is not `version`, when it has ended, or after `waitMs`. */
  wait(id: string, version: number | undefined, waitMs: number, stop: AbortSignal): Promise<Operation | undefined>;
  cancel(id: string): Operation | undefined;
  /** Resolves when the operation has ended. */
  ended(id: string): Promise<Operation | undefined>;
}

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
      .catch((error: unknown) => log(`The list of saves could not be stored: ${String(error)}`));
  };
  const change = (id: string, changes: Partial<Operation>): void => {
    operations = operations.map((each) =>
      each.id === id && !hasEnded(each) ? { ...each, ...changes, version: each.version + 1 } : each,
    );
    if (changes.state !== undefined) store();
    for (const wake of [...listeners]) wake();
  };
  const finish = (id: string, changes: Pick<Operation, 'state' | 'result' | 'error'>) =>
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
      const isCancelled = controller.signal.aborted;
      const failure = isCancelled ? new SaveFailure('cancelled', 'A caller cancelled the save.') : toSaveFailure(error);
      log(`The save ${id} failed: ${failure.message}`);
      finish(id, { state: isCancelled ? 'cancelled' : 'failed', result: null, error: errorOf(failure) });
    } finally {
      controllers.delete(id);
    }
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
      const operation: Operation = {
        id: request.id ?? randomUUID(),
        podUid: options.podUid,
        kind: 'save',
        reason: request.reason,
        isFinal: request.isFinal,
        state: 'waiting',
        version: 0,
        createdAt: new Date(now()).toISOString(),
        finishedAt: null,
        progress: { step: 'waiting', done: 0, total: null },
        result: null,
        error: null,
      };
      const others = operations.slice(0, maxOperations - 1);
      operations = [operation, ...others, ...operations.slice(maxOperations - 1).filter((each) => !hasEnded(each))];
      store();
      const controller = new AbortController();
      controllers.set(operation.id, controller);
      queue = queue.then(() => run(request, operation.id, controller));
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
      if (found.state === 'waiting') {
        const failure = new SaveFailure('cancelled', 'A caller cancelled the save.');
        controllers.delete(id);
        finish(id, { state: 'cancelled', result: null, error: errorOf(failure) });
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

const errorOf = ({ reason, message }: SaveFailure): Schemas['Error'] => ({ reason, message });

function interrupted(operation: Operation, now: number): Operation {
  if (hasEnded(operation)) return operation;
  return {
    ...operation,
    state: 'failed',
    version: operation.version + 1,
    finishedAt: new Date(now).toISOString(),
    progress: { step: 'done', done: 0, total: null },
    error: { reason: 'interrupted', message: 'The agent ended during the save. Save again.' },
  };
}

/** Only the agent writes the file, but the user can change it: entries of another shape are dropped. */
function readStored(text: string | undefined): Operation[] {
  const list = asObject(parseJson(text ?? '{}'))?.['operations'];
  return Array.isArray(list) ? list.filter(isOperation).slice(0, maxOperations) : [];
}

function isOperation(value: unknown): value is Operation {
  if (!isObject(value)) return false;
  const { id, podUid, kind, reason, isFinal, state, version, createdAt, progress } = value;
  return (
    [id, podUid, reason, state, createdAt].every((each) => typeof each === 'string') &&
    kind === 'save' &&
    typeof isFinal === 'boolean' &&
    typeof version === 'number' &&
    isObject(progress)
  );
}
