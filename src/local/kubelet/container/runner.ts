import { createBackOff } from '../../../lib/back-off.ts';
import { sleep } from '../../../lib/sleep.ts';
import type { ContainerState } from '../../../platform/kubernetes/objects.ts';
import type { SessionEndpoint } from '../../cluster.ts';
import type { ImageBuild } from '../../images/types.ts';
import { endMarked } from '../../machine/processes.ts';
import { createListenerCheck } from '../pod/addresses.ts';
import type { PodContext } from '../pod/context.ts';
import { type ContainerRecord, newRecord, terminated, timestamp } from '../pod/status.ts';
import { type ContainerProcess, type ExitRecord, findProcess, startProcess } from '../process/container-process.ts';
import { readTail, removeRun } from '../process/log-files.ts';
import type { Container } from '../types.ts';
import { abortedExitCode, type ImageOutcome, ImageStep, noteImage, recallImage } from './image-step.ts';
import type { Launch } from './launch.ts';
import { reportStartError, untilPrepared } from './prepare.ts';
import { adoptedServer, type ContainerServer } from './server.ts';
import { readStored, type StoredContainer, writeStored } from './stored.ts';
import { superviseProcess } from './supervise.ts';

/** After a run of this length, the next restart begins with the shortest delay again. */
const healthyAfterMs = 60_000;
/** Time limit for ending the processes of a former run. */
const endWithinMs = 5_000;
/** The maximum length of the end of a log in `terminated.message`, as in Kubernetes. */
const messageBytes = 2_048;

/** Runs one container of a pod: starts it, watches it, restarts it, and stops it. */
export class ContainerRunner {
  readonly container: Container;
  readonly record: ContainerRecord;
  readonly #pod: PodContext;
  /** Shorter than in Kubernetes (10 s to 5 min), because a user waits for the session. */
  readonly #backOff = createBackOff({ firstMs: 500, maxMs: 30_000, jitter: 0 });
  #stored: StoredContainer = { attempt: 0, firstAttempt: 1 };
  #process: ContainerProcess | undefined;
  #step: ImageStep | undefined;
  #server: ContainerServer | undefined;
  /** The grace period of the latest `stop`, for a process that is being started at that moment. */
  #graceMs = 0;

  constructor(container: Container, init: boolean, pod: PodContext) {
    this.container = container;
    this.#pod = pod;
    const waiting = pod.pod.spec?.initContainers?.length ? 'PodInitializing' : 'ContainerCreating';
    this.record = newRecord(container.name, container.image ?? '', init, waiting);
  }

  get process(): ContainerProcess | undefined {
    return this.#process;
  }

  /** Resolves at the end of the current process or image build; undefined if there is none. */
  get ended(): Promise<unknown> | undefined {
    return this.#process?.exited ?? this.#step?.ended;
  }

  /** The address of the Jupyter server; undefined before its first successful probe, and for other containers. */
  get endpoint(): SessionEndpoint | undefined {
    const { address, port, token } = this.#startedServer ?? {};
    return address === undefined || port === undefined || token === undefined ? undefined : { address, port, token };
  }

  /** The port of the agent's JSON-RPC; undefined before its first successful probe, and for other containers. */
  get rpcPort(): number | undefined {
    return this.#startedServer?.rpcPort;
  }

