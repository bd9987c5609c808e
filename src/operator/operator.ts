import type { Logger } from 'pino';
import { ownerOf } from '../jupyter-server/owner.ts';
import type { JupyterServer, SessionState } from '../jupyter-server/types.ts';
import { Deadline } from '../lib/deadline.ts';
import type { KubernetesConnection } from '../platform/kubernetes/types.ts';
import { createClusterView } from './cluster-view.ts';
import { createActivityMonitor } from './culling/activity-monitor.ts';
import { jupyterActivity } from './culling/jupyter.ts';
import { createEventRecorder } from './event-recorder.ts';
import { createReconciler, type ReconcileObserver } from './reconcile.ts';
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
  /** Number of sessions that wait for a reconcile. */
  readonly queueDepth: number;
  /** Returns the number of sessions in each state, as the operator has written it. */
  sessionsByState(): Record<SessionState, number>;
}

/** Is told what the operator does, for metrics. */
export interface OperatorObserver extends ReconcileObserver {
  /** A reconcile has ended. */
  reconciled?(outcome: 'success' | 'error', seconds: number): void;
}

const concurrency = 8;
const reconcileTimeoutMs = 15_000;

/** Creates the operator. The caller passes the client, the settings and the log, so that tests need no separate process. */
export function createOperator(options: {
  client: KubernetesConnection;
  settings: OperatorSettings;
  log: Logger;
  observer?: OperatorObserver;
  now?: () => Date;
}): Operator {
  const { client, settings, log, observer = {}, now = () => new Date() } = options;
  const stopping = new AbortController();
  let synced = false;
  let usage: Promise<void> | undefined;

  const queue = createWorkQueue({
    concurrency,
    firstRetryMs: 500,
    lastRetryMs: 60_000,
    log,
    classOf: (key) => workClass(view.server(...nameOf(key))),
    async work(key, attemptLog) {
      const begunAt = performance.now();
      let outcome: 'success' | 'error' = 'error';
      try {
        const deadline = Deadline.after(reconcileTimeoutMs, stopping.signal);
        const requeueMs = await reconcile(...nameOf(key), { deadline, log: attemptLog });
        outcome = 'success';
        return requeueMs;
      } finally {
        observer.reconciled?.(outcome, (performance.now() - begunAt) / 1000);
      }
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
    // Until all caches have synced, existing children may be missing in the caches.
    onChange: (namespace, name) => {
      if (synced) queue.add(`${namespace}/${name}`);
    },
  });
  const reconcile = createReconciler({ client, view, monitor, recorder, settings, observer, now });

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
    get queueDepth() {
      return queue.depth;
    },
    sessionsByState() {
      const counts = { starting: 0, running: 0, stopping: 0, failed: 0, hibernated: 0 };
      // Any client may have written the state.
      for (const { status } of view.servers()) {
        const state = status?.state ?? 'starting';
        if (Object.hasOwn(counts, state)) counts[state] += 1;
      }
      return counts;
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
