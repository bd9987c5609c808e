import type {
  Error as AgentError,
  JupyterServerStatus,
  KernelList,
  Operation,
  SnapshotList,
  SyncFolder,
  SyncFolderList,
  SyncOperation,
  SyncReport,
  Work,
} from '../../generated/agent-api.ts';
import { isObject } from '../../lib/json.ts';

/** Guards for the bodies of responses. The pod of an agent also runs programs of users, so a body may have any shape. */

type Check = (value: unknown) => boolean;

const maxText = 10_000;
const text: Check = (value) => typeof value === 'string' && value.length <= maxText;
const count: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const truth: Check = (value) => typeof value === 'boolean';
const time: Check = (value) => text(value) && !Number.isNaN(Date.parse(String(value)));
const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.some((word) => word === value);
const listOf =
  (check: Check, most = 10_000): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(check);
const shape =
  (members: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(members).every(([name, check]) => check(value[name]));

const files = shape({ count, bytes: count, names: listOf(text, 100) });
const notSaved = shape({
  path: text,
  bytes: count,
  reason: oneOf(
    'ignored',
    'nested-repository',
    'special-file',
    'unreadable',
    'changing',
    'too-large',
    'filtered',
    'earlier-save',
  ),
  message: optional(text),
});
const location = oneOf('remote', 'volume', 'none');

const work = shape({
  podUid: text,
  checkedAt: time,
  branch: nullable(text),
  commit: nullable(text),
  isClean: truth,
  canPush: truth,
  inProgress: nullable(oneOf('merge', 'rebase', 'cherry-pick', 'revert', 'bisect', 'am')),
  files,
  branches: listOf(shape({ name: nullable(text), commits: count })),
  branchCount: optional(count),
  commits: optional(count),
  tags: optional(shape({ count, names: listOf(text, 100) })),
  submoduleCount: optional(count),
  stashes: count,
  lfs: shape({ objects: count, bytes: count }),
  submodules: listOf(shape({ path: text, files, commits: count, tags: optional(count) })),
  remotes: listOf(shape({ name: text, reason: text })),
  notSavable: listOf(notSaved, 100),
  savedAs: nullable(shape({ branch: text, commit: text, location, savedAt: time, isCurrent: truth })),
  recovered: optional(
    nullable(
      shape({
        branch: text,
        commit: text,
        savedAt: nullable(time),
        isComplete: truth,
        error: nullable(text),
        isDeleted: truth,
        others: listOf(text, 100),
      }),
    ),
  ),
  autosaves: optional(listOf(text, 100)),
});

const reasons: Readonly<Record<AgentError['reason'], true>> = {
  unauthorized: true,
  forbidden: true,
  invalid: true,
  'not-found': true,
  'no-repository': true,
  'push-rejected': true,
  unreachable: true,
  credentials: true,
  'disk-full': true,
  git: true,
  cancelled: true,
  interrupted: true,
  unavailable: true,
  'no-response': true,
  conflict: true,
  kernel: true,
  jupyter: true,
  internal: true,
};
const error = shape({ reason: oneOf(...Object.keys(reasons)), message: text });

const result = shape({
  location,
  branch: nullable(text),
  commit: nullable(text),
  isVerified: truth,
  files: count,
  commits: count,
  changedMeanwhile: listOf(text, 100),
  notSaved: listOf(notSaved, 100),
});

const notSavedVariables = listOf(shape({ name: text, type: text, reason: text }), 1_000);

const snapshot = shape({
  ...{ id: text, label: text, reason: text, created: time, size_bytes: count, reused_bytes: count, engine: text },
  ...{ pickler: text, python: text, frozen_ms: count, variables: count },
  ...{ not_saved: notSavedVariables, not_saved_count: count },
});

const snapshots = shape({
  snapshots: listOf(snapshot, 1_000),
  engines: listOf(shape({ name: text, unavailable: nullable(text) }), 10),
  ...{ automatic: truth, automatic_error: nullable(text), used_bytes: count, quota_bytes: count },
});

const snapshotResult = shape({
  kernel_id: text,
  snapshot: nullable(snapshot),
  duration_ms: nullable(count),
  skipped: nullable(shape({ message: text, retry_after_seconds: count })),
  restored: nullable(
    shape({ frozen_ms: count, restored: count, removed: listOf(text, 1_000), not_restored: notSavedVariables }),
  ),
});

const operation = shape({
  id: (value) => typeof value === 'string' && /^[a-zA-Z0-9-]{1,64}$/.test(value),
  podUid: text,
  kind: oneOf('save', 'snapshot', 'restore'),
  reason: text,
  isFinal: truth,
  state: oneOf('waiting', 'running', 'succeeded', 'failed', 'cancelled'),
  version: count,
  createdAt: time,
  finishedAt: nullable(time),
  progress: shape({
    step: oneOf(
      ...['waiting', 'stopping-kernels', 'scanning', 'collecting', 'pushing', 'verifying'],
      ...['writing', 'checking', 'loading', 'done'],
    ),
    done: count,
    total: nullable(count),
  }),
  result: nullable(result),
  snapshot: optional(nullable(snapshotResult)),
  error: nullable(error),
});

const server = shape({
  state: oneOf('stopped', 'starting', 'running', 'stopping', 'crashed'),
  starts: count,
  last_exit: nullable(text),
  gateway_url: nullable(text),
  gateway_problem: nullable(text),
  kernels_problem: nullable(text),
  url: optional(text),
  port: optional(count),
  base_url: optional(text),
  token_file: optional(text),
  pid: optional(count),
  root_dir: optional(text),
  version: optional(text),
  log: optional(listOf(text, 100)),
});

const kernels = shape({
  kernels: listOf(
    shape({
      id: text,
      name: nullable(text),
      path: nullable(text),
      state: text,
      last_activity: nullable(text),
      connections: nullable(count),
      memory_bytes: nullable(count),
      cpu_seconds: nullable((value) => typeof value === 'number'),
      reason: nullable(text),
    }),
    1_000,
  ),
  jupyter: nullable(text),
});

const synced = listOf(shape({ id: text, name: text, path: text, reason: optional(text) }), 1_000);
const ids = listOf(text, 1_000);
const report = shape({
  kernels: shape({
    ...{ kept: synced, adopted: synced, unknown: synced, missing: synced },
    ...{ lost: synced, removed: synced, failed: synced },
  }),
  sessions: shape({ kept: ids, restored: ids, waiting: ids }),
  damaged_file: nullable(text),
});

const texts: Check = (value) => isObject(value) && Object.values(value).every(text);
const counters = shape({
  ...{ uploaded: count, downloaded: count, deletedLocally: count, deletedRemotely: count },
  ...{ renamed: count, conflicts: count, bytes: count },
});
const round = shape({ startedAt: time, finishedAt: nullable(time), counters });
const syncError = shape({
  reason: oneOf(
    ...['unauthorized', 'forbidden', 'unavailable', 'not-found', 'changed', 'quota', 'unsupported-name'],
    ...['unsupported', 'rejected', 'too-many', 'local', 'disk-full', 'suspended', 'internal'],
  ),
  message: text,
  retryAt: nullable(time),
});
const side = oneOf('local', 'remote');
const fileVersion = nullable(shape({ size: count, modifiedAt: nullable(time) }));

const syncFolder = shape({
  ...{ id: text, path: text, hasCredentials: truth, paused: truth, ignore: listOf(text, 200) },
  remote: shape({ name: text, type: text, path: text, options: texts }),
  ...{ intervalSeconds: count, maxFileBytes: count, backupSeconds: count, bytesPerSecond: nullable(count) },
  backups: shape({ session: text, remote: text }),
  status: shape({
    state: oneOf('idle', 'syncing', 'suspended', 'error', 'paused'),
    ...{ lastRound: nullable(round), lastSuccessAt: nullable(time), counters, error: nullable(syncError) },
    conflicts: listOf(
      shape({
        ...{ id: text, path: text, mine: fileVersion, theirs: fileVersion, copy: nullable(text), since: time },
        kind: oneOf('both-changed', 'deleted-here', 'deleted-there', 'kind-changed'),
      }),
      100,
    ),
    ...{ conflictCount: count, skippedCount: count },
    suspension: nullable(shape({ message: text, side, deletions: count, known: count, since: time })),
    skipped: listOf(
      shape({
        ...{ path: text, side, message: text },
        reason: oneOf('name', 'case', 'special', 'too-large', 'changing', 'failed'),
      }),
      100,
    ),
  }),
});
const folderList = shape({
  folders: listOf(syncFolder, 100),
  unusable: listOf(shape({ id: text, message: text }), 1_000),
});

const syncOperation = shape({
  ...{ id: text, podUid: text, folder: text, version: count, createdAt: time, finishedAt: nullable(time) },
  state: oneOf('waiting', 'running', 'succeeded', 'failed', 'cancelled'),
  ...{ result: nullable(round), error: nullable(syncError) },
});

export const isSyncFolder = (value: unknown): value is SyncFolder => syncFolder(value);
export const isSyncFolderList = (value: unknown): value is SyncFolderList => folderList(value);
export const isSyncOperationList = (value: unknown): value is { operations: SyncOperation[] } =>
  shape({ operations: listOf(syncOperation, 50) })(value);
export const isSyncOperation = (value: unknown): value is SyncOperation => syncOperation(value);
export const isServerStatus = (value: unknown): value is JupyterServerStatus => server(value);
export const isKernelList = (value: unknown): value is KernelList => kernels(value);
export const isSyncReport = (value: unknown): value is SyncReport => report(value);
export const isSnapshotList = (value: unknown): value is SnapshotList => snapshots(value);
export const isWork = (value: unknown): value is Work => work(value);
export const isOperation = (value: unknown): value is Operation => operation(value);
export const isOperationList = (value: unknown): value is { operations: Operation[] } =>
  shape({ operations: listOf(operation, 50) })(value);
export const isErrorBody = (value: unknown): value is { error: AgentError } => shape({ error })(value);
