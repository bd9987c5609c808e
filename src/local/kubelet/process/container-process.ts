import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, type FSWatcher, openSync, watch } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeDirectory, readJson, readText } from '../../machine/private-files.ts';
import { isAlive, markerOf, markerVariable, type ProcessId, signalProcess } from '../../machine/processes.ts';

const shim = fileURLToPath(new URL('./shim.py', import.meta.url));
/** Each of a container's two log files. */
const logBytes = 10 * 1024 * 1024;
/** Where the system's file events are lost (a full watch table), the end of a process is noticed this late. */
const lookEveryMs = 500;

export interface ExitRecord {
  exitCode: number;
  signal: number;
  startedAt: string;
  finishedAt: string;
  outOfMemory: boolean;
  /** Processes of the container that could not be ended: another user's, or stuck in the kernel. */
  survivors?: { pid: number; name: string }[];
  /** Why the numbers above are not what the process itself answered. */
  message?: string;
}

/** What the shim notes of a process before it runs. */
interface ProcessRecord {
  pid: number;
  startTicks: number;
  shim: number;
  shimStartTicks: number;
  reaper: number;
  reaperStartTicks: number;
  startedAt: string;
}

/** The main process of a container, alive or ended, started by this program or by one before it. */
export class ContainerProcess {
  readonly startedAt: string;
  readonly main: ProcessId;
  readonly shim: ProcessId;
  /** The shim's parent, which ends what a killed shim leaves. */
  readonly reaper: ProcessId;
  /** Never rejects. */
  readonly exited: Promise<ExitRecord>;
  readonly #marker: string;

  constructor(directory: string, record: ProcessRecord, marker: string) {
    this.startedAt = record.startedAt;
    this.main = { pid: record.pid, startTicks: record.startTicks };
    this.shim = { pid: record.shim, startTicks: record.shimStartTicks };
    this.reaper = { pid: record.reaper, startTicks: record.reaperStartTicks };
    this.#marker = marker;
    this.exited = waitForExit(directory, [this.shim, this.reaper], record);
  }

  isAlive(): boolean {
    return isAlive(this.shim) || isAlive(this.main);
  }

  /** SIGTERM to the main process, SIGKILL after `graceMs` (0: at once). Resolves when all of the container has ended. */
  async stop(graceMs: number): Promise<ExitRecord> {
    if (graceMs <= 0) return await this.kill();
    signalProcess(this.main, this.#marker, 'SIGTERM');
    const grace = AbortSignal.timeout(graceMs);
    await Promise.race([this.exited, grace.aborted ? undefined : once(grace, 'abort')]);
    return grace.aborted ? await this.kill() : await this.exited;
  }

  /** The shim ends what the main process leaves; where it does not come to that, it is killed and its reaper does. */
  async kill(): Promise<ExitRecord> {
    signalProcess(this.main, this.#marker, 'SIGKILL');
    const patience = setTimeout(() => signalProcess(this.shim, this.#marker, 'SIGKILL'), 6_000);
    return await this.exited.finally(() => clearTimeout(patience));
  }
}

export interface StartOptions {
  /** Folder of this attempt; made here. */
  directory: string;
  /** The interpreter that runs the shim. */
  python: string;
  command: readonly string[];
  workingDirectory: string;
  variables: Record<string, string>;
  /** `<marker>/<pod uid>/<container>` */
  marker: string;
}

/** Starts the command under a shim of its own. Throws when the shim cannot do its part (a full disk, no such Python). */
export async function startProcess(options: StartOptions): Promise<ContainerProcess> {
  const { directory, python, command, workingDirectory, variables, marker } = options;
  await rm(directory, { recursive: true, force: true });
  await makeDirectory(directory);
  const trouble = openSync(join(directory, 'shim.log'), 'a', 0o600);
  const child = spawn(python, ['-I', '-S', shim, directory, String(logBytes), workingDirectory, ...command], {
    cwd: directory,
    env: { ...variables, [markerVariable]: marker },
    stdio: ['ignore', trouble, trouble],
    // A session of its own: neither Ctrl-C in the platform's terminal nor the platform's end reaches it.
    detached: true,
  });
  closeSync(trouble);
  child.unref();
  // As a value, because a rejection could come before anybody waits for it.
  const ended = once(child, 'exit').then(
    () => new Error('the process could not be started'),
    (error: Error) => error,
  );
  const record = await appears(directory, ended);
  if (!(record instanceof Error)) return new ContainerProcess(directory, record, marker);
  const said = (await readText(join(directory, 'shim.log')))?.trim().split('\n').at(-1);
  throw said ? new Error(said) : record;
}

/** The process of an earlier attempt, if one was started in `directory`; it may have ended since. */
export async function findProcess(directory: string, marker: string): Promise<ContainerProcess | undefined> {
  const record = await readJson<ProcessRecord>(join(directory, 'process.json'));
  if (!record) return undefined;
  const shim = { pid: record.shim, startTicks: record.shimStartTicks };
  // Another program can have the same number and start time after a reboot. A process that is ending has no marker.
  const found = markerOf(shim.pid);
  if (isAlive(shim) && found !== undefined && found !== marker) return undefined;
  return new ContainerProcess(directory, record, marker);
}

/** The shim's record as soon as it is there, or why it will never be. */
async function appears(directory: string, ended: Promise<Error>): Promise<ProcessRecord | Error> {
  const file = join(directory, 'process.json');
  const changes = new Changes(directory);
  try {
    for (;;) {
      const next = changes.next();
      const record = await readJson<ProcessRecord>(file);
      if (record) return record;
      const end = await Promise.race([ended, next]);
      // It may have been written just before the end.
      if (end) return (await readJson<ProcessRecord>(file)) ?? end;
    }
  } finally {
    changes.close();
  }
}

async function waitForExit(
  directory: string,
  watchers: readonly ProcessId[],
  record: ProcessRecord,
): Promise<ExitRecord> {
  const file = join(directory, 'exit.json');
  const changes = new Changes(directory);
  try {
    for (;;) {
      const next = changes.next();
      // In this order: a shim that wrote the file and ended in between must not count as lost.
      const alive = watchers.some(isAlive);
      const exit = await readJson<ExitRecord>(file).catch((error: unknown) => {
        // Too many open files, for one: it says nothing about the process, so look again.
        if (!(error instanceof Error)) throw error;
        return undefined;
      });
      if (exit) return exit;
      if (!alive) return lost(record);
      await next;
    }
  } finally {
    changes.close();
  }
}

/** The shim and its reaper were killed too, or the machine went down. */
const lost = ({ startedAt }: ProcessRecord): ExitRecord => ({
  exitCode: 137,
  signal: 9,
  startedAt,
  finishedAt: new Date().toISOString(),
  outOfMemory: false,
  message: 'The process ended together with those that watched it, so its exit code is not known.',
});

/** Tells of changes in a folder by the system's events, and every so often without one. */
class Changes {
  readonly #timer: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #waiting: (() => void)[] = [];

  constructor(directory: string) {
    const tell = () => {
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    this.#timer = setInterval(tell, lookEveryMs);
    try {
      this.#watcher = watch(directory, tell);
      // The folder was removed, or the system has no watches left: the timer goes on.
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watcher?.close();
  }
}
