import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inject } from 'vitest';
import { kubectlOf } from './cluster/start.ts';
import { release } from './release.ts';

/** Returns the cluster, the backends and kubectl. */
export function platform() {
  const { cluster, backends } = inject('e2e');
  return { cluster, backends, kubectl: kubectlOf(cluster) };
}

/** Creates or updates an object of the cluster. */
export async function apply(object: object): Promise<void> {
  const { cluster, kubectl } = platform();
  // Files of the lane run at the same time.
  const file = join(cluster.folder, `object-${randomUUID()}.json`);
  writeFileSync(file, JSON.stringify(object), { mode: 0o600 });
  await kubectl(['apply', '-f', file]);
}

export interface FoundPod {
  readonly name: string;
  readonly uid: string;
  readonly address: string;
  readonly createdAt: string;
  /** Whether the pod is ready and is not being deleted. */
  readonly isReady: boolean;
  /** Of all its containers. */
  readonly restarts: number;
}

/** Returns the pods of a namespace in the order of their names. */
export async function podsOf(namespace: string, selector = ''): Promise<FoundPod[]> {
  const args = ['get', 'pods', '--namespace', namespace, `--selector=${selector}`, '--output=json'];
  const { items } = JSON.parse(await platform().kubectl(args)) as { items: Pod[] };
  return items.map(({ metadata: { name, uid, creationTimestamp, deletionTimestamp }, status }) => ({
    ...{ name, uid, address: status.podIP ?? '', createdAt: creationTimestamp },
    isReady: deletionTimestamp === undefined && isReady(status),
    restarts: (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
  }));
}

interface Pod {
  readonly metadata: Record<'name' | 'uid' | 'creationTimestamp', string> & { readonly deletionTimestamp?: string };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

const isReady = ({ conditions = [] }: Pod['status']): boolean =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

/** The public project that every user can launch. */
export const publicProject = () => ({
  ...{ namespace: 'demo', project: 'first-light' },
  commit_sha: platform().backends.commits.public,
});

/** Runs a shell command in a pod. Returns its output, errors included; does not check its status. */
export async function inPod(
  name: string,
  command: string,
  { namespace, container }: { namespace: string; container?: string },
): Promise<string> {
  const exec = ['exec', name, '--namespace', namespace, ...(container ? [`--container=${container}`] : [])];
  return platform().kubectl([...exec, '--', 'sh', '-c', `(${command}) 2>&1 || true`]);
}

/** Runs a shell command in the Jupyter container of a session. */
export const inSession = (name: string, command: string, namespace: string = release.sessionsNamespace) =>
  inPod(`${name}-0`, command, { namespace, container: 'jupyter-server' });

const kinds = 'jupyterservers,pods,statefulsets,services,ingresses,configmaps,secrets,persistentvolumeclaims';

/** Returns the objects of a session, as `kind/name`. */
export async function objectsOf(name: string, namespace: string = release.sessionsNamespace): Promise<string[]> {
  const all = await platform().kubectl(['get', kinds, '--namespace', namespace, '--output=name']);
  return all.split('\n').filter((line) => line.includes(`/${name}`));
}

/** Resolves when no object of the session exists. Throws after `timeoutMs` with the objects that do. */
export async function untilGone(name: string, namespace?: string, timeoutMs = 240_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const objects = await objectsOf(name, namespace);
    if (objects.length === 0) return;
    if (performance.now() > end) throw new Error(`still there after ${timeoutMs} ms: ${objects.join(' ')}`);
    await delay(500);
  }
}
