import type {
  JupyterServerStatus,
  KernelList,
  Operation,
  SnapshotList,
  SyncReport,
} from '../../../src/generated/agent-api.ts';

export const runningServer: JupyterServerStatus = {
  ...{ state: 'running', starts: 1, last_exit: null, gateway_url: null, gateway_problem: null, kernels_problem: null },
  ...{ url: 'http://127.0.0.1:8888/', port: 8888, base_url: '/', pid: 17, root_dir: '/work', version: '2.18.2' },
  token_file: '/run/jpserver-17.json',
};
export const idleKernel: KernelList['kernels'][number] = {
  ...{ id: 'kernel-1', name: 'python3', path: 'a.ipynb', state: 'idle', last_activity: null, connections: 1 },
  ...{ memory_bytes: 50_000_000, cpu_seconds: 1.5, reason: null },
};
export const keptReport: SyncReport = {
  kernels: {
    kept: [{ id: 'kernel-1', name: 'python3', path: '/work/a.ipynb' }],
    ...{ adopted: [], unknown: [], missing: [], lost: [], removed: [], failed: [] },
  },
  sessions: { kept: ['session-1'], restored: [], waiting: [] },
  damaged_file: null,
};

export const oneSnapshot: SnapshotList['snapshots'][number] = {
  ...{ id: '20261120T100000-1f0a7f0e', label: 'before', reason: 'user', created: '2026-11-20T10:00:00Z' },
  ...{
    size_bytes: 1_000,
    reused_bytes: 0,
    engine: 'namespace',
    pickler: 'dill',
    python: 'CPython 3.12',
    frozen_ms: 12,
  },
  ...{ variables: 3, not_saved: [], not_saved_count: 0 },
};
export const snapshotList: SnapshotList = {
  snapshots: [oneSnapshot],
  engines: [{ name: 'namespace', unavailable: null }],
  ...{ automatic: false, automatic_error: null, used_bytes: 1_000, quota_bytes: 10_000 },
};
/** An operation with a snapshot of the idle kernel, in the pod of the agent. */
export const snapshotOperation: Omit<Operation, 'podUid'> = {
  ...{ id: 'operation-1', kind: 'snapshot', reason: 'user', isFinal: false, state: 'waiting', version: 1 },
  ...{ createdAt: '2026-11-20T10:00:00.000Z', finishedAt: null, result: null, error: null },
  progress: { step: 'waiting', done: 0, total: null },
  snapshot: { kernel_id: 'kernel-1', snapshot: null, duration_ms: null, skipped: null, restored: null },
};

/** Returns the response of an agent to a request for the supervisor; undefined for other requests. */
export function supervisorResponse(
  method: string,
  path: string,
  podUid: string,
): { status: number; body: object } | undefined {
  const of = (body: object) => ({ status: 200, body });
  const [, noun, rest = ''] = /^\/v1\/(server|kernels)\b\/?(.*)$/.exec(path) ?? [];
  if (noun === 'server')
    return of(method === 'DELETE' ? { ...noServer, state: 'stopped', last_exit: 'exit code 0' } : runningServer);
  if (noun !== 'kernels') return undefined;
  if (rest === '') return of({ kernels: [idleKernel], jupyter: null });
  if (rest === 'sync') return of(keptReport);
  const [id, part] = rest.split('/');
  if (id === idleKernel.id && part === 'snapshots') {
    if (method === 'POST') return { status: 202, body: { ...snapshotOperation, podUid } };
    return of(method === 'DELETE' ? {} : { ...snapshotList, automatic: method === 'PATCH' });
  }
  return id === idleKernel.id
    ? of({})
    : { status: 404, body: { error: { reason: 'not-found', message: 'Jupyter answers 404: Kernel does not exist' } } };
}

const noServer = { starts: 1, gateway_url: null, gateway_problem: null, kernels_problem: null };
