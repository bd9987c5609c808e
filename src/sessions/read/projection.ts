import { annotation, label } from '../../jupyter-server/labels.ts';
import type { ContainerStep, JupyterServer, JupyterServerStatus, SessionState } from '../../jupyter-server/types.ts';
import { asObject } from '../../lib/json.ts';
import type {
  ContainerState,
  ContainerStatus,
  KubernetesObject,
  PodCondition,
  PodStatus,
} from '../../platform/kubernetes/objects.ts';
import { withCommitId } from '../launch/commit.ts';
import { keptBuckets } from '../presentation/buckets.ts';
import { keptContainers } from '../presentation/steps.ts';

type Unknown = Record<string, unknown>;

const keptLabels: readonly string[] = [label.owner, label.userId];
const keptAnnotations: readonly string[] = Object.values(annotation);
const states: readonly unknown[] = ['starting', 'running', 'stopping', 'failed', 'hibernated'] satisfies SessionState[];
const steps: readonly unknown[] = ['ready', 'waiting', 'executing', 'failed'] satisfies ContainerStep[];

/**
 * What ownership, presentation and logs need of a JupyterServer, and nothing else: a tenth of its size, because
 * patches and managed fields are most of it. Whatever has not the type that the rest of the service relies on is left
 * out, so that an object that somebody else wrote can neither break a list nor carry anything odd into an answer.
 */
export function projectForCache(raw: KubernetesObject): JupyterServer {
  const object = raw as KubernetesObject & Unknown;
  return {
    metadata: metadata(record(object.metadata), list(record(object['spec'])['patches'])),
    spec: spec(record(object['spec'])),
    status: status(record(object['status'])),
  };
}

function metadata(from: Unknown, patches: readonly Unknown[]): JupyterServer['metadata'] {
  return present({
    name: text(from['name']),
    namespace: text(from['namespace']),
    uid: text(from['uid']),
    resourceVersion: text(from['resourceVersion']),
    creationTimestamp: text(from['creationTimestamp']),
    deletionTimestamp: text(from['deletionTimestamp']),
    labels: texts(from['labels'], keptLabels),
    annotations: withCommitId(texts(from['annotations'], keptAnnotations), patches),
  });
}

function spec(from: Unknown): NonNullable<JupyterServer['spec']> {
  const auth = record(from['auth']);
  const culling = record(from['culling']);
  const server = record(from['jupyterServer']);
  const routing = record(from['routing']);
  const storage = record(from['storage']);
  return {
    auth: present({ token: text(auth['token']), oidc: { enabled: record(auth['oidc'])['enabled'] === true } }),
    culling: present({
      idleSecondsThreshold: number(culling['idleSecondsThreshold']),
      maxAgeSecondsThreshold: number(culling['maxAgeSecondsThreshold']),
      hibernatedSecondsThreshold: number(culling['hibernatedSecondsThreshold']),
    }),
    jupyterServer: present({
      image: text(server['image']),
      defaultUrl: text(server['defaultUrl']),
      hibernated: server['hibernated'] === true,
      resources: { requests: amounts(record(server['resources'])['requests']) },
    }),
    routing: present({
      host: text(routing['host']),
      path: text(routing['path']),
      tls: { enabled: record(routing['tls'])['enabled'] === true },
    }),
    storage: present({
      size: textOrNumber(storage['size']),
      pvc: record(storage['pvc'])['enabled'] === true ? { enabled: true } : undefined,
    }),
    // Most of an object, and little of it is told.
    patches: [...keptContainers(list(from['patches'])), ...keptBuckets(list(from['patches']))],
  };
}

function status(from: Unknown): JupyterServerStatus {
  const containers = record(from['containerStates']);
  const pod = record(from['mainPod']);
  return present({
    state: states.includes(from['state']) ? (from['state'] as SessionState) : undefined,
    containerStates: { init: containerSteps(containers['init']), regular: containerSteps(containers['regular']) },
    events: Object.fromEntries(
      Object.entries(record(from['events'])).map(([key, event]) => [
        key,
        present({ message: text(record(event)['message']), timestamp: text(record(event)['timestamp']) }),
      ]),
    ),
    idleSeconds: textOrNumber(from['idleSeconds']),
    mainPod: present({
      uid: text(pod['uid']),
      name: text(pod['name']),
      status: podStatus(record(pod['status'])),
      resourceUsage: usage(record(pod['resourceUsage'])),
    }),
  });
}

function podStatus(from: Unknown): PodStatus {
  return present({
    phase: text(from['phase']),
    reason: text(from['reason']),
    message: text(from['message']),
    startTime: text(from['startTime']),
    conditions: list(from['conditions']).map(condition),
    containerStatuses: list(from['containerStatuses']).map(container),
    initContainerStatuses: list(from['initContainerStatuses']).map(container),
  });
}

const condition = (from: Unknown): PodCondition =>
  present({
    type: text(from['type']) ?? '',
    status: text(from['status']) ?? '',
    reason: text(from['reason']),
    message: text(from['message']),
    lastTransitionTime: text(from['lastTransitionTime']),
  });

const container = (from: Unknown): ContainerStatus =>
  present({
    name: text(from['name']) ?? '',
    ready: from['ready'] === true,
    restartCount: number(from['restartCount']),
    state: containerState(record(from['state'])),
    lastState: containerState(record(from['lastState'])),
  });

function containerState(from: Unknown): ContainerState {
  const waiting = record(from['waiting']);
  const terminated = record(from['terminated']);
  return present({
    running: from['running'] ? {} : undefined,
    waiting: from['waiting']
      ? present({ reason: text(waiting['reason']), message: text(waiting['message']) })
      : undefined,
    terminated: from['terminated']
      ? present({ exitCode: number(terminated['exitCode']), reason: text(terminated['reason']) })
      : undefined,
  });
}

function usage(from: Unknown): NonNullable<NonNullable<JupyterServerStatus['mainPod']>['resourceUsage']> {
  return present({
    cpuMillicores: number(from['cpuMillicores']),
    memoryBytes: number(from['memoryBytes']),
    disk: present({ usedBytes: number(record(from['disk'])['usedBytes']) }),
  });
}

function containerSteps(value: unknown): Record<string, ContainerStep> {
  const entries = Object.entries(record(value)).filter(([, step]) => steps.includes(step));
  return Object.fromEntries(entries) as Record<string, ContainerStep>;
}

function amounts(value: unknown): Record<string, string | number> {
  const entries = Object.entries(record(value)).filter(([, amount]) => textOrNumber(amount) !== undefined);
  return Object.fromEntries(entries) as Record<string, string | number>;
}

function texts(value: unknown, keys: readonly string[]): Record<string, string> {
  const from = record(value);
  const entries = keys.map((key) => [key, text(from[key])] as const).filter(([, found]) => found !== undefined);
  return Object.fromEntries(entries) as Record<string, string>;
}

const record = (value: unknown): Unknown => asObject(value) ?? {};
const list = (value: unknown): Unknown[] => (Array.isArray(value) ? value.map(record) : []);
/** Half of a character, which no encoder takes, becomes the sign for an unknown one. */
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value.toWellFormed() : undefined);
const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;
const textOrNumber = (value: unknown): string | number | undefined => text(value) ?? number(value);

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the keys that are undefined: an absent key costs nothing, ten thousand times. */
function present<T extends object>(object: T): Present<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Present<T>;
}
