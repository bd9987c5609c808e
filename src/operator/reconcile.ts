import type { JupyterServer } from '../jupyter-server/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import { isNotFound } from '../platform/kubernetes/predicates.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import type { KubernetesConnection } from '../platform/kubernetes/types.ts';
import type { Attempt } from './attempt.ts';
import type { Child } from './child.ts';
import { childKinds } from './children/manifest.ts';
import type { ClusterView } from './cluster-view.ts';
import { createEnsureChildren, existingChildren } from './ensure-children.ts';
import { type Failure, failureOf } from './failure.ts';
import { sessionUrl } from './session-url.ts';
import type { OperatorSettings } from './settings.ts';
import { desiredStatus, type Observed, statusPatch } from './status.ts';
import { clearHibernation, statefulSetUpdate } from './update-stateful-set.ts';

/**
 * Amalthea's finalizer. This operator removes the finalizer from JupyterServers that Amalthea has reconciled. This operator
 * sets no finalizer, because garbage collection deletes the children by their owner references. So a deletion completes even
 * if the operator is not running.
 */
const amaltheaFinalizer = 'kopf.zalando.org/KopfFinalizerMarker';

/**
 * Time after which a session is reconciled again without an event, so that a lost event or a change by another program has no
 * lasting effect. Such a reconcile reads the caches only, so an idle session causes no calls.
 */
const resyncMs = 600_000;

/**
 * Returns the function that reconciles one session: it creates and updates the children, and writes the status. It is
 * level-triggered and idempotent: after a crash, a lost response or a missed event, the next call completes the work.
 * Returns the milliseconds after which to reconcile the session again; undefined if it does not exist.
 * Throws errors that the caller should retry. If the session causes the error, `status.events.operator` has its message.
 */
export function createReconciler(options: {
  client: KubernetesConnection;
  view: ClusterView;
  settings: OperatorSettings;
  now: () => Date;
}) {
  const { client, view, settings, now } = options;
  const ensureChildren = createEnsureChildren(options);

  return async function reconcile(namespace: string, name: string, attempt: Attempt): Promise<number | undefined> {
    const server = view.server(namespace, name);
    if (!server) return undefined;
    const uid = server.metadata.uid ?? '';
    if (server.metadata.deletionTimestamp) {
      await markTerminating(server, attempt.deadline);
      return resyncMs;
    }
    let children: Child[] | undefined;
    let failed: { error: unknown } | undefined;
    try {
      children = await ensureChildren(server, attempt);
      if (!children) return resyncMs;
      await update(server, children, attempt);
    } catch (error) {
      failed = { error };
    }
    const created = children ? createdBy(server, children) : undefined;
    // The caches have the responses of the writes above, which are newer than `children`.
    const newest = (children ?? existingChildren(server, view)).map(
      (child) => view.children(uid).find((each) => each.uid === child.uid) ?? child,
    );
    await writeStatus(view.server(namespace, name) ?? server, newest, failureOf(failed?.error), created, attempt);
    if (failed) throw failed.error;
    return resyncMs;
  };

  async function update(server: JupyterServer, children: readonly Child[], { deadline, log }: Attempt): Promise<void> {
    const { namespace = '' } = server.metadata;
    const set = children.find(({ key }) => key === 'statefulset');
    const kind = childKinds.find((each) => each.kind === 'StatefulSet');
    if (set && kind) {
      const { scale, resize } = statefulSetUpdate(server, set);
      const own = { op: 'test', path: '/metadata/uid', value: set.uid };
      if (resize) {
        view.observeChild(kind, await client.jsonPatch(kind.type, namespace, set.name, [own, ...resize], deadline));
        await replacePod(server, set, deadline);
        log.info('changed the resources of the session');
      }
      if (scale) {
        const patch = { metadata: { uid: set.uid }, ...scale };
        view.observeChild(kind, await client.mergePatch(kind.type, namespace, set.name, patch, deadline));
        log.info(scale, 'scaled the session');
      }
    }
    const cleared = clearHibernation(server);
    if (cleared) await patchServer(server, cleared, deadline, { ifUnchanged: true });
  }

  /**
   * Deletes the pod of a StatefulSet that Amalthea created with the policy OrderedReady. With this policy, Kubernetes does not
   * replace a pod that never becomes ready.
   */
  async function replacePod({ metadata }: JupyterServer, set: Child, deadline: Deadline): Promise<void> {
    const pod = view.pod(metadata.uid ?? '');
    if (!pod || set.statefulSet?.parallel) return;
    await client.delete(resource.pods, pod.namespace, pod.name, { preconditions: { uid: pod.uid } }, deadline);
  }

  async function writeStatus(
    server: JupyterServer,
    children: readonly Child[],
    failure: Failure | undefined,
    created: Observed['created'],
    { deadline, log }: Attempt,
  ): Promise<void> {
    const { uid = '' } = server.metadata;
    const pod = view.pod(uid);
    const set = children.find(({ key }) => key === 'statefulset');
    const desired = desiredStatus(
      {
        server,
        children,
        pod,
        podEvents: pod ? view.events(pod.uid) : [],
        formerPod: view.formerPod(server.status?.mainPod?.uid ?? ''),
        formerPodEvents: view.events(server.status?.mainPod?.uid ?? ''),
        statefulSetEvents: set ? view.events(set.uid) : [],
        failure,
        created,
        now: now(),
      },
      settings,
    );
    const patch = statusPatch(server.status, desired);
    if (!patch) return;
    if (desired.state !== server.status?.state) {
      log.info({ from: server.status?.state ?? null, to: desired.state }, 'the state of the session changed');
    }
    await patchServer(server, { status: patch }, deadline);
  }

  /** Sets the state `stopping` and removes Amalthea's finalizer. */
  async function markTerminating(server: JupyterServer, deadline: Deadline): Promise<void> {
    const { finalizers = [] } = server.metadata;
    const others = finalizers.filter((each) => each !== amaltheaFinalizer);
    const status = server.status?.state === 'stopping' ? {} : { status: { state: 'stopping' } };
    const metadata = others.length < finalizers.length ? { metadata: { finalizers: others } } : {};
    const patch = { ...status, ...metadata };
    if (Object.keys(patch).length > 0)
      await patchServer(server, patch, deadline, { ifUnchanged: 'metadata' in metadata });
  }

  /**
   * Merges the patch into this JupyterServer. Throws KubernetesError 409 if the name now belongs to another object and, with
   * `ifUnchanged`, if the JupyterServer has changed since it was read. Does not throw if the JupyterServer no longer exists.
   */
  async function patchServer(
    { metadata }: JupyterServer,
    patch: { metadata?: object; status?: object },
    deadline: Deadline,
    { ifUnchanged = false } = {},
  ): Promise<void> {
    const { namespace = '', name = '', uid, resourceVersion } = metadata;
    const guard = { uid, ...(ifUnchanged ? { resourceVersion } : {}) };
    const guarded = { ...patch, metadata: { ...patch.metadata, ...guard } };
    try {
      const type = settings.jupyterServers;
      view.observeServer(await client.mergePatch<JupyterServer>(type, namespace, name, guarded, deadline));
    } catch (error) {
      // The watch will report the deletion.
      if (!isNotFound(error)) throw error;
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