  get #startedServer(): ContainerServer | undefined {
    return this.record.started && this.#process ? this.#server : undefined;
  }

  /** Returns the log folder of this run, or of the previous one; undefined if there was no such run. */
  logFolder(previous = false): string | undefined {
    const attempt = this.#stored.attempt - (previous ? 1 : 0);
    return attempt > 0 ? this.#pod.directory.attempt(this.container.name, attempt) : undefined;
  }

  /**
   * Adopts the containers of an earlier kubelet. `isRestart`: the pod was stopped with the platform, or the machine was
   * rebooted, so that the containers start again, as after the restart of a node.
   */
  async adopt(isRestart: boolean): Promise<void> {
    const stored = await readStored(this.#pod.directory, this.container.name);
    if (!stored) return;
    if (isRestart) {
      // The numbers continue, so that the log of the last run becomes the previous log.
      this.#stored = { attempt: stored.attempt, firstAttempt: stored.attempt + 1 };
      return;
    }
    this.#stored = stored;
    this.record.lastState = stored.lastState ?? {};
    this.#countRestarts();
    const folder = this.logFolder();
    if (stored.completed) {
      this.#setCompleted(stored.completed);
      if (stored.image) recallImage(stored.image, this.#pod, this.record);
    } else if (folder !== undefined) {
      this.#process = await findProcess(folder, this.#marker);
      if (this.#process && stored.port !== undefined)
        this.#server = await adoptedServer(this.container, this.#pod, stored.port);
      if (this.#process?.isAlive()) this.#resume(this.#process);
    }
  }

  /** Keeps the reported state of an adopted process that still runs, until a probe fails. Only servers have a port and are probed. */
  #resume({ main, startedAt }: ContainerProcess): void {
    if (this.#stored.port === undefined) {
      this.#setRunning(startedAt, !this.record.init);
      return;
    }
    const reported = this.#pod.pod.status?.containerStatuses?.find(({ name }) => name === this.container.name);
    const server = this.#server;
    const listens = server !== undefined && createListenerCheck(main, server.address, server.port)();
    const started = listens && reported?.started === true;
    this.#setRunning(startedAt, started && reported.ready === true);
    this.record.started = started;
  }

  /** Runs an init container to its end, and a main container until `signal` aborts. Rejects only because of a bug. */
  async run(signal: AbortSignal): Promise<void> {
    let goOn = this.#stored.completed === undefined;
    if (!this.record.init && !this.record.state.running)
      this.record.state = { waiting: { reason: 'ContainerCreating' } };
    while (goOn && !signal.aborted) {
      try {
        goOn = await this.#runOnce(signal);
      } catch (error) {
        this.#server = undefined;
        if (signal.aborted) return;
        this.#pod.machine.log.error({ err: error, container: this.#marker }, 'a container could not be started');
        reportStartError(error, this.record, this.#pod);
        await this.#backOff.pause(signal);
      }
    }
  }

  /** Sends SIGTERM, and SIGKILL after `graceMs`. May be called again with a shorter grace period. */
  async stop(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    if (this.#process) {
      this.#pod.event('Normal', 'Killing', `Stopping container ${this.container.name}`);
      await this.#process.stop(graceMs);
    } else if (this.record.state.running) {
      const startedAt = this.record.state.running.startedAt ?? timestamp();
      const exitCode = this.#step ? abortedExitCode : 0;
      this.record.state = terminated({ exitCode, startedAt, finishedAt: timestamp() });
      this.record.ready = false;
    }
  }

  /** Runs the container once. Returns false if the container must not be started again. */
  async #runOnce(signal: AbortSignal): Promise<boolean> {
    let process = this.#process;
    if (!process) {
      const launch = await untilPrepared(this.container, this.record, this.#pod, signal);
      if (launch.kind !== 'process') {
        await this.#runWithoutProcess(launch, signal);
        return false;
      }
      process = await this.#start(launch);
      if (signal.aborted) await process.stop(this.#graceMs);
    }
    const server = this.#server;
    // A server is ready after its first probe, an init container after its end, any other process immediately.
    if (!this.record.state.running) this.#setRunning(process.startedAt, !server && !this.record.init);
    const { container, record } = this;
    const { exit, probeFailure } = await superviseProcess({ process, server, container, record, pod: this.#pod });
    await this.#setTerminated(exit, probeFailure);
    if (record.init && exit.exitCode === 0) {
      await this.#complete(record.state);
      return false;
    }
    if (!signal.aborted) await this.#pause(exit, signal);
    return true;
  }

  async #runWithoutProcess(launch: Exclude<Launch, { kind: 'process' }>, signal: AbortSignal): Promise<void> {
    const startedAt = timestamp();
    if (launch.kind === 'external') {
      this.#setRunning(startedAt, true);
      return;
    }
    const { image } = launch;
    const outcome =
      image &&
      ('build' in image ? await this.#build(image, startedAt, signal) : noteImage(image, this.#pod, this.record));
    if (outcome) this.#stored.image = outcome;
    await this.#complete(terminated({ exitCode: 0, startedAt, finishedAt: timestamp() }));
  }

  /** Rejects if the image cannot be provided, or `signal` aborts. */
  async #build(image: ImageBuild, startedAt: string, signal: AbortSignal): Promise<ImageOutcome> {
    const attempt = this.#stored.attempt + 1;
    await this.#store({ attempt, firstAttempt: this.#stored.firstAttempt });
    const folder = this.#pod.directory.attempt(this.container.name, attempt);
    this.#step = await ImageStep.open(this.#pod, this.record, folder);
    this.#setRunning(startedAt, false);
    try {
      return await this.#step.run(image, signal);
    } finally {
      this.#step = undefined;
    }
  }

  async #start({ server, ...launch }: Extract<Launch, { kind: 'process' }>): Promise<ContainerProcess> {
    const { machine, directory } = this.#pod;
    const { name, image } = this.container;
    const attempt = this.#stored.attempt + 1;
    this.#server = server;
    await this.#store({
      attempt,
      firstAttempt: this.#stored.firstAttempt,
      lastState: this.record.lastState,
      ...(server ? { port: server.port } : {}),
    });
    // If the shim of the last run was killed, processes of that run may still use the port and the files.
    if (attempt > 1) await endMarked(this.#marker, endWithinMs);
    this.#pod.event('Normal', 'Pulled', `Container image "${image}" already present on machine`);
    this.#process = await startProcess({
      ...launch,
      directory: directory.attempt(name, attempt),
      python: machine.environment.python,
      marker: this.#marker,
    });
    this.#countRestarts();
    this.#pod.event('Normal', 'Created', `Created container ${name}`);
    this.#pod.event('Normal', 'Started', `Started container ${name}`);
    if (attempt > 2) await removeRun(directory.attempt(name, attempt - 2));
    return this.#process;
  }

  /** Waits before the next run. Meanwhile the record shows the state of the last run as `lastState`. */
  async #pause(exit: ExitRecord, signal: AbortSignal): Promise<void> {
    const { name } = this.container;
    const { metadata } = this.#pod.pod;
    if (Date.parse(exit.finishedAt) - Date.parse(exit.startedAt) > healthyAfterMs) this.#backOff.reset();
    const pauseMs = this.#backOff.next();
    const pod = `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
    const message = `back-off ${pauseMs / 1_000}s restarting failed container=${name} pod=${pod}`;
    this.record.lastState = this.record.state;
    this.record.state = { waiting: { reason: 'CrashLoopBackOff', message } };
    this.#pod.report();
    this.#pod.event('Warning', 'BackOff', `Back-off restarting failed container ${name}`);
    await sleep(pauseMs, signal);
  }

  #setRunning(startedAt: string, ready: boolean): void {
    this.record.state = { running: { startedAt: timestamp(new Date(startedAt)) } };
    this.record.started = ready;
    this.record.ready = ready;
    this.#pod.report();
  }

  async #setTerminated(exit: ExitRecord, probeFailure: string | undefined): Promise<void> {
    const log = exit.exitCode === 0 ? '' : await readTail(this.logFolder(), messageBytes);
    const survivors = survivorsOf(exit);
    if (survivors) {
      this.#pod.event('Warning', 'FailedKillPod', survivors);
      const fields = { container: this.#marker, survivors: exit.survivors };
      this.#pod.machine.log.error(fields, 'processes could not be ended');
    }
    const reason = [probeFailure ?? exit.message, survivors].filter(Boolean).join(' ');
    this.#process = undefined;
    this.#server = undefined;
    this.record.ready = false;
    this.record.started = false;
    this.record.state = terminated({ ...exit, message: [reason, log].filter(Boolean).join('\n').slice(-messageBytes) });
    this.#pod.report();
  }

  async #complete(completed: ContainerState): Promise<void> {
    await this.#store({ ...this.#stored, completed });
    this.#setCompleted(completed);
    this.#pod.report();
  }

  #setCompleted(completed: ContainerState): void {
    this.record.state = completed;
    this.record.ready = true;
  }

  #countRestarts(): void {
    this.record.restartCount = Math.max(0, this.#stored.attempt - this.#stored.firstAttempt);
  }

  get #marker(): string {
    return `${this.#pod.machine.marker}/${this.#pod.pod.metadata.uid}/${this.container.name}`;
  }

  async #store(stored: StoredContainer): Promise<void> {
    await writeStored(this.#pod.directory, this.container.name, stored);
    this.#stored = stored;
  }
}

/** Returns the remedy for processes that could not be ended; empty if there are none. */
function survivorsOf({ survivors = [] }: ExitRecord): string {
  if (survivors.length === 0) return '';
  const list = survivors.map(({ pid, name }) => `${pid} (${name})`).join(', ');
  return `Processes of the container could not be ended, because they run as another user or hang in the kernel: ${list}. End them by hand.`;
}
