import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer, JupyterServerSpec } from '../../../src/jupyter-server/types.ts';
import { createListWatchCache } from '../../../src/platform/kubernetes/list-watch-cache.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import type { KubernetesConnection, ResourceType } from '../../../src/platform/kubernetes/types.ts';
import { testDeadline } from '../cluster-under-test.ts';
import type { RunningAmalthea } from './amalthea.ts';

const finalizer = 'kopf.zalando.org/KopfFinalizerMarker';
const handled = 'kopf.zalando.org/last-handled-configuration';

const types: Record<string, ResourceType> = {
  service: resource.services,
  ingress: resource.ingresses,
  statefulset: resource.statefulSets,
  configmap: resource.configMaps,
  secret: resource.secrets,
  pvc: resource.persistentVolumeClaims,
};

interface Example {
  readonly spec: JupyterServerSpec;
  readonly labels: Record<string, string>;
  readonly children: Record<string, KubernetesObject>;
}

const text = readFileSync(join(import.meta.dirname, 'children-0.24.json'), 'utf8');

/** Returns a session, and the children that Amalthea 0.24.0 created for it on Kubernetes 1.36. */
export function exampleOfAmalthea(name: string, uid = 'UID'): Example {
  return JSON.parse(text.replaceAll('NAME', name).replaceAll('"UID"', JSON.stringify(uid)));
}

/**
 * Starts a program that does with JupyterServers what Amalthea 0.24 does: it adds Kopf's finalizer to each, creates the children of
 * new ones (those of `exampleOfAmalthea`), scales hibernated ones, and removes the finalizer of deleted ones.
 */
export async function startAmaltheaStandIn(client: KubernetesConnection, namespace: string): Promise<RunningAmalthea> {
  const log = pino({ level: 'silent' });
  const busy = new Map<string, Promise<void>>();
  const errors: unknown[] = [];
  let stopped = false;

  const patch = (name: string, body: object) =>
    client.mergePatch<JupyterServer>(jupyterServers, namespace, name, body, testDeadline());

  async function handle(name: string): Promise<void> {
    const server = await client.get<JupyterServer>(jupyterServers, namespace, name, testDeadline());
    if (!server || stopped) return;
    const { finalizers = [], annotations = {}, deletionTimestamp, uid = '' } = server.metadata;
    const isMarked = finalizers.includes(finalizer);
    if (deletionTimestamp !== undefined) {
      if (!isMarked) return;
      await patch(name, {
        status: { state: 'stopping' },
        metadata: { finalizers: finalizers.filter((each) => each !== finalizer) },
      });
      return;
    }
    if (!isMarked) {
      await patch(name, { metadata: { finalizers: [...finalizers, finalizer] } });
      return;
    }
    const essence = JSON.stringify({ spec: server.spec });
    if (annotations[handled] === undefined) await createChildren(name, uid);
    if (annotations[handled] === essence) return;
    const replicas = server.spec?.jupyterServer?.hibernated ? 0 : 1;
    await client.mergePatch(resource.statefulSets, namespace, name, { spec: { replicas } }, testDeadline());
    const state = replicas === 0 ? 'hibernated' : 'starting';
    await patch(name, { metadata: { annotations: { [handled]: essence } }, status: { state } });
  }

  /** Throws, as Amalthea does, if a child exists already. */
  async function createChildren(name: string, uid: string): Promise<void> {
    const createdResources: Record<string, string> = {};
    const status: Record<string, object> = {};
    for (const [key, child] of Object.entries(exampleOfAmalthea(name, uid).children)) {
      const type = types[key];
      if (!type) throw new Error(`unknown child ${key}`);
      const created = await client.create<KubernetesObject>(type, namespace, child, testDeadline());
      const { apiVersion, kind } = child;
      createdResources[key] = created.metadata.uid ?? '';
      status[key] = { apiVersion, kind, name, uid: created.metadata.uid, status: null };
    }
    const fullServerURL = `https://sessions.example.org/sessions/${name}`;
    await patch(name, { status: { children: status, create_fn: { createdResources, fullServerURL } } });
  }

  const cache = createListWatchCache<KubernetesObject>({
    client,
    type: jupyterServers,
    namespaces: [namespace],
    project: (raw) => raw,
    onChange({ type, name }) {
      if (type === 'deleted' || stopped) return;
      const run = (busy.get(name) ?? Promise.resolve())
        .then(() => handle(name))
        .catch((error) => void errors.push(error));
      busy.set(name, run);
    },
    log,
  });
  await cache.start();
  return {
    errors: () => errors.map(String),
    async stop() {
      stopped = true;
      await cache.stop();
      await Promise.all(busy.values());
    },
  };
}
