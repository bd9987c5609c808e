import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { childLabel } from '../jupyter-server/labels.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { alreadyExists } from '../platform/kubernetes/predicates.ts';
import type { KubernetesConnection } from '../platform/kubernetes/types.ts';
import { type Child, projectChild } from './child.ts';
import { type ChildKind, childKinds, type Manifest } from './children/manifest.ts';
import { renderChildren } from './children/render.ts';
import { type ClusterView, isWatched } from './cluster-view.ts';
import { ChildNameTaken, InvalidJupyterServer } from './failure.ts';
import type { OperatorSettings } from './settings.ts';

/**
 * Creates the children that are missing and does not change those that exist: an incomplete session is completed, and a
 * deleted child is created again (a volume claim without its data). Of the changes to a JupyterServer, only those of
 * hibernation and resources reach an existing child: see `update-stateful-set.ts`.
 */
export function createEnsureChildren({
  client,
  view,
  settings,
  log,
}: {
  client: KubernetesConnection;
  view: ClusterView;
  settings: OperatorSettings;
  log: Logger;
}) {
  /**
   * Returns all children of the session, or undefined if the JupyterServer is being deleted. Where a child cannot be
   * created, the first error is thrown after the others of its group have been created.
   */
  return async function ensureChildren(server: JupyterServer, deadline: Deadline): Promise<Child[] | undefined> {
    const existing = existingChildren(server, view);
    const present = new Set(existing.map(({ key }) => key));
    const createdBefore = Object.keys(server.status?.create_fn?.createdResources ?? {});
    if (createdBefore.length > 0) {
      const gone = createdBefore.filter((key) => !present.has(key) && isCached(key, server));
      if (gone.length === 0) return existing;
      if (await isBeingDeleted(server, deadline)) return undefined;
      for (const key of createdBefore) if (!gone.includes(key)) present.add(key);
    }

    const manifests = renderChildren(server, settings, randomBytes);
    const missing = Object.entries(manifests).filter(([key]) => !present.has(key));
    // The StatefulSet last: a pod that starts before its volume claim and its Secret exist reports temporary errors.
    const [first, last] = [
      missing.filter(([key]) => key !== 'statefulset'),
      missing.filter(([key]) => key === 'statefulset'),
    ];
    const created: Child[] = [];
    for (const group of [first, last]) {
      const results = await Promise.allSettled(
        group.map(([key, manifest]) => createChild(key, manifest, server, deadline)),
      );
      for (const result of results) if (result.status === 'fulfilled') created.push(result.value);
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    }
    return [...existing, ...created];
  };

  /**
   * Reads the JupyterServer from the API server, because its watch may be behind the watches of the children, which are
   * deleted with it.
   */
  async function isBeingDeleted({ metadata }: JupyterServer, deadline: Deadline): Promise<boolean> {
    const { namespace = '', name = '', uid } = metadata;
    const live = await client.get(settings.jupyterServers, namespace, name, deadline);
    return live === undefined || live.metadata.uid !== uid || live.metadata.deletionTimestamp !== undefined;
  }

  async function createChild(
    key: string,
    manifest: Manifest,
    server: JupyterServer,
    deadline: Deadline,
  ): Promise<Child> {
    const { apiVersion, kind: kindName, metadata } = manifest;
    const kind = childKinds.find((each) => each.apiVersion === apiVersion && each.kind === kindName);
    if (!kind)
      throw new InvalidJupyterServer(`spec.patches: child ${key} is of a kind that this operator does not create`);
    const namespace = server.metadata.namespace ?? '';
    let object: KubernetesObject;
    try {
      object = await client.create<KubernetesObject>(kind.type, namespace, manifest, deadline);
      log.info({ namespace, session: server.metadata.name, child: key }, 'created a child');
    } catch (error) {
      if (!alreadyExists(error) || !metadata.name) throw error;
      object = await findOwnChild(kind, namespace, metadata.name, server, deadline);
    }
    view.observeChild(kind, object);
    const child = projectChild(kind)(object);
    if (!child) throw new InvalidJupyterServer(`spec.patches: child ${key} has no labels of its parent`);
    return child;
  }

  /**
   * Returns the existing object of this name if it is this session's child: created by an earlier attempt, the response to
   * which was lost. Throws ChildNameTaken if it is not.
   */
  async function findOwnChild(
    kind: ChildKind,
    namespace: string,
    name: string,
    server: JupyterServer,
    deadline: Deadline,
  ): Promise<KubernetesObject> {
    const object = await client.get<KubernetesObject>(kind.type, namespace, name, deadline);
    if (object?.metadata.labels?.[childLabel.parentUid] === server.metadata.uid && object) return object;
    throw new ChildNameTaken(
      `There is another ${kind.kind} named ${name}. If it belongs to a former session, Kubernetes will delete it soon.`,
    );
  }
}

/** Keys of the children that have a watched kind unless a patch changes it. */
const watchedKeys = ['service', 'ingress', 'statefulset', 'configmap', 'pvc'];

/** Whether the caches would have this child if it existed. Children of other kinds are known from the status only. */
function isCached(key: string, { status }: JupyterServer): boolean {
  const known = status?.children?.[key];
  return known ? isWatched(known) : watchedKeys.includes(key);
}

/** Returns the children that exist: those of watched kinds from the caches, all others from the status. */
export function existingChildren({ metadata, status }: JupyterServer, view: ClusterView): Child[] {
  const watched = view.children(metadata.uid ?? '');
  const unwatched = Object.entries(status?.children ?? {}).filter(([, child]) => !isWatched(child));
  return [
    ...watched,
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
