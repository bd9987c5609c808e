import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { childLabel } from '../jupyter-server/labels.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { type KubernetesConnection, KubernetesError } from '../platform/kubernetes/types.ts';
import { type Child, projectChild } from './child.ts';
import { type ChildKind, childKinds, type Manifest } from './children/manifest.ts';
import { renderChildren } from './children/render.ts';
import { type ClusterView, isWatched } from './cluster-view.ts';
import { ChildNameTaken, InvalidJupyterServer } from './problem.ts';
import type { OperatorSettings } from './settings.ts';

/**
 * Makes the children that are missing and leaves those that exist as they are: a half-made session is completed, and what
 * somebody deleted comes back (a claim without its data). Edits of the JupyterServer do not reach existing children;
 * hibernation and resources are `update-stateful-set.ts`.
 */
export function createChildMaker({
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
   * All children that exist afterwards. Throws the first failure, after all others were tried; those that were made
   * stay. A JupyterServer that is found to be going is left alone (undefined).
   */
  return async function ensureChildren(server: JupyterServer, deadline: Deadline): Promise<Child[] | undefined> {
    const existing = existingChildren(server, view);
    const have = new Set(existing.map(({ key }) => key));
    const madeBefore = Object.keys(server.status?.create_fn?.createdResources ?? {});
    if (madeBefore.length > 0) {
      const gone = madeBefore.filter((key) => !have.has(key) && wouldBeSeen(key, server));
      if (gone.length === 0) return existing;
      if (await isGoing(server, deadline)) return undefined;
      for (const key of madeBefore) if (!gone.includes(key)) have.add(key);
    }

    const manifests = renderChildren(server, settings, randomBytes);
    const missing = Object.entries(manifests).filter(([key]) => !have.has(key));
    // The StatefulSet last: a pod that starts before its claim and its Secret exist reports troubles that pass.
    const [first, last] = [
      missing.filter(([key]) => key !== 'statefulset'),
      missing.filter(([key]) => key === 'statefulset'),
    ];
    const made: Child[] = [];
    for (const group of [first, last]) {
      const results = await Promise.allSettled(group.map(([key, manifest]) => make(key, manifest, server, deadline)));
      for (const result of results) if (result.status === 'fulfilled') made.push(result.value);
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    }
    return [...existing, ...made];
  };

  /**
   * Asks the API server, because the watch of JupyterServers may be behind that of the children, which go in the same
   * deletion.
   */
  async function isGoing({ metadata }: JupyterServer, deadline: Deadline): Promise<boolean> {
    const { namespace = '', name = '', uid } = metadata;
    const live = await client.get(settings.jupyterServers, namespace, name, deadline);
    return live === undefined || live.metadata.uid !== uid || live.metadata.deletionTimestamp !== undefined;
  }

  async function make(key: string, manifest: Manifest, server: JupyterServer, deadline: Deadline): Promise<Child> {
    const { apiVersion, kind: kindName, metadata } = manifest;
    const kind = childKinds.find((each) => each.apiVersion === apiVersion && each.kind === kindName);
    if (!kind)
      throw new InvalidJupyterServer(`spec.patches: child ${key} is of a kind that this operator does not make`);
    const namespace = server.metadata.namespace ?? '';
    let object: KubernetesObject;
    try {
      object = await client.create<KubernetesObject>(kind.type, namespace, manifest, deadline);
      log.info({ namespace, session: server.metadata.name, child: key }, 'made a child');
    } catch (error) {
      if (!(error instanceof KubernetesError) || error.reason !== 'AlreadyExists' || !metadata.name) throw error;
      object = await ours(kind, namespace, metadata.name, server, deadline);
    }
    view.observeChild(kind, object);
    const child = projectChild(kind)(object);
    if (!child) throw new InvalidJupyterServer(`spec.patches: child ${key} lost the labels of its parent`);
    return child;
  }

  /** The object that has the name already, if it is this session's child: made by a try whose answer was lost. */
  async function ours(
    kind: ChildKind,
    namespace: string,
    name: string,
    server: JupyterServer,
    deadline: Deadline,
  ): Promise<KubernetesObject> {
    const object = await client.get<KubernetesObject>(kind.type, namespace, name, deadline);
    if (object?.metadata.labels?.[childLabel.parentUid] === server.metadata.uid && object) return object;
    throw new ChildNameTaken(
      `There is another ${kind.kind} named ${name}. If a former session left it, it goes away by itself in a moment.`,
    );
  }
}

/** Children that are of a watched kind unless a patch made them something else. */
const watchedKeys = ['service', 'ingress', 'statefulset', 'configmap', 'pvc'];

/** Whether the caches would hold this child if it existed: else what the status says of it is believed. */
function wouldBeSeen(key: string, { status }: JupyterServer): boolean {
  const known = status?.children?.[key];
  return known ? isWatched(known) : watchedKeys.includes(key);
}

/** From the caches; of kinds that no cache holds (Secrets, and what other operators make) what the status says. */
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
