import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FolderChanges } from '../../machine/folder-changes.ts';
import { makeDirectory, readJson, readText } from '../../machine/private-files.ts';
import { isAlive, markerOf, markerVariable, type ProcessId, signalProcess } from '../../machine/processes.ts';

const shim = fileURLToPath(new URL('./shim.py', import.meta.url));
/** Size limit of each of a container's two log files. */
const logBytes = 10 * 1024 * 1024;
/** Longest delay in milliseconds until the end of a process is detected if the system's file events are lost. */
const pollMs = 500;

export interface ExitRecord {
  exitCode: number;
  signal: number;
  startedAt: string;
  finishedAt: string;
  outOfMemory: boolean;
  /** Processes of the container that could not be ended, because they run as another user or hang in the kernel. */
  survivors?: { pid: number; name: string }[];
  /** The reason, if the exit code is not that of the process. */
  message?: string;
}

/** Written by the shim before the process runs. */
interface ProcessRecord {
  pid: number;
  startTicks: number;
  shim: number;
  shimStartTicks: number;
  reaper: number;
  reaperStartTicks: number;
  startedAt: string;
}

/** The main process of a container, running or ended, started by this program or by an earlier one. */
export class ContainerProcess {
  readonly startedAt: string;
  readonly main: ProcessId;
  readonly shim: ProcessId;
  /** The parent of the shim. If the shim is killed, the reaper ends the remaining processes. */
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

  /**
   * Sends SIGTERM to the main process, and SIGKILL after `graceMs` (0: immediately). Resolves when all processes of the container
   * have ended.
   */
  async stop(graceMs: number): Promise<ExitRecord> {
    if (graceMs <= 0) return await this.kill();
    signalProcess(this.main, this.#marker, 'SIGTERM');
    const grace = AbortSignal.timeout(graceMs);
    await Promise.race([this.exited, grace.aborted ? undefined : once(grace, 'abort')]);
    return grace.aborted ? await this.kill() : await this.exited;
  }

  /** Kills the main process. The shim then ends the others. A shim that does not end is killed, and the reaper takes over. */
  async kill(): Promise<ExitRecord> {
    signalProcess(this.main, this.#marker, 'SIGKILL');
    const timer = setTimeout(() => signalProcess(this.shim, this.#marker, 'SIGKILL'), 6_000);
    return await this.exited.finally(() => clearTimeout(timer));
  }
}

export interface StartOptions {
  /** The folder of this run, which is created. */
  directory: string;
  /** The interpreter that runs the shim. */
  python: string;
  command: readonly string[];
  workingDirectory: string;
  variables: Record<string, string>;
  /** `<marker>/<pod uid>/<container>` */
  marker: string;
}

/** Starts the command as a child of a new shim. Throws if the shim fails: a full disk, no such Python. */
export async function startProcess(options: StartOptions): Promise<ContainerProcess> {
  const { directory, python, command, workingDirectory, variables, marker } = options;
  await rm(directory, { recursive: true, force: true });
  await makeDirectory(directory);
  const shimLog = openSync(join(directory, 'shim.log'), 'a', 0o600);
  const child = spawn(python, ['-I', '-S', shim, directory, String(logBytes), workingDirectory, ...command], {
    cwd: directory,
    env: { ...variables, [markerVariable]: marker },
    stdio: ['ignore', shimLog, shimLog],
    // A new process session: neither Ctrl-C in the platform's terminal nor the end of the platform ends the process.
    detached: true,
  });
  closeSync(shimLog);
  child.unref();
  // Resolves with the error, because a rejection before the first `await` would be unhandled.
  const ended = once(child, 'exit').then(
    () => new Error('the process could not be started'),
    (error: Error) => error,
  );
  const record = await awaitRecord(directory, ended);
  if (!(record instanceof Error)) return new ContainerProcess(directory, record, marker);
  const lastLine = (await readText(join(directory, 'shim.log')))?.trim().split('\n').at(-1);
  throw lastLine ? new Error(lastLine) : record;
}

/** Returns the process of the run in `directory`, which may have ended; undefined if none was started. */
export async function findProcess(directory: string, marker: string): Promise<ContainerProcess | undefined> {
  const record = await readJson<ProcessRecord>(join(directory, 'process.json'));
  if (!record) return undefined;
  const shim = { pid: record.shim, startTicks: record.shimStartTicks };
  // Another program can have the same number and start time after a reboot. A process that is ending has no marker.
  const found = markerOf(shim.pid);
  if (isAlive(shim) && found !== undefined && found !== marker) return undefined;
  return new ContainerProcess(directory, record, marker);
}

/** Returns the shim's record as soon as it is written, or the reason why it will not be written. */
async function awaitRecord(directory: string, ended: Promise<Error>): Promise<ProcessRecord | Error> {
  const file = join(directory, 'process.json');
  const changes = new FolderChanges(directory, pollMs);
  try {
    for (;;) {
      const next = changes.next();
      const record = await readJson<ProcessRecord>(file);
      if (record) return record;
      const end = await Promise.race([ended, next]);
      // The record may have been written directly before the end of the shim.
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
  const changes = new FolderChanges(directory, pollMs);
  try {
    for (;;) {
      const next = changes.next();
      // Checked before the file is read: a shim that writes the file and then ends must not count as lost.
      const alive = watchers.some(isAlive);
      const exit = await readJson<ExitRecord>(file).catch((error: unknown) => {
        // For example too many open files. Such an error is not about the process, so the file is read again.
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

/** The result if the shim and the reaper were killed, or the machine was switched off. */
const lost = ({ startedAt }: ProcessRecord): ExitRecord => ({
  exitCode: 137,
  signal: 9,
  startedAt,
  finishedAt: new Date().toISOString(),
  outOfMemory: false,
  message: 'The process ended together with the processes that watched it, so its exit code is not known.',
});
