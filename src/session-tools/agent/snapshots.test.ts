import { describe, expect, it } from 'vitest';
import { SaveFailure } from '../saves/failure.ts';
import { createAutomaticSnapshots } from './automatic-snapshots.ts';
import { createHibernatedKernels } from './hibernated-kernels.ts';
import { createOperations, type Operation } from './operations.ts';
import { createSnapshots } from './snapshots.ts';
import type { Supervisor } from './supervisor.ts';
import type { SupervisorStream } from './supervisor-stream.ts';

/** Snapshots of the agent, with functions in place of the supervisor. */

const store = () => Promise.resolve();

function start() {
  const kernel = { id: 'k', state: 'idle', last_activity: '2026-11-20T10:00:00Z' };
  const state = { kernel, taken: 0, variables: 'old', lines: Promise.resolve(), failure: '' };
  const signed: string[] = [];
  const logged: string[] = [];
  const log = (line: string) => void logged.push(line);
  const supervisor: Supervisor = async (method, path) => {
    const body =
      method === 'PUT'
        ? { id: path.split('/').at(-2), keep: 1 }
        : path === '/kernels'
          ? { kernels: [state.kernel] }
          : { snapshots: signed.map((id) => ({ id })) };
    if (method === 'PUT') signed.unshift(String(path.split('/').at(-2)));
    return { status: 200, body };
  };
  const stream: SupervisorStream = async () => {
    state.taken += 1;
    const id = `${state.taken} ${state.variables}`;
    const { lines } = state;
    return (async function* () {
      yield { step: 'writing', done: 0, total: null };
      await lines;
      if (state.failure !== '') throw new SaveFailure('disk-full', state.failure);
      yield { manifest: '{}', id, duration_ms: 1 };
    })();
  };
  const operations = createOperations({
    ...{ podUid: 'pod', stored: undefined, now: Date.now, store, log },
    run: () => Promise.reject(new Error('no save')),
  });
  const snapshots = createSnapshots({ supervisor, stream, operations, key: Buffer.alloc(32), now: Date.now });
  return { state, supervisor, operations, snapshots, logged, log };
}

it('a hibernation keeps the present variables, also during and right after another snapshot', async () => {
  const { state, logged, ...parts } = start();
  const { promise, resolve } = Promise.withResolvers<void>();
  state.lines = promise;
  const first = await parts.snapshots.take('k', { label: '', reason: 'user', keep: undefined });
  state.variables = 'new';
  let stored = '';
  const hibernated = createHibernatedKernels({
    ...parts,
    ...{ stored: undefined, stop: new AbortController().signal },
    operations: {
      ...parts.operations,
      ended: (id) => {
        if (id === first.id) resolve();
        return parts.operations.ended(id);
      },
    },
    store: async (text) => {
      stored = text;
    },
  });
  await hibernated.save(new AbortController().signal);
  expect(logged).toEqual([]);
  expect(JSON.parse(stored)).toEqual({ kernels: [{ kernelId: 'k', snapshotId: '2 new' }] });
});

describe('the kernels of a hibernated session', () => {
  const [first, second, third] = [1, 2, 3].map((at) => ({
    kernelId: `kernel-${at}`,
    snapshotId: `20261120T10000${at}-00000000`,
  }));

  /** Restores all three, with `restore` in place of the supervisor. Returns the kernels for which it was called, and the file. */
  async function restoring(
    restore: (kernelId: string, stop: AbortController) => Promise<Partial<Operation>>,
    isFull = false,
  ) {
    const { operations, logged, log } = start();
    const stop = new AbortController();
    const called: string[] = [];
    let stored = JSON.stringify({ kernels: [first, second, third] });
    const supervisor: Supervisor = async (_, path) => ({
      status: 200,
      body: path === '/server' ? { state: 'running' } : { kernels: [] },
    });
    const hibernated = createHibernatedKernels({
      ...{ supervisor, log, stop: stop.signal, stored },
      snapshots: {
        ...start().snapshots,
        restore: async (kernelId) => {
          called.push(kernelId);
          const run = () => Promise.reject(new Error('not used'));
          return { ...operations.begin({ kind: 'restore', reason: 'user', kernelId, run }), id: kernelId };
        },
      },
      operations: {
        ...operations,
        ended: async (id) => ({ ...operations.list()[0], ...(await restore(id, stop)) }) as Operation,
      },
      store: async (text) => {
        if (isFull) throw new Error('ENOSPC');
        stored = text;
      },
    });
    await hibernated.restore();
    return { called, logged, left: JSON.parse(stored).kernels as unknown[] };
  }

  it('are restored at the next start of the agent if the agent ends before, and those that were restored are not', async () => {
    const { called, left } = await restoring(async (kernelId, stop) => {
      if (kernelId === second?.kernelId) stop.abort();
      return { error: null };
    });
    expect(called).toEqual([first?.kernelId, second?.kernelId]);
    expect(left).toEqual([second, third]);
  });

  it('are all restored on a full disk', async () => {
    const { called, logged } = await restoring(async () => ({ error: null }), true);
    expect(called).toEqual([first, second, third].map((each) => each?.kernelId));
    expect(logged).toContain('What is left to restore could not be stored: Error: ENOSPC');
  });

  it('are restored at the next start of the agent if the supervisor does not respond, and not after another failure', async () => {
    const { called, left, logged } = await restoring(async (kernelId) => ({
      error:
        kernelId === first?.kernelId
          ? { reason: 'no-response', message: 'The supervisor does not respond.' }
          : { reason: 'conflict', message: 'The snapshot has no valid signature.' },
    }));
    expect(called).toEqual([first, second, third].map((each) => each?.kernelId));
    expect(left).toEqual([first]);
    expect(logged).toContain(
      'The variables of the kernel kernel-2 were not restored: The snapshot has no valid signature.',
    );
  });
});

it('an automatic snapshot that fails while it is taken has its reason, until the next one succeeds', async () => {
  const { state, ...parts } = start();
  const stop = new AbortController();
  const automatic = createAutomaticSnapshots({
    ...{ ...parts, store, stop: stop.signal, everyMs: 1 },
    stored: JSON.stringify({ automatic: ['k'] }),
  });
  const runCell = () => {
    state.kernel = {
      ...state.kernel,
      last_activity: new Date(Date.parse(state.kernel.last_activity) + 60_000).toJSON(),
    };
  };
  state.failure = 'The volume is full.';
  await expect
    .poll(() => {
      runCell();
      return automatic.errorOf('k');
    })
    .toBe('The volume is full.');
  state.failure = '';
  await expect
    .poll(() => {
      runCell();
      return automatic.errorOf('k');
    })
    .toBeNull();
  stop.abort();
});
