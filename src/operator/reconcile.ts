import { randomBytes, randomUUID } from 'node:crypto';
import { hibernation } from '../jupyter-server/hibernation.ts';
import { annotation } from '../jupyter-server/labels.ts';
import { writeStopRequest } from '../jupyter-server/stop-request.ts';
import type { JupyterServer, JupyterServerStatus } from '../jupyter-server/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import { isObject } from '../lib/json.ts';
import { mergePatchBetween } from '../lib/merge-patch.ts';
import { isNotFound } from '../platform/kubernetes/predicates.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import type { KubernetesConnection } from '../platform/kubernetes/types.ts';
import { hasAmaltheaFinalizer, otherFinalizers } from './amalthea/finalizer.ts';
import type { Attempt } from './attempt.ts';
import type { Child } from './child.ts';
import { childKinds } from './children/manifest.ts';
import { renderChildren } from './children/render.ts';
import type { ClusterView } from './cluster-view.ts';
import { conditionsOf, unsavedWork } from './conditions.ts';
import type { ActivityMonitor } from './culling/activity-monitor.ts';
import { canSave, cull, hasClaim } from './culling/culler.ts';
import type { CullingDecision } from './culling/decide.ts';
import type { FirstSaves } from './culling/first-saves.ts';
import { byOperator } from './ending/decide.ts';
import { createEnding } from './ending/ending.ts';
import type { Saves } from './ending/saves.ts';
import { createEnsureChildren, existingChildren } from './ensure-children.ts';
import type { EventRecorder } from './event-recorder.ts';
import { type Failure, failureOf } from './failure.ts';
import { forcedEndMs, isOnLostNode } from './forced-end.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { MainPod } from './pod.ts';
import { isStuck, templateOperations } from './resize.ts';
import { schedulingLeftMs } from './scheduling.ts';
import { sessionUrl } from './session-url.ts';
import type { OperatorSettings } from './settings.ts';
import { desiredStatus, hasFailed, type Observed } from './status.ts';
import { sessionPatch, writeDelay } from './status-writer.ts';
import { cullingReasons, cullingStory, statusStory } from './story.ts';
import { clearHibernation, statefulSetUpdate } from './update-stateful-set.ts';

/**
 * Time after which a session is reconciled again without an event, so that a lost event or a change by another program has no
 * lasting effect. Such a reconcile reads the caches only, so an idle session causes no calls.
 */
const resyncMs = 600_000;

export interface Reconciler {
  /**
   * Reconciles one session: creates and updates the children, and writes the status. It is level-triggered and idempotent: after a
   * crash, a lost response or a missed event, the next call completes the work. Returns the milliseconds after which to reconcile the
   * session again; undefined if it does not exist. Throws errors that the caller should retry. If the session causes the error,
   * `status.events.operator` has its message.
   */
  reconcile(namespace: string, name: string, attempt: Attempt): Promise<number | undefined>;
  /** Returns whether the children of the session must be created. */
  isNew(server: JupyterServer): boolean;
  /** Returns whether the next reconcile writes the first status of a session whose pod does not start yet. */
  isDeferred(server: JupyterServer): boolean;
}

