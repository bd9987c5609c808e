import { EventEmitter, once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resource } from '../../platform/kubernetes/resources.ts';
import { type ClusterEvent, type NodeAgent, type SessionEndpoint, StatusError } from '../cluster.ts';
import { endMarked, listMarked } from '../machine/processes.ts';
import { createEventRecorder } from './events.ts';
import { createNodeAgent } from './node-agent.ts';
import { isLoopback, unusedAddress } from './pod/addresses.ts';
import type { Machine } from './pod/context.ts';
import { PodWorker } from './pod/worker.ts';
import { startStatefulSetController } from './statefulset-controller.ts';
import type { Pod } from './types.ts';
import { createClaims } from './volumes/claims.ts';

export interface KubeletOptions extends Omit<Machine, 'gitClone'> {
  /** The program of the `git-clone` container; by default this project's. */
  gitClone?: string;
}

export interface Kubelet {
  /** Adopts running processes, ends those of deleted pods, and starts to watch pods. */
  start(): Promise<void>;
  /** Stops all pods within about `graceMs`. The Pod objects are kept, so that the next kubelet starts them again. */
  stop(options: StopOptions): Promise<void>;
  /** Provides logs and metrics to the API server. */
  readonly node: NodeAgent;
  /** Returns the address of the pod's Jupyter server; undefined until the server has responded. */
  endpoint(namespace: string, podName: string): SessionEndpoint | undefined;
  /** Returns the address of the JSON-RPC of the pod's agent, with the token that it requires; undefined while it does not run. */
  agentRpc(namespace: string, podName: string): SessionEndpoint | undefined;
}

export interface StopOptions {
  readonly graceMs: number;
  /** The uids of pods whose work is saved: their agents are killed. */
  readonly saved?: ReadonlySet<string>;
  /** Kills all processes when it aborts. */
  readonly hurry?: AbortSignal;
}

const defaultGitClone = fileURLToPath(new URL('../../session-tools/git-clone/main.ts', import.meta.url));
/** The part of the time limit of `stop` that is reserved for killing processes. */
const killMs = 1_500;
const strayMs = 10_000;
const retryEndMs = 5_000;

