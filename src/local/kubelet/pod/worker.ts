import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { type SessionEndpoint, StatusError } from '../../cluster.ts';
import { makeDirectory, readJson, writePrivateFile } from '../../machine/private-files.ts';
import { endMarked } from '../../machine/processes.ts';
import { MissingClaim } from '../container/environment-variables.ts';
import { ContainerRunner } from '../container/runner.ts';
import type { EventRecorder } from '../events.ts';
import type { ConfigMap, Pod, PodStatus, Secret } from '../types.ts';
import { makeVolumes } from '../volumes/volumes.ts';
import type { Machine, PodContext } from './context.ts';
import { PodDirectory } from './directory.ts';
import { podStatus, timestamp } from './status.ts';
import { stopInOrder } from './stop-in-order.ts';

/** Changes of the status within this time are written together. */
const reportAfterMs = 10;
/** Milliseconds until the next attempt after the status could not be written, for example because of a full disk. */
const retryReportMs = 1_000;
/** Time limit for ending processes: killed ones end within milliseconds, unless they hang in the kernel. */
const endWithinMs = 10_000;

/** Stored in the pod's folder. From it, the next kubelet determines whether the pod's processes may still run. */
interface StoredPod {
  /** The kernel's boot id at the time of the pod's processes. */
  boot: string;
  /** The pod was stopped with the platform: no process runs. */
  stopped: boolean;
}

export interface PodWorkerOptions {
  machine: Machine;
  pod: Pod;
  /** The pod's own loopback address. */
  address: string;
  boot: string;
  claim: (name: string) => string;
  changed: () => Promise<unknown>;
  events: EventRecorder;
}

/** Runs one pod: its init containers one after the other, then the main containers in parallel. Reports the pod's status. */
export class PodWorker {
  readonly pod: Pod;
  readonly uid: string;
  readonly address: string;
  readonly runners: readonly ContainerRunner[];
  readonly #options: PodWorkerOptions;
  readonly #namespace: string;
  readonly #name: string;
  readonly #directory: PodDirectory;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #startTime: string;
  #volumes: ReadonlyMap<string, string> | undefined;
  #unschedulable: string | undefined;
  #previous: Pick<PodStatus, 'conditions'> | undefined;
  #reported = '';
  #report: NodeJS.Timeout | undefined;

  constructor(options: PodWorkerOptions) {
    const { machine, pod, address, changed, events } = options;
    this.#options = options;
    const { uid = '', namespace = '', name = '' } = pod.metadata;
    this.pod = pod;
    this.uid = uid;
    this.address = address;
    this.#namespace = namespace;
    this.#name = name;
    this.#directory = new PodDirectory(machine.stateDir, uid);
    this.#log = machine.log.child({ pod: `${namespace}/${name}` });
    this.#previous = pod.status;
    this.#startTime = pod.status?.startTime ?? timestamp();
    const context: PodContext = {
      machine,
      pod: { ...pod, status: { ...pod.status, podIP: address } },
      directory: this.#directory,
      address,
      references: {
        secret: (wanted) => machine.cluster.get<Secret>(resource.secrets, namespace, wanted),
        configMap: (wanted) => machine.cluster.get<ConfigMap>(resource.configMaps, namespace, wanted),
      },
      image: {},
      volumes: () => this.#makeVolumes(context),
      report: () => this.#reportSoon(),
      event: (type, reason, message) => events.record(pod, type, reason, message),
      changed,
    };
    const { initContainers = [], containers = [] } = pod.spec ?? {};
    this.runners = [
      ...initContainers.map((container) => new ContainerRunner(container, true, context)),
      ...containers.map((container) => new ContainerRunner(container, false, context)),
    ];
  }

  /** The address of the pod's Jupyter server; undefined until the server has responded. */
  get endpoint(): SessionEndpoint | undefined {
    return this.runners.map(({ endpoint }) => endpoint).find((endpoint) => endpoint !== undefined);
  }

  /** The address of the agent's JSON-RPC, with Jupyter's token; undefined while one of the two servers does not run. */
  get agentRpc(): SessionEndpoint | undefined {
    const port = this.runners.map(({ rpcPort }) => rpcPort).find((found) => found !== undefined);
    const { address, endpoint } = this;
    return port === undefined || !endpoint ? undefined : { address, port, token: endpoint.token };
  }

