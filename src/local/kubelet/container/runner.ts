import { join } from 'node:path';
import type { ContainerState } from '../../../platform/kubernetes/objects.ts';
import type { SessionEndpoint } from '../../cluster.ts';
import { makeDirectory, readJson, writePrivateFile } from '../../machine/private-files.ts';
import { endMarked } from '../../machine/processes.ts';
import { listensOn } from '../pod/addresses.ts';
import { CannotStart, type ImageBuild, type PodContext } from '../pod/context.ts';
import { type ContainerRecord, newRecord, terminated, timestamp } from '../pod/status.ts';
import { type ContainerProcess, type ExitRecord, findProcess, startProcess } from '../process/container-process.ts';
import { readTail, removeRun } from '../process/log-files.ts';
import type { Container } from '../types.ts';
import { Backoff } from './backoff.ts';
import { abortedExitCode, ImageStep, noteImage, recallImage } from './image-step.ts';
import { readToken, statusPath } from './jupyter.ts';
import { type Launch, prepareLaunch } from './launch.ts';
import { probeLimits, watchJupyter } from './probe.ts';
import { sentence } from './sentence.ts';
import type { StoredContainer as Stored } from './stored.ts';

/** A container that ran this long was fine: its next end starts the back-off anew. */
const healthyAfterMs = 60_000;
/** What another part is about to make (the operator's Secrets) is not told of as trouble before this. */
const quietMs = 2_000;
/** A server that does not answer is not waited for much longer. */
const hungGraceMs = 5_000;
/** How long a former run's processes are looked for and killed. */
const endWithinMs = 5_000;
/** As much of a log as Kubernetes puts into `terminated.message`. */
const messageBytes = 2_048;

/** Keeps one container of a pod as it should be: started, watched, started again; and stopped. */
export class ContainerRunner {
  readonly container: Container;
  readonly record: ContainerRecord;
  readonly #pod: PodContext;
  readonly #backoff = new Backoff();
  #stored: Stored = { attempt: 0, firstAttempt: 1 };
  #process: ContainerProcess | undefined;
  #step: ImageStep | undefined;
  #server: SessionEndpoint | undefined;
  /** Set by `stop`: what a process that was just being started is given. */
  #graceMs = 0;
  /** Why the kubelet ended the process, when it did so by itself. */
  #probeFailure: string | undefined;

  constructor(container: Container, init: boolean, pod: PodContext) {
    this.container = container;
    this.#pod = pod;
    const hasInit = (pod.pod.spec?.initContainers?.length ?? 0) > 0;
    this.record = newRecord(
      container.name,
      container.image ?? '',
      init,
      hasInit ? 'PodInitializing' : 'ContainerCreating',
    );
  }

  get process(): ContainerProcess | undefined {
    return this.#process;
  }

  /** Resolves when what runs at the moment has ended; undefined where nothing does. */
  get ended(): Promise<unknown> | undefined {
    return this.#process?.exited ?? this.#step?.ended;
  }

  /** Where it answers, from its first answer on. */
  get endpoint(): SessionEndpoint | undefined {
    return this.record.started && this.#process ? this.#server : undefined;
  }

  /** The folder of this run's log (or of the run's before); undefined when there is none. */
  logFolder(previous = false): string | undefined {
    const attempt = this.#stored.attempt - (previous ? 1 : 0);
    return attempt > 0 ? this.#pod.directory.attempt(this.container.name, attempt) : undefined;
  }

