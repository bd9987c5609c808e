import type { Logger } from 'pino';
import { ownerOf } from '../jupyter-server/owner.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { Deadline } from '../lib/deadline.ts';
import type { KubernetesConnection } from '../platform/kubernetes/types.ts';
import type { OutboundCalls } from '../platform/metrics/outbound-calls.ts';
import { type Metrics, noMetrics } from '../platform/metrics/types.ts';
import { createWatchMetric } from '../platform/metrics/watches.ts';
import { createSessionAgents } from '../platform/session-agent/client.ts';
import { createAmaltheaDetector } from './amalthea/detector.ts';
import { otherFinalizers } from './amalthea/finalizer.ts';
import type { DetectorTiming } from './amalthea/namespace-detector.ts';
import { createClusterView, watchedResources } from './cluster-view.ts';
import { createActivityMonitor } from './culling/activity-monitor.ts';
import { createFirstSaves } from './culling/first-saves.ts';
import { jupyterActivity } from './culling/jupyter.ts';
import { createSaves, type SaveTiming } from './ending/saves.ts';
import { createEventRecorder } from './event-recorder.ts';
import { createOperatorMetrics } from './metrics.ts';
import { createReconciler, type Reconciler } from './reconcile.ts';
import { copyResourceUsage } from './resource-usage.ts';
import type { OperatorSettings } from './settings.ts';
import { createWorkQueue, type WorkClass } from './work-queue.ts';

export interface Operator {
  /** Starts the caches and then reconciling. Resolves when the caches have synced. */
  start(): Promise<void>;
  /** Aborts reconciling. Another operator can continue from any intermediate state. */
  stop(): Promise<void>;
  /** Time of the API server's last response, in milliseconds since the epoch: the earliest of the times of all caches. */
  readonly lastContactAt: number | undefined;
  /** As `lastContactAt`, without error responses: the last time at which all caches were known to be current. */
  readonly lastCurrentAt: number | undefined;
  /** Sentences that say why this operator changes no session; undefined if it does. */
  readonly pauseReason: string | undefined;
}

const concurrency = 8;
const reconcileTimeoutMs = 15_000;
const detectorTimeoutMs = 10_000;

