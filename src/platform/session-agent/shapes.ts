import type { Error as AgentError, Operation, Work } from '../../generated/agent-api.ts';
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
  reason: oneOf('ignored', 'nested-repository', 'special-file', 'unreadable', 'changing', 'too-large', 'filtered'),
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
  stashes: count,
  lfs: shape({ objects: count, bytes: count }),
  submodules: listOf(shape({ path: text, files, commits: count })),
  remotes: listOf(shape({ name: text, reason: text })),
  notSavable: listOf(notSaved, 100),
  savedAs: nullable(shape({ branch: text, commit: text, location, savedAt: time, isCurrent: truth })),
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

const operation = shape({
  id: (value) => typeof value === 'string' && /^[a-zA-Z0-9-]{1,64}$/.test(value),
  podUid: text,
  kind: oneOf('save'),
  reason: text,
  isFinal: truth,
  state: oneOf('waiting', 'running', 'succeeded', 'failed', 'cancelled'),
  version: count,
  createdAt: time,
  finishedAt: nullable(time),
  progress: shape({
    step: oneOf('waiting', 'stopping-kernels', 'scanning', 'collecting', 'pushing', 'verifying', 'done'),
    done: count,
    total: nullable(count),
  }),
  result: nullable(result),
  error: nullable(error),
});

export const isWork = (value: unknown): value is Work => work(value);
export const isOperation = (value: unknown): value is Operation => operation(value);
export const isOperationList = (value: unknown): value is { operations: Operation[] } =>
  shape({ operations: listOf(operation, 50) })(value);
export const isErrorBody = (value: unknown): value is { error: AgentError } => shape({ error })(value);