export function createKubelet(options: KubeletOptions): Kubelet {
  const { cluster, stateDir, marker, log } = options;
  const machine: Machine = { ...options, gitClone: options.gitClone ?? defaultGitClone };
  const events = createEventRecorder(cluster, 'kubelet', log);
  const claims = createClaims({ cluster, stateDir, log });
  const workers = new Map<string, PodWorker>();
  const endings = new Map<string, { graceMs: number; done: Promise<void> }>();
  /** Emits `changed` when a Secret, ConfigMap or claim has changed. */
  const changes = new EventEmitter().setMaxListeners(0);
  const stops: (() => void | Promise<void>)[] = [];
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  let stopping = false;

  function observe({ type, object: pod }: ClusterEvent<Pod>): void {
    const { uid = '', deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    if (stopping) return;
    const isDeleted = type === 'DELETED';
    if (isDeleted || deletionTimestamp !== undefined)
      end(pod, isDeleted ? 0 : (deletionGracePeriodSeconds ?? 30) * 1_000);
    else if (!workers.has(uid) && !endings.has(uid)) void begin(pod);
  }

  /** Never rejects. */
  async function begin(pod: Pod): Promise<void> {
    const { uid = '', namespace = '', name } = pod.metadata;
    try {
      const claim = (claimName: string) => claims.folder(namespace, claimName);
      const reported = pod.status?.podIP;
      const address = isLoopback(reported) ? reported : unusedAddress(usedAddresses());
      const changed = () => once(changes, 'changed');
      const worker = new PodWorker({ machine, pod, address, boot, claim, changed, events });
      workers.set(uid, worker);
      await worker.start();
    } catch (error) {
      log.error({ err: error, pod: `${namespace}/${name}` }, 'a pod could not be started');
    }
  }

  /** Returns the addresses of all pods, with and without a worker. A new worker has not reported its address yet. */
  function usedAddresses(): Set<string | undefined> {
    const reported = cluster.list<Pod>(resource.pods).map(({ status }) => status?.podIP);
    return new Set([...reported, ...[...workers.values()].map(({ address }) => address)]);
  }

  function end(pod: Pod, graceMs: number): void {
    const { uid = '', namespace, name } = pod.metadata;
    const worker = workers.get(uid);
    if (!worker || stopping) return;
    const before = endings.get(uid);
    if (before) {
      // Most events of a terminating pod are updates of its status; a second deletion may shorten the grace period.
      if (graceMs < before.graceMs) worker.shortenGrace(graceMs);
      before.graceMs = Math.min(before.graceMs, graceMs);
      return;
    }
    const done = finish(worker, graceMs).catch((error: unknown) => {
      log.error({ err: error, pod: `${namespace}/${name}` }, 'a pod could not be stopped; the kubelet will try again');
      events.record(pod, 'Warning', 'FailedKillPod', error instanceof Error ? error.message : String(error));
      endings.delete(uid);
      setTimeout(() => end(pod, 0), retryEndMs).unref();
    });
    endings.set(uid, { graceMs, done });
  }

  async function finish(worker: PodWorker, graceMs: number): Promise<void> {
    await worker.stop(graceMs);
    await worker.remove();
    removePod(worker.pod);
    workers.delete(worker.uid);
    endings.delete(worker.uid);
  }

  function removePod({ metadata: { namespace = '', name = '', uid } }: Pod): void {
    if (cluster.get<Pod>(resource.pods, namespace, name)?.metadata.uid !== uid) return;
    try {
      cluster.delete(resource.pods, namespace, name, { gracePeriodSeconds: 0 });
    } catch (error) {
      if (!(error instanceof StatusError && error.code === 404)) throw error;
    }
  }

  /** Ends the processes and removes the folders that an earlier kubelet left of pods that are not in `living`. */
  async function clearDeletedPods(living: ReadonlySet<string>): Promise<void> {
    const uids = new Set([...listMarked(`${marker}/`).keys()].map((found) => found.split('/')[1] ?? ''));
    const folder = join(stateDir, 'pods');
    const folders = existsSync(folder) ? await readdir(folder) : [];
    for (const uid of new Set([...uids, ...folders])) {
      if (living.has(uid)) continue;
      const left = await endMarked(`${marker}/${uid}/`, strayMs);
      if (left.length > 0)
        log.error({ uid, pids: left.map(({ pid }) => pid) }, 'processes of a deleted pod cannot be ended');
      else await rm(join(folder, uid), { recursive: true, force: true, maxRetries: 5 });
    }
  }

  function runningWorker(namespace: string, podName: string): PodWorker | undefined {
    return [...workers.values()].find(
      ({ uid, pod: { metadata } }) =>
        metadata.namespace === namespace && metadata.name === podName && !endings.has(uid),
    );
  }

  return {
    async start() {
      const pods = cluster.list<Pod>(resource.pods);
      const kept = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      await clearDeletedPods(new Set(kept.map(({ metadata }) => metadata.uid ?? '')));
      for (const pod of pods) if (!kept.includes(pod)) removePod(pod);
      stops.push(claims.start());
      await Promise.all(kept.map(begin));
      for (const type of [resource.secrets, resource.configMaps, resource.persistentVolumeClaims]) {
        stops.push(cluster.watch(type, () => void changes.emit('changed')));
      }
      stops.push(cluster.watch<Pod>(resource.pods, observe));
      stops.push(startStatefulSetController(cluster, createEventRecorder(cluster, 'statefulset-controller', log), log));
    },

    async stop({ graceMs, saved, hurry }) {
      stopping = true;
      const kill = () => {
        for (const worker of workers.values()) worker.shortenGrace(0);
      };
      hurry?.addEventListener('abort', kill);
      const grace = hurry?.aborted ? 0 : Math.max(0, graceMs - killMs);
      const ended = stops.splice(0).map((stop) => stop());
      const outcomes = await Promise.allSettled(
        [...workers.values()].map(async (worker) => {
          await worker.stop(grace, saved?.has(worker.uid));
          if (!endings.has(worker.uid)) await worker.storeStopped();
        }),
      );
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') log.error({ err: outcome.reason }, 'a pod could not be stopped');
      await Promise.all([...ended, ...[...endings.values()].map(({ done }) => done)]);
      await endMarked(`${marker}/`, killMs);
      hurry?.removeEventListener('abort', kill);
    },

    node: createNodeAgent(() => workers.values()),

    endpoint: (namespace, podName) => runningWorker(namespace, podName)?.endpoint,
    agentRpc: (namespace, podName) => runningWorker(namespace, podName)?.agentRpc,
  };
}
