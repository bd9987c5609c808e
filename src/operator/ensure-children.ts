import { randomBytes } from 'node:crypto';
import { childLabels } from '../jupyter-server/labels.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { alreadyExists } from '../platform/kubernetes/predicates.ts';
import type { KubernetesConnection } from '../platform/kubernetes/types.ts';
import type { Attempt } from './attempt.ts';
import { podCause } from './causes.ts';
import { type Child, projectChild } from './child.ts';
import { type ChildKind, childKinds, type Manifest } from './children/manifest.ts';
import { renderChildren } from './children/render.ts';
import { type ClusterView, isWatched } from './cluster-view.ts';
import { ChildNameTaken, InvalidJupyterServer } from './failure.ts';
import type { OperatorSettings } from './settings.ts';

/**
 * Returns the function that creates the missing children of a session and does not change existing children. A deleted child
 * is created again; the data of a deleted volume claim are lost. Later changes of a JupyterServer do not change its
 * children, except changes of hibernation and resources (`update-stateful-set.ts`).
 */
export function createEnsureChildren({
  client,
  view,
  settings,
}: {
  client: KubernetesConnection;
  view: ClusterView;
  settings: OperatorSettings;
}) {
  const label = childLabels(settings.jupyterServers.group);

  /**
   * Returns all children of the session, or undefined if the JupyterServer is being deleted. If children cannot be created,
   * throws the first error after the attempts to create the other children of the same group.
   * @param known children that this process has created and that the status does not name yet
   */
  return async function ensureChildren(
    server: JupyterServer,
    known: readonly Child[],
    attempt: Attempt,
  ): Promise<Child[] | undefined> {
    const { deadline } = attempt;
    const lost = lostSecrets(server, view);
    const existing = existingChildren(server, known, view).filter(({ key }) => !lost.includes(key));
    const present = new Set(existing.map(({ key }) => key));
    let complete = server;
    const createdBefore = [
      ...Object.keys(server.status?.create_fn?.createdResources ?? {}),
      ...known.map(({ key }) => key),
    ];
    if (createdBefore.length > 0) {
      const gone = createdBefore.filter((key) => !present.has(key) && (isCached(key, server) || lost.includes(key)));
      if (gone.length === 0) return existing;
      const live = await readAlive(server, deadline);
      if (!live) return undefined;
      // The cache has no patches of a session whose children exist.
      complete = live;
      for (const key of createdBefore) if (!gone.includes(key)) present.add(key);
    }

    const manifests = renderChildren(complete, settings, randomBytes);
    const missing = Object.entries(manifests).filter(([key]) => !present.has(key));
    // The StatefulSet is created last, because a pod that starts before its volume claim and its Secret exist reports errors.
    const [first, last] = [
      missing.filter(([key]) => key !== 'statefulset'),
      missing.filter(([key]) => key === 'statefulset'),
    ];
    const created: Child[] = [];
    for (const group of [first, last]) {
      const results = await Promise.allSettled(
        group.map(([key, manifest]) => createChild(key, manifest, server, attempt)),
      );
      const done = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      if (done.length > 0) attempt.log.info({ children: done.map(({ key }) => key) }, 'created children');
      created.push(...done);
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    }
    return [...existing, ...created];
  };

  /**
   * Returns the whole JupyterServer, by a call to the API server; undefined if it is being deleted. The cache may have received
   * the deletion of the children before the deletion of the JupyterServer.
   */
  async function readAlive(
    { metadata, ...type }: JupyterServer,
    deadline: Deadline,
  ): Promise<JupyterServer | undefined> {
    const { namespace = '', name = '', uid } = metadata;
    const live = await client.get<JupyterServer>(settings.jupyterServers, namespace, name, deadline);
    if (live?.metadata.uid !== uid || live?.metadata.deletionTimestamp !== undefined) return undefined;
    return live && { ...live, apiVersion: type.apiVersion ?? '', kind: type.kind ?? '' };
  }

  async function createChild(
    key: string,
    manifest: Manifest,
    server: JupyterServer,
    { deadline }: Attempt,
  ): Promise<Child> {
    const { apiVersion, kind: kindName, metadata } = manifest;
    const kind = childKinds.find((each) => each.apiVersion === apiVersion && each.kind === kindName);
    if (!kind)
      throw new InvalidJupyterServer(`spec.patches: child ${key} is of a kind that this operator does not create`);
    const namespace = server.metadata.namespace ?? '';
    let object: KubernetesObject;
    try {
      object = await client.create<KubernetesObject>(kind.type, namespace, manifest, deadline);
    } catch (error) {
      if (!alreadyExists(error) || !metadata.name) throw error;
      object = await findOwnChild(kind, namespace, metadata.name, server, deadline);
    }
    view.observeChild(kind, object);
    const child = projectChild(kind, label)(object);
    if (!child) throw new InvalidJupyterServer(`spec.patches: child ${key} has no labels of its parent`);
    return child;
  }

  /**
   * Returns the existing object of this name if the object is a child of this session. An earlier attempt has created the
   * child, and the response was lost. Throws ChildNameTaken if the object is not a child of this session.
   */
  async function findOwnChild(
    kind: ChildKind,
    namespace: string,
    name: string,
    server: JupyterServer,
    deadline: Deadline,
  ): Promise<KubernetesObject> {
    const object = await client.get<KubernetesObject>(kind.type, namespace, name, deadline);
    if (object?.metadata.labels?.[label.parentUid] === server.metadata.uid && object) return object;
    throw new ChildNameTaken(
      `There is another ${kind.kind} named ${name}. If it belongs to a former session, Kubernetes will delete it soon.`,
    );
  }
}

/**
 * Returns the keys of the session's own Secrets that the pod does not find. The operator may not list Secrets, so the reports of the
 * kubelet are the only sign that a client has deleted one. The report may be old: then the creation finds the existing Secret.
 */
function lostSecrets({ metadata, status }: JupyterServer, view: ClusterView): string[] {
  const pod = view.pod(metadata.uid ?? '');
  const cause = podCause(pod, pod ? view.events(pod.uid) : [], new Date());
  if (cause === undefined) return [];
  return Object.entries(status?.children ?? {}).flatMap(([key, { kind, name }]) =>
    kind === 'Secret' && cause.includes(`secret "${name}" not found`) ? [key] : [],
  );
}

/** Keys of the children of watched kinds. A patch can change the kind of a child. */
const watchedKeys = ['service', 'ingress', 'statefulset', 'configmap', 'pvc'];

/** Returns whether the child has a watched kind. Only the status has children of other kinds. */
function isCached(key: string, { status }: JupyterServer): boolean {
  const known = status?.children?.[key];
  return known ? isWatched(known) : watchedKeys.includes(key);
}

/**
 * Returns the existing children: children of watched kinds from the caches, children of other kinds from the status.
 * @param known children that this process has created and that the status does not name yet
 */
export function existingChildren(
  { metadata, status }: JupyterServer,
  known: readonly Child[],
  view: ClusterView,
): Child[] {
  const watched = view.children(metadata.uid ?? '');
  const unwatched = Object.entries(status?.children ?? {}).filter(([, child]) => !isWatched(child));
  return [
    ...watched,
    ...known.filter((child) => !isWatched(child)),
    ...unwatched.map(([key, { uid, name, kind, apiVersion }]) => ({
      key,
      apiVersion,
      kind,
      namespace: metadata.namespace ?? '',
      name,
      uid,
      parentName: metadata.name ?? '',
      parentUid: metadata.uid ?? '',
      terminating: false,
      status: undefined,
      statefulSet: undefined,
    })),
  ];
}