  /**
   * Takes up what an earlier kubelet left. `anew`: the pod was stopped in order or the machine was restarted, so its
   * containers begin again as after a restart of a node.
   */
  async adopt(anew: boolean): Promise<void> {
    const stored = await readJson<Stored>(this.#file);
    if (!stored) return;
    if (anew) {
      // The numbers go on, so that the log from before can still be read as the previous one.
      this.#stored = { attempt: stored.attempt, firstAttempt: stored.attempt + 1 };
      return;
    }
    this.#stored = stored;
    this.record.lastState = stored.lastState ?? {};
    this.#countRestarts();
    const folder = this.logFolder();
    if (stored.completed) {
      this.#finish(stored.completed);
      if (stored.image) recallImage(stored.image, this.#pod, this.record);
    } else if (folder !== undefined) {
      this.#process = await findProcess(folder, this.#marker);
      await this.#findServer();
      if (this.#process?.isAlive()) this.#goOn(this.#process);
    }
  }

  /** Its process lives: it is still what it was reported to be, until a probe says otherwise. */
  #goOn({ main, startedAt }: ContainerProcess): void {
    const before = this.#pod.pod.status?.containerStatuses?.find(({ name }) => name === this.container.name);
    const server = this.#server;
    const answered =
      before?.started === true && server !== undefined && listensOn(main.pid, server.address, server.port);
    this.#setRunning(startedAt, answered && before.ready === true);
    this.record.started = answered;
  }

  /** Runs an init container to its end, any other one until `signal` aborts. Rejects only for a bug. */
  async run(signal: AbortSignal): Promise<void> {
    let goOn = this.#stored.completed === undefined;
    if (!this.record.init && !this.record.state.running)
      this.record.state = { waiting: { reason: 'ContainerCreating' } };
    while (goOn && !signal.aborted) {
      try {
        goOn = await this.#live(signal);
      } catch (error) {
        this.#server = undefined;
        if (signal.aborted) return;
        this.#pod.machine.log.error({ err: error, container: this.#marker }, 'a container could not be started');
        this.#cannotStart(error, true);
        await this.#backoff.pause(signal);
      }
    }
  }

  /** Ends its process: SIGTERM, then SIGKILL after `graceMs`. May be called again with less. */
  async stop(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    if (this.#process) {
      this.#pod.event('Normal', 'Killing', `Stopping container ${this.container.name}`);
      await this.#process.stop(graceMs);
    } else if (this.record.state.running) {
      const now = timestamp();
      this.record.state = terminated({
        exitCode: this.#step ? abortedExitCode : 0,
        startedAt: this.record.state.running.startedAt ?? now,
        finishedAt: now,
      });
      this.record.ready = false;
    }
  }

  /** One life of the container. False when there is nothing more to do. */
  async #live(signal: AbortSignal): Promise<boolean> {
    let process = this.#process;
    if (!process) {
      const launch = await this.#prepare(signal);
      if (launch.kind === 'standing') {
        this.#setRunning(timestamp(), true);
        return false;
      }
      if (launch.kind === 'completed') {
        const now = timestamp();
        if (launch.image) this.#stored.image = noteImage(launch.image, this.#pod, this.record);
        await this.#complete(terminated({ exitCode: 0, startedAt: now, finishedAt: now }));
        return false;
      }
      if (launch.kind === 'build') {
        await this.#build(launch.image, signal);
        return false;
      }
      process = await this.#start(launch);
      if (signal.aborted) await process.stop(this.#graceMs);
    }
    const exit = await this.#watch(process);
    await this.#ended(exit);
    if (this.record.init && exit.exitCode === 0) {
      await this.#complete(this.record.state);
      return false;
    }
    if (signal.aborted) return false;
    await this.#pause(exit, signal);
    return true;
  }

  /** What it takes to start it, as soon as all of that is there. */
  async #prepare(signal: AbortSignal): Promise<Launch> {
    const retry = new Backoff(1_000);
    const since = performance.now();
    for (;;) {
      const changed = this.#pod.changed();
      try {
        signal.throwIfAborted();
        return await prepareLaunch(this.container, this.record.init, this.#pod, signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#cannotStart(error, performance.now() - since > quietMs);
        const pause = new AbortController();
        await Promise.race([changed, retry.pause(AbortSignal.any([signal, pause.signal]))]);
        pause.abort();
      }
    }
  }

  #cannotStart(error: unknown, tell: boolean): void {
    const before = this.record.state.waiting?.reason;
    const reason = error instanceof CannotStart ? error.reason : 'CreateContainerError';
    if (reason !== 'ErrImagePull') {
      this.#setWaiting(reason, sentence(error));
      if (tell)
        this.#pod.event('Warning', reason === 'CreateContainerConfigError' ? 'Failed' : 'FailedMount', sentence(error));
      return;
    }
    const again = before === 'ErrImagePull' || before === 'ImagePullBackOff';
    this.#setWaiting(
      again ? 'ImagePullBackOff' : reason,
      again ? `Back-off pulling image: ${sentence(error)}` : sentence(error),
    );
    this.#pod.event('Warning', again ? 'BackOff' : 'Failed', sentence(error));
  }