  /** Starts the pod, or adopts the containers of an earlier kubelet. Resolves when the first status is reported. */
  async start(): Promise<void> {
    try {
      await this.#adopt();
    } catch (error) {
      // For example a full disk or an unreadable file. Each container will report the error when it starts.
      this.#log.error({ err: error }, 'the files of a pod could not be read or written');
    }
    // Written immediately, because the status of an earlier kubelet may be outdated.
    this.#reportNow();
    this.#running = this.#run().catch((error: unknown) => {
      this.#log.error({ err: error }, 'a pod cannot be run any more');
    });
  }

  /**
   * Ends all processes of the pod, in the order of `stopInOrder`: SIGTERM to each container's main process, SIGKILL after `graceMs`,
   * then SIGKILL to the processes that they have started. Rejects if a process cannot be ended.
   * @param isSaved the work of the session is saved
   */
  async stop(graceMs: number, isSaved = false): Promise<void> {
    this.#stopping.abort(new Error('the pod is stopped'));
    await stopInOrder(this.runners, graceMs, isSaved);
    await this.#running;
    const left = await endMarked(`${this.#options.machine.marker}/${this.uid}/`, endWithinMs);
    if (left.length > 0) throw new Error(`processes ${left.map(({ pid }) => pid).join(', ')} cannot be ended`);
    this.#reportNow();
    clearTimeout(this.#report);
  }

  /** Shortens the grace period of a `stop` that is in progress. */
  shortenGrace(graceMs: number): void {
    for (const runner of this.runners) void runner.stop(graceMs);
  }

  /** Stores, after `stop`, that no process runs, so that the next kubelet starts the pod again. */
  async storeStopped(): Promise<void> {
    await this.#store(true);
  }

  /** Removes the pod's folder, after `stop`, because the pod is deleted. */
  async remove(): Promise<void> {
    clearTimeout(this.#report);
    await rm(this.#directory.root, { recursive: true, force: true, maxRetries: 5 });
  }

  async #adopt(): Promise<void> {
    const stored = await readJson<StoredPod>(this.#file);
    const isRestart = stored !== undefined && (stored.stopped || stored.boot !== this.#options.boot);
    if (isRestart) this.#startTime = timestamp();
    await makeDirectory(this.#directory.root);
    for (const runner of this.runners) await runner.adopt(isRestart);
    await this.#store(false);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (const runner of this.runners.filter(({ record }) => record.init)) await runner.run(signal);
    if (signal.aborted) return;
    await Promise.all(this.runners.filter(({ record }) => !record.init).map((runner) => runner.run(signal)));
  }

  async #makeVolumes({ references }: PodContext): Promise<ReadonlyMap<string, string>> {
    const { claim } = this.#options;
    try {
      this.#volumes ??= await makeVolumes(this.pod.spec ?? {}, this.#directory, { ...references, claim });
      this.#unschedulable = undefined;
      return this.#volumes;
    } catch (error) {
      this.#unschedulable = error instanceof MissingClaim ? error.message : undefined;
      throw error;
    }
  }

  #reportSoon(): void {
    this.#report ??= setTimeout(() => this.#reportNow(), reportAfterMs);
  }

  #reportNow(): void {
    clearTimeout(this.#report);
    this.#report = undefined;
    const { cluster } = this.#options.machine;
    const status = podStatus({
      records: this.runners.map(({ record }) => record),
      unschedulable: this.#unschedulable,
      address: this.address,
      startTime: this.#startTime,
      previous: this.#previous,
      now: timestamp(),
    });
    const text = JSON.stringify(status);
    if (text === this.#reported) return;
    try {
      // Another pod may have the name by now.
      const now = cluster.get<Pod>(resource.pods, this.#namespace, this.#name);
      if (now?.metadata.uid !== this.uid) return;
      cluster.patchStatus(resource.pods, this.#namespace, this.#name, status);
      this.#reported = text;
      this.#previous = status;
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return;
      this.#log.error({ err: error }, 'the status of a pod could not be written');
      this.#report = setTimeout(() => this.#reportNow(), retryReportMs);
    }
  }

  async #store(stopped: boolean): Promise<void> {
    const stored: StoredPod = { boot: this.#options.boot, stopped };
    await writePrivateFile(this.#file, JSON.stringify(stored));
  }

  get #file(): string {
    return join(this.#directory.root, 'pod.json');
  }
}