/** Creates the operator. The caller passes the client, the settings and the log, so that tests need no separate process. */
export function createOperator(options: {
  client: KubernetesConnection;
  settings: OperatorSettings;
  log: Logger;
  /** None by default. */
  metrics?: Metrics;
  now?: () => Date;
  /** The metric of calls to other servers. */
  calls?: OutboundCalls;
  /** Shorter times for tests. */
  detectorTiming?: DetectorTiming;
  saveTiming?: Partial<SaveTiming>;
}): Operator {
  const { client, settings, log, metrics = noMetrics, now = () => new Date(), detectorTiming } = options;
  const { calls, saveTiming = {} } = options;
  const counted = createOperatorMetrics(metrics);
  const stopping = new AbortController();
  let usage: Promise<void> | undefined;
  let detecting: Promise<void> | undefined;

  const queue = createWorkQueue({
    concurrency,
    firstRetryMs: 500,
    lastRetryMs: 60_000,
    now: () => now().getTime(),
    log,
    classOf: (key) => workClass(view.server(...nameOf(key)), reconciler),
    work: async (key, attemptLog) => {
      if (!detector.mayAct(nameOf(key)[0])) return undefined;
      const deadline = Deadline.after(reconcileTimeoutMs, stopping.signal);
      return counted.reconcile(() => reconciler.reconcile(...nameOf(key), { deadline, log: attemptLog }));
    },
  });
  const monitor = createActivityMonitor({
    read: (address, deadline) => jupyterActivity(address, deadline, () => now().getTime()),
    onObserved(session, { failure = '' }, isNewFailure) {
      const server = view.server(...nameOf(session));
      if (server && isNewFailure)
        recorder.record(server, { type: 'Warning', reason: 'ActivityUnknown', message: failure });
      queue.add(session);
    },
    now: () => now().getTime(),
    log,
  });
  const agents = createSessionAgents({ ...(calls && { calls }) });
  const saveOptions = { agents, onChange: (session: string) => queue.add(session), log, timing: saveTiming };
  const firstSaves = createFirstSaves(saveOptions, settings.agentSecrets);
  const saves = createSaves({ ...saveOptions, isFinal: true });
  const recorder = createEventRecorder({ client, now, log });
  const view = createClusterView({
    client,
    namespaces: settings.namespaces,
    jupyterServers: settings.jupyterServers,
    log,
    onServerChange: (event) => {
      detector.observe(event);
      counted.sessionChanged(event, now());
    },
    onWatchEnd: createWatchMetric(metrics, watchedResources(settings.jupyterServers)),
    onChange: (namespace, name) => {
      if (detector.mayAct(namespace)) queue.add(`${namespace}/${name}`);
    },
  });
  const detector = createAmaltheaDetector({
    sessions: () => view.servers(),
    async removeFinalizer({ metadata }) {
      const { namespace = '', name = '', uid, resourceVersion } = metadata;
      const patch = { metadata: { uid, resourceVersion, finalizers: otherFinalizers(metadata) } };
      const deadline = Deadline.after(detectorTimeoutMs, stopping.signal);
      view.observeServer(await client.mergePatch(settings.jupyterServers, namespace, name, patch, deadline));
    },
    read({ metadata: { namespace = '', name = '' } }) {
      const deadline = Deadline.after(detectorTimeoutMs, stopping.signal);
      return client.get<JupyterServer>(settings.jupyterServers, namespace, name, deadline);
    },
    onDetected: (session, message) => recorder.record(session, { type: 'Warning', reason: 'AmaltheaRuns', message }),
    onActing(namespace) {
      for (const { metadata } of view.servers())
        if (metadata.namespace === namespace) queue.add(`${namespace}/${metadata.name}`);
      usage ??= startUsage();
    },
    now,
    log,
    timing: detectorTiming,
  });
  counted.observe({ queue, view, detector });
  const reconciler = createReconciler({
    ...{ client, view, monitor, firstSaves, saves, recorder, settings, now },
    metrics: counted,
    isBusy: () => queue.hasSlowWork,
  });

  function startUsage(): Promise<void> | undefined {
    const { namespaces, jupyterServers, resourceUsageIntervalMs: intervalMs } = settings;
    if (intervalMs === undefined) return undefined;
    const mayWrite = (namespace: string) => detector.mayAct(namespace);
    const { signal } = stopping;
    return copyResourceUsage({ client, view, namespaces, jupyterServers, intervalMs, mayWrite, log, signal });
  }

  return {
    async start() {
      await view.start();
      if (stopping.signal.aborted) return;
      // Until all caches have synced, the detector lets nothing be reconciled, because existing children may be missing in the caches.
      detecting = detector.run(stopping.signal);
    },
    async stop() {
      stopping.abort();
      await detecting;
      await Promise.all([
        queue.stop(),
        view.stop(),
        usage,
        monitor.stop(),
        firstSaves.stop(),
        saves.stop(),
        recorder.stop(),
      ]);
      await agents.close();
    },
    get lastContactAt() {
      return view.lastContactAt;
    },
    get lastCurrentAt() {
      return view.lastCurrentAt;
    },
    get pauseReason() {
      return detector.reason;
    },
  };
}

function nameOf(key: string): [namespace: string, name: string] {
  const [namespace = '', name = ''] = key.split('/');
  return [namespace, name];
}

/**
 * Creating the children of a session takes six calls, and other work usually one: so it goes first. Only the first status of a session
 * can wait for the creation of others, because it has nothing to show until the pod starts.
 */
function workClass(server: JupyterServer | undefined, { isNew, isDeferred }: Reconciler): WorkClass {
  if (!server) return { owner: '', kind: 'quick' };
  const { metadata, spec } = server;
  const owner = ownerOf({ ...metadata }, spec?.auth?.oidc?.enabled === true) ?? '';
  return { owner, kind: isDeferred(server) ? 'deferred' : isNew(server) ? 'slow' : 'quick' };
}