  /** Resolves when the image is there; rejects when it cannot be, or `signal` aborts. */
  async #build(image: ImageBuild, signal: AbortSignal): Promise<void> {
    const attempt = this.#stored.attempt + 1;
    await this.#store({ attempt, firstAttempt: this.#stored.firstAttempt });
    const startedAt = timestamp();
    const folder = this.#pod.directory.attempt(this.container.name, attempt);
    const step = await ImageStep.open(this.#pod, this.record, folder);
    this.#step = step;
    this.#setRunning(startedAt, false);
    try {
      this.#stored.image = await step.run(image, signal);
      await this.#complete(terminated({ exitCode: 0, startedAt, finishedAt: timestamp() }));
    } finally {
      this.#step = undefined;
    }
  }

  async #start(launch: Extract<Launch, { kind: 'process' }>): Promise<ContainerProcess> {
    const { machine, directory } = this.#pod;
    const { name, image } = this.container;
    const attempt = this.#stored.attempt + 1;
    this.#server = launch.server;
    this.#probeFailure = undefined;
    await this.#store({
      attempt,
      firstAttempt: this.#stored.firstAttempt,
      lastState: this.record.lastState,
      ...(launch.server ? { port: launch.server.port } : {}),
    });
    // Of a run whose shim was killed, the rest may still be there: on its port, in its files.
    if (attempt > 1) await endMarked(this.#marker, endWithinMs);
    this.#pod.event('Normal', 'Pulled', `Container image "${image}" already present on machine`);
    const process = await startProcess({
      ...launch,
      directory: directory.attempt(name, attempt),
      python: machine.environment.python,
      marker: this.#marker,
    });
    this.#process = process;
    this.#countRestarts();
    this.#pod.event('Normal', 'Created', `Created container ${name}`);
    this.#pod.event('Normal', 'Started', `Started container ${name}`);
    if (attempt > 2) await removeRun(directory.attempt(name, attempt - 2));
    return process;
  }

  /** Resolves when the process has ended, whoever ended it. */
  async #watch(process: ContainerProcess): Promise<ExitRecord> {
    const server = this.#server;
    // Without a server to ask it is ready when it runs, unless its end is what is waited for.
    if (!this.record.state.running) this.#setRunning(process.startedAt, !server && !this.record.init);
    const ended = new AbortController();
    const watching = server && this.#probe(process, server, ended.signal);
    const exit = await process.exited;
    ended.abort();
    await watching;
    return exit;
  }

  async #probe(process: ContainerProcess, server: SessionEndpoint, signal: AbortSignal): Promise<void> {
    const watched = {
      ...server,
      pid: process.main.pid,
      path: statusPath(this.container),
      limits: probeLimits(this.container),
      answered: this.record.started,
      ready: this.record.ready,
      onReady: (ready: boolean) => {
        this.record.started ||= ready;
        this.record.ready = ready;
        this.#pod.report();
      },
      onUnhealthy: (message: string) => this.#pod.event('Warning', 'Unhealthy', message),
    };
    try {
      this.#probeFailure = await watchJupyter(watched, signal);
    } catch (error) {
      if (signal.aborted) return;
      // The looking failed (no file descriptor left, for one). The server may be well: it goes on unwatched.
      this.#pod.machine.log.error({ err: error, container: this.#marker }, 'a server can no longer be probed');
      return;
    }
    this.#pod.event('Warning', 'Unhealthy', this.#probeFailure);
    this.#pod.event('Normal', 'Killing', `Container ${this.container.name} failed its probe and will be restarted`);
    await process.stop(hungGraceMs);
  }

  async #ended(exit: ExitRecord): Promise<void> {
    const log = exit.exitCode === 0 ? '' : await readTail(this.logFolder(), messageBytes);
    const left = survivors(exit);
    if (left) {
      this.#pod.event('Warning', 'FailedKillPod', left);
      this.#pod.machine.log.error(
        { container: this.#marker, survivors: exit.survivors },
        'processes could not be ended',
      );
    }
    const why = [this.#probeFailure ?? exit.message, left].filter(Boolean).join(' ');
    this.#process = undefined;
    this.#server = undefined;
    this.record.ready = false;
    this.record.started = false;
    this.record.state = terminated({ ...exit, message: [why, log].filter(Boolean).join('\n').slice(-messageBytes) });
    this.#pod.report();
  }

  /** Between two lives: what was is kept as the last state, and shown as waiting. */
  async #pause(exit: ExitRecord, signal: AbortSignal): Promise<void> {
    const { name } = this.container;
    const { metadata } = this.#pod.pod;
    if (Date.parse(exit.finishedAt) - Date.parse(exit.startedAt) > healthyAfterMs) this.#backoff.reset();
    this.record.lastState = this.record.state;
    const pod = `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
    const pause = `back-off ${this.#backoff.nextMs / 1_000}s`;
    this.#setWaiting('CrashLoopBackOff', `${pause} restarting failed container=${name} pod=${pod}`);
    this.#pod.event('Warning', 'BackOff', `Back-off restarting failed container ${name}`);
    await this.#backoff.pause(signal);
  }

  #setWaiting(reason: string, message: string): void {
    this.record.state = { waiting: { reason, message } };
    this.record.ready = false;
    this.#pod.report();
  }

  #setRunning(startedAt: string, ready: boolean): void {
    this.record.state = { running: { startedAt: timestamp(new Date(startedAt)) } };
    this.record.started = ready;
    this.record.ready = ready;
    this.#pod.report();
  }

  async #complete(completed: ContainerState): Promise<void> {
    await this.#store({ ...this.#stored, completed });
    this.#finish(completed);
    this.#pod.report();
  }

  #finish(completed: ContainerState): void {
    this.record.state = completed;
    this.record.ready = true;
  }

  async #findServer(): Promise<void> {
    const { port } = this.#stored;
    const token = this.#process && port !== undefined ? await readToken(this.#pod.directory) : undefined;
    if (port !== undefined && token !== undefined) this.#server = { address: this.#pod.address, port, token };
  }

  #countRestarts(): void {
    this.record.restartCount = Math.max(0, this.#stored.attempt - this.#stored.firstAttempt);
  }

  get #marker(): string {
    return `${this.#pod.machine.marker}/${this.#pod.pod.metadata.uid}/${this.container.name}`;
  }

  get #file(): string {
    return join(this.#pod.directory.container(this.container.name), 'container.json');
  }

  async #store(stored: Stored): Promise<void> {
    await makeDirectory(this.#pod.directory.container(this.container.name));
    await writePrivateFile(this.#file, JSON.stringify(stored));
    this.#stored = stored;
  }
}

/** What a person has to do about the processes that outlive their container; empty where none does. */
function survivors({ survivors: left = [] }: ExitRecord): string {
  if (left.length === 0) return '';
  const list = left.map(({ pid, name }) => `${pid} (${name})`).join(', ');
  return `Processes of the container could not be ended, because they run as another user or hang in the kernel: ${list}. End them by hand.`;
}