export function createReconciler(options: {
  client: KubernetesConnection;
  view: ClusterView;
  monitor: ActivityMonitor;
  firstSaves: FirstSaves;
  saves: Saves;
  recorder: EventRecorder;
  settings: OperatorSettings;
  metrics: Pick<OperatorMetrics, 'culled' | 'saved'>;
  now: () => Date;
  /** Returns whether other sessions wait for their children. */
  isBusy: () => boolean;
}): Reconciler {
  const { client, view, monitor, firstSaves, recorder, settings, metrics, now, isBusy } = options;
  const ensureChildren = createEnsureChildren(options);
  const ending = createEnding({
    ...options,
    patchUnchanged: (server, patch, deadline) => patchServer(server, patch, deadline, { ifUnchanged: true }),
  });
  /** Time of the last write of each session's status, in milliseconds since the epoch. */
  const writtenAt = new Map<string, number>();
  /** Uids of the sessions whose status this process has written or found correct, by namespace and name. */
  const seen = new Map<string, string>();
  /** The children of sessions that this process has created and the status does not name yet, by namespace and name. */
  const unreported = new Map<string, { readonly uid: string | undefined; readonly children: readonly Child[] }>();

  const unreportedOf = ({ metadata, status }: JupyterServer): readonly Child[] => {
    const known = unreported.get(`${metadata.namespace}/${metadata.name}`);
    return known === undefined || known.uid !== metadata.uid || status?.create_fn ? [] : known.children;
  };
  const isNew = (server: JupyterServer): boolean =>
    server.status?.create_fn === undefined &&
    server.metadata.deletionTimestamp === undefined &&
    unreportedOf(server).length === 0;

  return {
    reconcile,
    isNew,
    isDeferred: (server) =>
      unreportedOf(server).length > 0 &&
      server.metadata.deletionTimestamp === undefined &&
      !hasStarted(view.pod(server.metadata.uid ?? '')),
  };

  async function reconcile(namespace: string, name: string, attempt: Attempt): Promise<number | undefined> {
    const server = view.server(namespace, name);
    const key = `${namespace}/${name}`;
    if (!server) {
      unreported.delete(key);
      monitor.forget(key);
      firstSaves.forget(key);
      ending.forget(key);
      writtenAt.delete(key);
      seen.delete(key);
      return undefined;
    }
    if (server.metadata.deletionTimestamp) {
      unreported.delete(key);
      firstSaves.forget(key);
      ending.forget(key);
      await markTerminating(server, attempt.deadline);
      return (await endForced(server, attempt)) ?? resyncMs;
    }
    if (hasAmaltheaFinalizer(server.metadata)) {
      // Without Amalthea, its finalizer would block the deletion while this operator does not run. The change causes a reconcile.
      const metadata = { finalizers: otherFinalizers(server.metadata) };
      await patchServer(server, { metadata }, attempt.deadline, { ifUnchanged: true });
      attempt.log.info('adopted a session of Amalthea');
      return resyncMs;
    }
    let children: Child[] | undefined;
    let created: Observed['created'];
    let failed: { error: unknown } | undefined;
    const known = unreportedOf(server);
    const uid = server.metadata.uid ?? '';
    const hadStatefulSet = view.children(uid).some(({ key: child }) => child === 'statefulset');
    try {
      children = await ensureChildren(server, known, attempt);
      if (!children) return resyncMs;
      if (isNew(server)) {
        unreported.set(key, { uid: uid, children });
        // The children of other sessions come before the status, which changes again when the pod exists.
        if (isBusy()) {
          // This process has created the StatefulSet, so it has seen the session before it had a pod.
          if (!hadStatefulSet) seen.set(key, uid);
          return 0;
        }
      }
      await update(server, children, attempt);
    } catch (error) {
      failed = { error };
    }
    try {
      created = children && createdBy(server, children);
    } catch (error) {
      // A client has made the routing of an existing session invalid.
      failed ??= { error };
    }
    // The caches have the responses of the writes above, which are newer than `children`.
    const newest = (children ?? existingChildren(server, known, view)).map(
      (child) => view.children(uid).find((each) => each.uid === child.uid) ?? child,
    );
    const current = view.server(namespace, name) ?? server;
    const requeueMs = await writeStatus(key, current, newest, failureOf(failed?.error), created, attempt);
    if (failed) throw failed.error;
    if (view.server(namespace, name)?.status?.create_fn) unreported.delete(key);
    return Math.min(requeueMs ?? resyncMs, resyncMs);
  }

  async function update(server: JupyterServer, children: readonly Child[], { deadline, log }: Attempt): Promise<void> {
    const { namespace = '' } = server.metadata;
    const set = children.find(({ key }) => key === 'statefulset');
    const kind = childKinds.find((each) => each.kind === 'StatefulSet');
    if (set && kind) {
      const { scale, resize, isOtherClass } = statefulSetUpdate(server, set);
      const own = { op: 'test', path: '/metadata/uid', value: set.uid };
      if (resize) {
        const template = isOtherClass ? await classOperations(server, set.name, deadline) : [];
        const patch = [own, ...resize, ...template];
        view.observeChild(kind, await client.jsonPatch(kind.type, namespace, set.name, patch, deadline));
        log.info('changed the resources of the session');
      }
      if (scale) {
        const patch = { metadata: { uid: set.uid }, ...scale };
        view.observeChild(kind, await client.mergePatch(kind.type, namespace, set.name, patch, deadline));
        log.info(scale, 'scaled the session');
      }
      const pod = view.pod(server.metadata.uid ?? '');
      if (pod && isStuck(pod, set)) {
        await client.delete(resource.pods, namespace, pod.name, { preconditions: { uid: pod.uid } }, deadline);
        log.info({ pod: pod.uid }, 'deleted a pod that Kubernetes does not replace');
      }
    }
    const cleared = clearHibernation(server);
    if (cleared) await patchServer(server, cleared, deadline, { ifUnchanged: true });
  }

  /** Returns the JSON patch of the pod's template for another resource class. The cache has no patches of a session. */
  async function classOperations(
    { metadata, ...type }: JupyterServer,
    set: string,
    deadline: Deadline,
  ): Promise<object[]> {
    const { namespace = '', name = '', uid } = metadata;
    const [live, existing] = await Promise.all([
      client.get<JupyterServer>(settings.jupyterServers, namespace, name, deadline),
      client.get(resource.statefulSets, namespace, set, deadline),
    ]);
    if (!live || live.metadata.uid !== uid || !existing) return [];
    const complete = { ...live, apiVersion: type.apiVersion ?? '', kind: type.kind ?? '' };
    return templateOperations(existing, renderChildren(complete, settings, randomBytes)['statefulset']);
  }

  /** Writes the status, or ends the session if that is due. Returns the milliseconds until the next necessary reconcile. */
  async function writeStatus(
    key: string,
    server: JupyterServer,
    children: readonly Child[],
    failure: Failure | undefined,
    created: Observed['created'],
    attempt: Attempt,
  ): Promise<number | undefined> {
    const { uid = '' } = server.metadata;
    const time = now();
    const pod = view.pod(uid);
    const podEvents = pod ? view.events(pod.uid) : [];
    const set = children.find(({ key: childKey }) => childKey === 'statefulset');
    const former = view.formerPod(server.status?.mainPod?.uid ?? '');
    const input: Observed = {
      ...{ server, children, pod, podEvents, failure, created, now: time, formerPod: former },
      formerPodEvents: view.events(server.status?.mainPod?.uid ?? ''),
      statefulSetEvents: set ? view.events(set.uid) : [],
    };
    const observed = desiredStatus(input, settings);
    const pods = { pod, former, isFirstLook: seen.get(key) !== uid, createdAt: server.metadata.creationTimestamp };
    const withConditions = { ...observed, conditions: conditionsOf(observed, server.status, pods, time) };
    const known = { key, server, desired: withConditions, pod, hasClaim: hasClaim(server, children) };
    const ended = await ending.step({ ...known, hasFailed: () => hasFailed(input, settings) }, attempt);
    if (ended?.isDone) return undefined;
    const firstSavedAt = firstSaves.endedAt(key, time);
    const decision = cull({ ...known, children, firstSavedAt, now: time }, monitor, settings);
    if (!decision.isDue) firstSaves.forget(key);
    if (decision.action && (await endSession(known, decision.action, attempt))) return undefined;
    const save = ended?.progress ? { save: ended.progress } : {};
    const conditions = [...withConditions.conditions, ...unsavedWork(decision.notice, server, time)];
    const desired = { ...withConditions, conditions, ...lastActivity(server, decision), ...save };
    const patch = sessionPatch(server, desired, decision, time);
    const schedulingMs = schedulingLeftMs(pod, podEvents, settings.unschedulableGraceMs, time) || resyncMs;
    const nextMs = Math.min(decision.nextMs ?? resyncMs, schedulingMs, ended?.nextMs ?? resyncMs);
    if (!patch) {
      seen.set(key, uid);
      return nextMs;
    }
    const waitMs = writeDelay(patch, time.getTime() - (writtenAt.get(key) ?? 0), isBusy() && !hasStarted(pod));
    if (waitMs > 0) return Math.min(waitMs, nextMs);
    const isNewState = desired.state !== server.status?.state;
    if (isNewState) {
      attempt.log.info({ from: server.status?.state ?? null, to: desired.state }, 'the state of the session changed');
    }
    await patchServer(server, patch, attempt.deadline);
    writtenAt.set(key, time.getTime());
    seen.set(key, uid);
    const notice = patch.metadata?.annotations[annotation.culling];
    for (const event of [...statusStory(server.status, desired), ...cullingStory(server, notice)])
      recorder.record(server, event);
    return nextMs;
  }

  /**
   * Hibernates or deletes a session, if it has not changed since it was read. Returns whether the session has changed: the first save
   * does not change it.
   */
  async function endSession(
    session: { key: string; server: JupyterServer; pod: MainPod | undefined; hasClaim: boolean },
    { is, reason }: NonNullable<CullingDecision['action']>,
    attempt: Attempt,
  ): Promise<boolean> {
    const { server, key } = session;
    const { deadline, log } = attempt;
    const { namespace = '', name = '', uid = '', resourceVersion = '' } = server.metadata;
    const isHibernation = is === 'hibernate';
    const isSaved = isHibernation && canSave(server, settings.agentSecrets);
    if (isSaved) {
      const first = firstSaves.step(session);
      if (first.is === 'running') return false;
      if (first.is === 'failed') {
        await ending.keepRunning(server, first.failure, attempt);
        firstSaves.forget(key);
        return true;
      }
    }
    const what = isSaved
      ? 'It is hibernated after its work is saved.'
      : isHibernation
        ? 'It is hibernated.'
        : 'It is deleted.';
    if (isSaved) {
      const request = { id: randomUUID(), at: now().toISOString(), by: byOperator, action: 'hibernate' } as const;
      const annotations = { [annotation.stopRequest]: writeStopRequest(request) };
      await patchServer(server, { metadata: { annotations } }, deadline, { ifUnchanged: true });
      firstSaves.forget(key);
    } else if (isHibernation) await patchServer(server, hibernation(now()), deadline, { ifUnchanged: true });
    else {
      const options = { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } } as const;
      const isDeleted = await client.delete(settings.jupyterServers, namespace, name, options, deadline);
      if (!isDeleted) return true;
    }
    recorder.record(server, { type: 'Normal', reason: 'Culled', message: `${cullingReasons[reason]} ${what}` });
    log.info({ action: is, reason }, 'the operator ended a session whose threshold was exceeded');
    metrics.culled(reason);
    return true;
  }

  /**
   * Removes the pod of a session that is stopped by force, if its node does not. Returns the milliseconds until then; undefined
   * without such a pod.
   */
  async function endForced(server: JupyterServer, { deadline, log }: Attempt): Promise<number | undefined> {
    const { uid = '' } = server.metadata;
    const pod = view.pod(uid);
    const set = view.children(uid).find(({ key }) => key === 'statefulset');
    const ms = forcedEndMs(server, pod, set, now().getTime());
    if (!pod || ms !== 0) return ms;
    const options = { gracePeriodSeconds: 0, preconditions: { uid: pod.uid } };
    await client.delete(resource.pods, pod.namespace, pod.name, options, deadline);
    log.warn({ pod: pod.uid }, 'the node did not end the pod, so the pod was removed without the node');
    return undefined;
  }

  /** Sets the state `stopping`, reports a node that does not respond, and removes Amalthea's finalizer. */
  async function markTerminating(server: JupyterServer, deadline: Deadline): Promise<void> {
    const pod = view.pod(server.metadata.uid ?? '');
    const known = server.status?.mainPod;
    const lost = pod && isOnLostNode(server, pod) ? { mainPod: { ...known, uid: pod.uid, status: pod.status } } : {};
    const change = mergePatchBetween(server.status ?? {}, { ...server.status, state: 'stopping', ...lost });
    const status = isObject(change) ? { status: change } : {};
    const metadata = hasAmaltheaFinalizer(server.metadata)
      ? { metadata: { finalizers: otherFinalizers(server.metadata) } }
      : {};
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
    patch: { metadata?: object; spec?: object; status?: object },
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

/** Returns whether the kubelet has begun to start the containers. */
const hasStarted = (pod: MainPod | undefined): boolean =>
  [...(pod?.status.initContainerStatuses ?? []), ...(pod?.status.containerStatuses ?? [])].length > 0;

function lastActivity({ status }: JupyterServer, { lastActivity: written }: CullingDecision): JupyterServerStatus {
  const time = written === undefined ? status?.lastActivity : new Date(written).toISOString();
  return time === undefined ? {} : { lastActivity: time };
}

function createdBy(server: JupyterServer, children: readonly Child[]): NonNullable<Observed['created']> {
  const now = Object.fromEntries(children.map(({ key, uid }) => [key, uid]));
  return {
    createdResources: { ...server.status?.create_fn?.createdResources, ...now },
    fullServerURL: sessionUrl(server).full,
  };
}
