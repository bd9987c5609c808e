import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { type SessionEndpoint, StatusError } from '../../cluster.ts';
import { makeDirectory, readJson, writePrivateFile } from '../../machine/private-files.ts';
import { endMarked } from '../../machine/processes.ts';
import { MissingReference } from '../container/environment-variables.ts';
import { ContainerRunner } from '../container/runner.ts';
import type { EventRecorder } from '../events.ts';
import type { ConfigMap, Pod, PodStatus, Secret } from '../types.ts';
import { makeVolumes } from '../volumes/volumes.ts';
import type { Machine, PodContext } from './context.ts';
import { PodDirectory } from './directory.ts';
import { podStatus, timestamp } from './status.ts';

/** States that follow each other within this time are written as one. */
const reportAfterMs = 10;
/** Writing failed (a full disk): try again after this. */
const reportAgainMs = 1_000;
/** A killed process is gone within milliseconds, unless it hangs in the kernel. */
const endWithinMs = 10_000;

/** Kept beside the pod's files, to tell after a restart how the pod came to its end. */
interface StoredPod {
  namespace: string;
  name: string;
  startTime: string;
  /** The system's boot that its processes belong to. */
  boot: string;
  /** Stopped in order: nothing of it runs. */
  stopped: boolean;
}

export interface PodWorkerOptions {
  machine: Machine;
  pod: Pod;
  /** The pod's own loopback address. */
  address: string;
  boot: string;
  claim: (name: string) => string;
  changed: () => Promise<void>;
  events: EventRecorder;
}

/** Runs one pod: its init containers in order, then the others side by side; reports what they do; stops them. */
export class PodWorker {
  readonly pod: Pod;
  readonly address: string;
  readonly runners: readonly ContainerRunner[];
  readonly #options: PodWorkerOptions;
  readonly #directory: PodDirectory;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #startTime: string;
  #volumes: ReadonlyMap<string, string> | undefined;
  #unschedulable: string | undefined;
  #previous: PodStatus | undefined;
  #reported = '';
  #report: NodeJS.Timeout | undefined;

  constructor(options: PodWorkerOptions) {
    const { machine, pod, address, changed, events } = options;
    this.#options = options;
    this.pod = pod;
    this.address = address;
    this.#directory = new PodDirectory(machine.stateDir, this.uid);
    this.#previous = pod.status;
    this.#startTime = timestamp();
    const context: PodContext = {
      machine,
      pod,
      directory: this.#directory,
      address,
      references: {
        secret: (name) => machine.cluster.get<Secret>(resource.secrets, this.#namespace, name),
        configMap: (name) => machine.cluster.get<ConfigMap>(resource.configMaps, this.#namespace, name),
        podIP: address,
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

  get uid(): string {
    return this.pod.metadata.uid ?? '';
  }

  /** Where the pod's Jupyter answers. */
  get endpoint(): SessionEndpoint | undefined {
    return this.runners.map(({ endpoint }) => endpoint).find((endpoint) => endpoint !== undefined);
  }

  /** Begins, or goes on with what an earlier kubelet left. Resolves when that is known and reported. */
  async start(): Promise<void> {
    try {
      await this.#takeUp();
    } catch (error) {
      // A disk that is full or a file that cannot be read: each container says so when it comes to it.
      this.#options.machine.log.error(
        { err: error, pod: this.#where },
        'the files of a pod could not be read or written',
      );
    }
    // At once: what was reported before may no longer be true.
    this.#reportNow();
    this.#running = this.#run().catch((error: unknown) => {
      this.#options.machine.log.error({ err: error, pod: this.#where }, 'a pod can no longer be run');
    });
  }

  /**
   * Ends everything of the pod: SIGTERM to each container's main process, SIGKILL after `graceMs`, then whatever they
   * started. Resolves when nothing is left; rejects when something cannot be ended.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort(new Error('the pod is stopped'));
    await Promise.all(this.runners.map((runner) => runner.stop(graceMs)));
    await this.#running;
    const left = await endMarked(`${this.#options.machine.marker}/${this.uid}/`, endWithinMs);
    if (left.length > 0) throw new Error(`processes ${left.map(({ pid }) => pid).join(', ')} cannot be ended`);
    this.#reportNow();
    clearTimeout(this.#report);
  }

  /** Leaves a `stop` that is under way less time. */
  hurry(graceMs: number): void {
    for (const runner of this.runners) void runner.stop(graceMs);
  }

  /** After `stop`: notes that nothing runs, so that the next start begins anew. */
  async noteStopped(): Promise<void> {
    await this.#store(true);
  }

  /** After `stop`, when the pod is gone for good. */
  async remove(): Promise<void> {
    clearTimeout(this.#report);
    await rm(this.#directory.root, { recursive: true, force: true, maxRetries: 5 });
  }

  async #takeUp(): Promise<void> {
    const stored = await readJson<StoredPod>(this.#file);
    if (stored) this.#startTime = stored.startTime;
    const anew = stored !== undefined && (stored.stopped || stored.boot !== this.#options.boot);
    if (anew) this.#startTime = timestamp();
    await makeDirectory(this.#directory.root);
    for (const runner of this.runners) await runner.adopt(anew);
    await this.#store(false);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (const runner of this.runners.filter(({ record }) => record.init)) await runner.run(signal);
    if (signal.aborted) return;
    await Promise.all(this.runners.filter(({ record }) => !record.init).map((runner) => runner.run(signal)));
  }

  async #makeVolumes({ references }: PodContext): Promise<ReadonlyMap<string, string>> {
    if (this.#volumes) return this.#volumes;
    const claim = (name: string): string => {
      try {
        return this.#options.claim(name);
      } catch (error) {
        if (error instanceof MissingReference) this.#unschedulable = error.message;
        throw error;
      }
    };
    this.#unschedulable = undefined;
    this.#volumes = await makeVolumes(this.pod.spec ?? {}, this.#directory, { ...references, claim });
    return this.#volumes;
  }

  #reportSoon(): void {
    this.#report ??= setTimeout(() => this.#reportNow(), reportAfterMs);
  }

  #reportNow(): void {
    clearTimeout(this.#report);
    this.#report = undefined;
    const { cluster, log } = this.#options.machine;
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
      // A pod of the same name may have taken its place meanwhile.
      const now = cluster.get<Pod>(resource.pods, this.#namespace, this.#name);
      if (now?.metadata.uid !== this.uid) return;
      cluster.patchStatus(resource.pods, this.#namespace, this.#name, status);
      this.#reported = text;
      this.#previous = status as PodStatus;
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return;
      log.error({ err: error, pod: this.#where }, 'the status of a pod could not be written');
      this.#report = setTimeout(() => this.#reportNow(), reportAgainMs);
    }
  }

  async #store(stopped: boolean): Promise<void> {
    const stored: StoredPod = {
      namespace: this.#namespace,
      name: this.#name,
      startTime: this.#startTime,
      boot: this.#options.boot,
      stopped,
    };
    await writePrivateFile(this.#file, JSON.stringify(stored));
  }

  get #file(): string {
    return join(this.#directory.root, 'pod.json');
  }

  get #namespace(): string {
    return this.pod.metadata.namespace ?? '';
  }

  get #name(): string {
    return this.pod.metadata.name ?? '';
  }

  get #where(): string {
    return `${this.#namespace}/${this.#name}`;
  }
}
