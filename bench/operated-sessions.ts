import { randomBytes } from 'node:crypto';
import { childLabels, label } from '../src/jupyter-server/labels.ts';
import { jupyterServers } from '../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../src/jupyter-server/types.ts';
import { asObject } from '../src/lib/json.ts';
import type { Cluster } from '../src/local/cluster.ts';
import { namespace } from '../src/local/environment.ts';
import { type ChildKind, childKinds, type Manifest } from '../src/operator/children/manifest.ts';
import { renderChildren } from '../src/operator/children/render.ts';
import { readSettings } from '../src/operator/settings.ts';
import type { KubernetesObject } from '../src/platform/kubernetes/objects.ts';
import { resource } from '../src/platform/kubernetes/resources.ts';
import { buildJupyterServer } from '../src/sessions/manifest/build.ts';
import { testConfig } from '../tests/support/sessions/config.ts';
import { registered } from '../tests/support/sessions/manifests.ts';
import { runningStatus } from './sessions.ts';

/** The priority class of the sessions' pods. */
export const priorityClass = registered.resources.priorityClass ?? '';

const config = testConfig();
const podLabel = childLabels(jupyterServers.group);
const settings = readSettings({ NAMESPACES: namespace });

/** Returns the JupyterServer of a registered user's session, as the service creates it. */
export function sessionOf(name: string, owner: string): JupyterServer {
  const server = buildJupyterServer({ ...registered, name }, config);
  return { ...server, metadata: { ...server.metadata, labels: { ...server.metadata.labels, [label.owner]: owner } } };
}

/** Returns the children of a session with their kinds, as the operator creates them. */
export function childrenOf(server: JupyterServer): { key: string; kind: ChildKind; manifest: Manifest }[] {
  const complete = { ...server, apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer' };
  return Object.entries(renderChildren(complete, settings, randomBytes)).flatMap(([key, manifest]) => {
    const kind = childKinds.find((each) => each.kind === manifest.kind && each.apiVersion === manifest.apiVersion);
    return kind ? [{ key, kind, manifest }] : [];
  });
}

/**
 * Adds a running session with its children and its pod to the embedded API server.
 */
export function addRunningSession(cluster: Cluster, name: string, owner: string): void {
  const created = cluster.create<JupyterServer>(jupyterServers, namespace, sessionOf(name, owner));
  const { uid = '' } = created.metadata;
  const createdResources: Record<string, string> = {};
  for (const { key, kind, manifest } of childrenOf(created)) {
    const child = cluster.create(kind.type, namespace, asLarge(manifest));
    createdResources[key] = child.metadata.uid ?? '';
    if (key === 'statefulset') addPod(cluster, manifest, name, uid);
  }
  const create_fn = { createdResources, fullServerURL: `https://renku.example.org/sessions/${name}` };
  cluster.mergePatch(jupyterServers, namespace, name, { status: { ...runningStatus(name), create_fn } });
}

function addPod(cluster: Cluster, statefulSet: Manifest, name: string, parentUid: string): void {
  const template = asObject(asObject(statefulSet['spec'])?.['template']);
  const labels = { ...statefulSet.metadata.labels, [podLabel.mainPod]: 'true', [podLabel.parentUid]: parentUid };
  cluster.create<Manifest>(
    resource.pods,
    namespace,
    asLarge({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-0`, labels },
      spec: template?.['spec'],
      status: runningStatus(name).mainPod?.status,
    }),
  );
}

/**
 * Adds an annotation as long as the managedFields of the object, which are a large part of each object of a real API server. The
 * embedded API server has no managedFields.
 */
function asLarge<T extends KubernetesObject>(object: T): T {
  const annotations = { ...object.metadata.annotations, 'bench.example.org/fields': JSON.stringify(fieldsOf(object)) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** The set of fields, in the notation of FieldsV1. */
const fieldsOf = (value: unknown): object =>
  Array.isArray(value)
    ? Object.fromEntries(value.map((item, index) => [`k:{"index":${index}}`, fieldsOf(item)]))
    : Object.fromEntries(Object.entries(asObject(value) ?? {}).map(([key, each]) => [`f:${key}`, fieldsOf(each)]));
