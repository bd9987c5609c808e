import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { childLabels } from '../jupyter-server/labels.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import {
  type CacheEvent,
  createListWatchCache,
  earliest,
  type ListWatchCache,
  type WatchEnd,
} from '../platform/kubernetes/list-watch-cache.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import type { ReflectorTiming } from '../platform/kubernetes/reflector.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import type { KubernetesConnection, ResourceType } from '../platform/kubernetes/types.ts';
import { projectEvent, type SessionEvent } from './causes.ts';
import { type Child, compactChild, projectChild } from './child.ts';
import { type ChildKind, childKinds } from './children/manifest.ts';
import { compactPod, currentPod, type MainPod, projectPod } from './pod.ts';
import { projectServer, withStatusOf } from './project-server.ts';
import { createValuePool } from './value-pool.ts';

/** The operator's caches. Reads need no call to the API server. */
export interface ClusterView {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly lastContactAt: number | undefined;
  readonly lastCurrentAt: number | undefined;
  server(namespace: string, name: string): JupyterServer | undefined;
  servers(): JupyterServer[];
  /** Returns children of the watched kinds. */
  children(parentUid: string): Child[];
  pod(parentUid: string): MainPod | undefined;
  /** Returns a deleted pod as it was known last; undefined if it still exists, or was deleted long ago. */
  formerPod(uid: string): MainPod | undefined;
  events(objectUid: string): SessionEvent[];
  /** Adds the response of a write to the cache, so that the next read sees it. */
  observeServer(raw: JupyterServer): void;
  observeChild(kind: ChildKind, raw: KubernetesObject): void;
}

/**
 * Kinds of children without a cache, because their status does not change the status of the session. The operator therefore
 * needs no permission to list Secrets, and a cluster need not have the Gateway API and Datashim's Datasets.
 */
const unwatched: readonly string[] = ['Secret', 'Dataset', 'HTTPRoute'];

/** Length of the values of the caches that are stored once; more than the values of the sessions that start at the same time. */
const pooledChars = 200_000;

export function isWatched({ apiVersion, kind }: { apiVersion: string; kind: string }): boolean {
  return !unwatched.includes(kind) && childKinds.some((each) => each.apiVersion === apiVersion && each.kind === kind);
}

/**
 * @param onChange is called with the namespace and name of a JupyterServer after a change of the JupyterServer, its children
 *   or their events.
 */
export function createClusterView(options: {
  client: KubernetesConnection;
  namespaces: readonly string[];
  jupyterServers: ResourceType;
  onChange: (namespace: string, name: string) => void;
  onServerChange?: (event: CacheEvent<JupyterServer>) => void;
  onWatchEnd?: (plural: string, end: WatchEnd) => void;
  log: Logger;
  /** Shorter times for tests. */
  timing?: Partial<ReflectorTiming>;
}): ClusterView {
  const { client, namespaces, jupyterServers, onChange, onServerChange, onWatchEnd, log, timing = {} } = options;
  const common = { client, namespaces, onWatchEnd, log, timing };
  const label = childLabels(jupyterServers.group);
  const pool = createValuePool(pooledChars);

  const project = projectServer(jupyterServers, pool);
  const servers: ListWatchCache<JupyterServer> = createListWatchCache<JupyterServer>({
    ...common,
    type: jupyterServers,
    project(raw) {
      const server = project(raw);
      const { namespace = '' } = server.metadata;
      return withStatusOf(server, pods.get(namespace, server.status?.mainPod?.name ?? ''));
    },
    onChange: (event) => {
      onServerChange?.(event);
      onChange(event.namespace, event.name);
    },
  });

  const notifyParent = (event: CacheEvent<Child | MainPod>) => {
    const { parentName } = 'value' in event ? event.value : event.previous;
    onChange(event.namespace, parentName);
  };
  const childCaches = new Map<ChildKind, ListWatchCache<Child>>(
    childKinds.filter(isWatched).map((kind) => [
      kind,
      createListWatchCache<Child>({
        ...common,
        type: kind.type,
        selectors: { labelSelector: label.parentUid },
        project: (raw) => compactChild(projectChild(kind, label)(raw), pool),
        indexes: { parent: ({ parentUid }) => parentUid },
        onChange: notifyParent,
      }),
    ]),
  );
  /** Deleted pods, until the reconcile that their deletion causes. */
  const formerPods = new BoundedMap<string, MainPod>({ maxSize: 1000, ttlMs: 600_000 });
  const pods: ListWatchCache<MainPod> = createListWatchCache<MainPod>({
    ...common,
    type: resource.pods,
    selectors: { labelSelector: `${label.mainPod}=true` },
    project(raw) {
      const pod = compactPod(projectPod(raw, label), pool);
      const known = pod && servers.get(pod.namespace, pod.parentName)?.status?.mainPod?.status;
      return pod && known && isDeepStrictEqual(known, pod.status) ? { ...pod, status: known } : pod;
    },
    indexes: { parent: ({ parentUid }) => parentUid },
    onChange: (event) => {
      const isReplaced = event.type === 'modified' && event.previous.uid !== event.value.uid;
      if (event.type === 'deleted' || isReplaced) formerPods.set(event.previous.uid, event.previous);
      notifyParent(event);
    },
  });
  const eventCaches = (['Pod', 'StatefulSet'] as const).map((kind) =>
    createListWatchCache<SessionEvent>({
      ...common,
      type: resource.events,
      selectors: { fieldSelector: `involvedObject.kind=${kind}` },
      project: projectEvent,
      indexes: { object: ({ objectUid }) => objectUid },
      // Kubernetes Events are deleted when they expire. The name of the StatefulSet is that of the session, and the pod's
      // name ends with -0.
      onChange: (event) => {
        if (event.type === 'deleted') return;
        const { namespace, objectKind, objectName } = event.value;
        onChange(namespace, objectKind === 'Pod' ? objectName.replace(/-0$/, '') : objectName);
      },
    }),
  );
  const all = [servers, ...childCaches.values(), pods, ...eventCaches];

  return {
    async start() {
      // One after the other, so that the memory for one page is enough.
      for (const cache of all) await cache.start();
    },
    async stop() {
      await Promise.all(all.map((cache) => cache.stop()));
    },
    get lastContactAt() {
      return earliest(all.map(({ lastContactAt }) => lastContactAt));
    },
    get lastCurrentAt() {
      return earliest(all.map(({ lastCurrentAt }) => lastCurrentAt));
    },
    server: (namespace, name) => servers.get(namespace, name),
    servers: () => servers.values(),
    children: (parentUid) => [...childCaches.values()].flatMap((cache) => cache.byIndex('parent', parentUid)),
    pod: (parentUid) => currentPod(pods.byIndex('parent', parentUid)),
    formerPod: (uid) => formerPods.get(uid),
    events: (objectUid) => eventCaches.flatMap((cache) => cache.byIndex('object', objectUid)),
    observeServer: (raw) => servers.observe(raw),
    observeChild: (kind, raw) => childCaches.get(kind)?.observe(raw),
  };
}

/** The plural names of the watched resources. */
export function watchedResources(jupyterServers: ResourceType): string[] {
  const children = childKinds.filter(isWatched).map(({ type }) => type.plural);
  return [jupyterServers.plural, ...children, resource.pods.plural, resource.events.plural];
}
