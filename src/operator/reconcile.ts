import type { Logger } from 'pino';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import { type KubernetesConnection, KubernetesError } from '../platform/kubernetes/types.ts';
import type { Child } from './child.ts';
import { childKinds } from './children/manifest.ts';
import type { ClusterView } from './cluster-view.ts';
import { createChildMaker, existingChildren } from './ensure-children.ts';
import { type Problem, problemOf } from './problem.ts';
import { sessionUrl } from './session-url.ts';
import type { OperatorSettings } from './settings.ts';
import { desiredStatus, type Observed, statusPatch } from './status.ts';
import { blankHibernation, statefulSetUpdate } from './update-stateful-set.ts';

/**
 * Amalthea's finalizer. This operator sets none: children go by their owner references, `stopping` shows in
 * deletionTimestamp, and so a DELETE never waits for an operator that is away. Objects that Amalthea made still carry
 * its finalizer, and nobody else would take it off.
 */
const amaltheaFinalizer = 'kopf.zalando.org/KopfFinalizerMarker';

/**
 * Brings one session to what its JupyterServer wants and writes down how it stands: level-triggered and idempotent, so
 * that any crash, lost answer or missed event is mended by the next call. Throws what should be tried again later, after
 * it was written to `status.events.operator` where it concerns the session.
 */
export function createReconciler(options: {
  client: KubernetesConnection;
  view: ClusterView;
  settings: OperatorSettings;
  log: Logger;
  now: () => Date;
}) {
  const { client, view, settings, log, now } = options;
  const ensureChildren = createChildMaker(options);

  return async function reconcile(namespace: string, name: string, deadline: Deadline): Promise<void> {
    const server = view.server(namespace, name);
    if (!server) return;
    const uid = server.metadata.uid ?? '';
    if (server.metadata.deletionTimestamp) {
      await bidFarewell(server, deadline);
      return;
    }
    let children: Child[] | undefined;
    let failure: unknown;
    try {
      children = await ensureChildren(server, deadline);
      if (!children) return;
      await update(server, children, deadline);
    } catch (error) {
      failure = error;
    }
    const created = children ? createdBy(server, children) : undefined;
    // What was just written is newer than what was read before.
    const newest = (children ?? existingChildren(server, view)).map(
      (child) => view.children(uid).find((each) => each.uid === child.uid) ?? child,
    );
    await writeStatus(view.server(namespace, name) ?? server, newest, problemOf(failure), created, deadline);
    if (failure !== undefined) throw failure;
  };

  async function update(server: JupyterServer, children: readonly Child[], deadline: Deadline): Promise<void> {
    const { namespace = '', name = '' } = server.metadata;
    const set = children.find(({ key }) => key === 'statefulset');
    const kind = childKinds.find((each) => each.kind === 'StatefulSet');
    if (set && kind) {
      const { scale, resize } = statefulSetUpdate(server, set);
      const own = { op: 'test', path: '/metadata/uid', value: set.uid };
      if (resize) {
        view.observeChild(kind, await client.jsonPatch(kind.type, namespace, set.name, [own, ...resize], deadline));
        await replacePod(server, set, deadline);
        log.info({ namespace, session: name }, 'gave the session other resources');
      }
      if (scale) {
        const patch = { metadata: { uid: set.uid }, ...scale };
        view.observeChild(kind, await client.mergePatch(kind.type, namespace, set.name, patch, deadline));
        log.info({ namespace, session: name, ...scale }, 'scaled the session');
      }
    }
    const blank = blankHibernation(server);
    if (blank) await patchServer(server, blank, deadline, { ifUnchanged: true });
  }

  /** Where pods are managed in order, an update waits for a pod that never becomes ready. */
  async function replacePod({ metadata }: JupyterServer, set: Child, deadline: Deadline): Promise<void> {
    const pod = view.pod(metadata.uid ?? '');
    if (!pod || set.statefulSet?.parallel) return;
    await client.delete(resource.pods, pod.namespace, pod.name, { preconditions: { uid: pod.uid } }, deadline);
  }

  async function writeStatus(
    server: JupyterServer,
    children: readonly Child[],
    problem: Problem | undefined,
    created: Observed['created'],
    deadline: Deadline,
  ): Promise<void> {
    const { uid = '', namespace, name } = server.metadata;
    const pod = view.pod(uid);
    const set = children.find(({ key }) => key === 'statefulset');
    const desired = desiredStatus(
      {
        server,
        children,
        pod,
        podEvents: pod ? view.events(pod.uid) : [],
        statefulSetEvents: set ? view.events(set.uid) : [],
        problem,
        created,
        now: now(),
      },
      settings,
    );
    const patch = statusPatch(server.status, desired);
    if (!patch) return;
    if (desired.state !== server.status?.state) {
      log.info(
        { namespace, session: name, from: server.status?.state ?? null, to: desired.state },
        'the session changed',
      );
    }
    await patchServer(server, { status: patch }, deadline);
  }

  async function bidFarewell(server: JupyterServer, deadline: Deadline): Promise<void> {
    const { finalizers = [] } = server.metadata;
    const left = finalizers.filter((each) => each !== amaltheaFinalizer);
    const status = server.status?.state === 'stopping' ? {} : { status: { state: 'stopping' } };
    const metadata = left.length < finalizers.length ? { metadata: { finalizers: left } } : {};
    const patch = { ...status, ...metadata };
    if (Object.keys(patch).length > 0)
      await patchServer(server, patch, deadline, { ifUnchanged: 'metadata' in metadata });
  }

  /**
   * The uid makes the API server refuse when another session of this name has come since; `ifUnchanged` the version, when
   * anybody wrote to it since it was read.
   */
  async function patchServer(
    { metadata }: JupyterServer,
    patch: object,
    deadline: Deadline,
    { ifUnchanged = false } = {},
  ): Promise<void> {
    const { namespace = '', name = '', uid, resourceVersion } = metadata;
    const guard = { uid, ...(ifUnchanged ? { resourceVersion } : {}) };
    const guarded = { ...patch, metadata: { ...('metadata' in patch ? (patch.metadata as object) : {}), ...guard } };
    try {
      const type = settings.jupyterServers;
      view.observeServer(await client.mergePatch<JupyterServer>(type, namespace, name, guarded, deadline));
    } catch (error) {
      // It is gone; its own news is on the way.
      if (error instanceof KubernetesError && error.status === 404) return;
      throw error;
    }
  }
}

function createdBy(server: JupyterServer, children: readonly Child[]): NonNullable<Observed['created']> {
  const now = Object.fromEntries(children.map(({ key, uid }) => [key, uid]));
  return {
    createdResources: { ...server.status?.create_fn?.createdResources, ...now },
    fullServerURL: sessionUrl(server).full,
  };
}
