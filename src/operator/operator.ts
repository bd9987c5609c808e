import type { Logger } from 'pino';
import { ownerOf } from '../jupyter-server/owner.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { Deadline } from '../lib/deadline.ts';
import type { KubernetesConnection } from '../platform/kubernetes/types.ts';
import { type Metrics, noMetrics } from '../platform/metrics/types.ts';
import { createWatchMetric } from '../platform/metrics/watches.ts';
import { createClusterView, watchedResources } from './cluster-view.ts';
import { createActivityMonitor } from './culling/activity-monitor.ts';
import { jupyterActivity } from './culling/jupyter.ts';
import { createEventRecorder } from './event-recorder.ts';
import { createOperatorMetrics } from './metrics.ts';
import { createReconciler } from './reconcile.ts';
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
}

const concurrency = 8;
const reconcileTimeoutMs = 15_000;

/** Creates the operator. The caller passes the client, the settings and the log, so that tests need no separate process. */
export function createOperator(options: {
  client: KubernetesConnection;
  settings: OperatorSettings;
  log: Logger;
  /** None by default. */
  metrics?: Metrics;
  now?: () => Date;
}): Operator {
  const { client, settings, log, metrics = noMetrics, now = () => new Date() } = options;
  const counted = createOperatorMetrics(metrics);
  const stopping = new AbortController();
  let synced = false;
  let usage: Promise<void> | undefined;

  const queue = createWorkQueue({
    concurrency,
    firstRetryMs: 500,
    lastRetryMs: 60_000,
    log,
    classOf: (key) => workClass(view.server(...nameOf(key))),
    work: (key, attemptLog) => {
      const deadline = Deadline.after(reconcileTimeoutMs, stopping.signal);
      return counted.reconcile(() => reconcile(...nameOf(key), { deadline, log: attemptLog }));
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
  const recorder = createEventRecorder({ client, now, log });
  const view = createClusterView({
    client,
    namespaces: settings.namespaces,
    jupyterServers: settings.jupyterServers,
    log,
    onServerChange: (event) => counted.sessionChanged(event, now()),
    onWatchEnd: createWatchMetric(metrics, watchedResources(settings.jupyterServers)),
    // Until all caches have synced, existing children may be missing in the caches.
    onChange: (namespace, name) => {
      if (synced) queue.add(`${namespace}/${name}`);
    },
  });
  counted.observe({ queue, view });
  const reconcile = createReconciler({ client, view, monitor, recorder, settings, metrics: counted, now });

  return {
    async start() {
      await view.start();
      if (stopping.signal.aborted) return;
      synced = true;
      for (const { metadata } of view.servers()) queue.add(`${metadata.namespace}/${metadata.name}`);
      const { namespaces, jupyterServers, resourceUsageIntervalMs: intervalMs } = settings;
      if (intervalMs === undefined) return;
      usage = copyResourceUsage({ client, view, namespaces, jupyterServers, intervalMs, log, signal: stopping.signal });
    },
    async stop() {
      stopping.abort();
      await Promise.all([queue.stop(), view.stop(), usage, monitor.stop(), recorder.stop()]);
    },
    get lastContactAt() {
      return view.lastContactAt;
    },
    get lastCurrentAt() {
      return view.lastCurrentAt;
    },
  };
}

function nameOf(key: string): [namespace: string, name: string] {
  const [namespace = '', name = ''] = key.split('/');
  return [namespace, name];
}

/** Creating the children of a session takes seven calls, and other work usually one: so it goes first. */
function workClass(server: JupyterServer | undefined): WorkClass {
  if (!server) return { owner: '', isSlow: false };
  const { metadata, spec, status } = server;
  const owner = ownerOf({ ...metadata }, spec?.auth?.oidc?.enabled === true) ?? '';
  return { owner, isSlow: status?.create_fn === undefined && metadata.deletionTimestamp === undefined };
}
