import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode } from '../../lib/error-code.ts';

/** Identifies the pod and container in the environment of every process of a session: `<marker>/<pod uid>/<container>`. */
export const markerVariable = 'NOTEBOOK_SESSIONS_POD';

/** Identifies a process even if a later process gets the same pid: `startTicks` is the start time in ticks since boot. */
export interface ProcessId {
  pid: number;
  startTicks: number;
}

export interface ProcessInfo extends ProcessId {
  parent: number;
  /** The state as one letter of proc(5). Z is a zombie. */
  state: string;
  /** User and system time of the process and of children that have ended, in ticks of 1/100 s. */
  cpuTicks: number;
}

/** Ticks per second in Linux's process times, on every architecture that Node.js supports. */
export const ticksPerSecond = 100;

/** Returns a file of /proc/<pid>; undefined if the process has ended or this user may not read the file. */
export function readProc(pid: number, file: string): string | undefined {
  return ifReadable(() => readFileSync(`/proc/${pid}/${file}`, 'latin1'));
}

/** Returns the result of `read`; undefined if the file does not exist or this user may not read it. */
export function ifReadable<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

export function readProcess(pid: number): ProcessInfo | undefined {
  const stat = readProc(pid, 'stat');
  if (stat === undefined) return undefined;
  // The program's name may contain spaces and brackets: fields are counted from the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const at = (field: number): number => Number(fields[field]);
  return {
    pid,
    startTicks: at(19),
    parent: at(1),
    state: fields[0] ?? '?',
    cpuTicks: at(11) + at(12) + at(13) + at(14),
  };
}

/** Returns true if this process is running. A zombie has ended. */
export function isAlive({ pid, startTicks }: ProcessId): boolean {
  const found = readProcess(pid);
  return found !== undefined && found.startTicks === startTicks && found.state !== 'Z';
}

/** Returns the marker in the environment with which the process was started; undefined without a marker. */
export function markerOf(pid: number): string | undefined {
  const prefix = `${markerVariable}=`;
  return readProc(pid, 'environ')
    ?.split('\0')
    .find((entry) => entry.startsWith(prefix))
    ?.slice(prefix.length);
}

/** Returns all processes except zombies. */
export function listProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? [])
    .filter((found) => found.state !== 'Z');
}

/** Returns the processes by marker: those with the marker `owner` or, if `owner` ends with a slash, all that begin with it. */
export function listMarked(owner: string, processes = listProcesses()): Map<string, ProcessInfo[]> {
  const found = new Map<string, ProcessInfo[]>();
  for (const candidate of processes) {
    const marker = candidate.pid === process.pid ? undefined : markerOf(candidate.pid);
    if (marker === undefined || !(owner.endsWith('/') ? marker.startsWith(owner) : marker === owner)) continue;
    found.set(marker, [...(found.get(marker) ?? []), candidate]);
  }
  return found;
}

/** Returns `roots` and their descendants, without this process. */
export function withDescendants(roots: readonly ProcessId[], processes = listProcesses()): ProcessInfo[] {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const ids = new Set(roots.map(({ pid }) => pid));
  for (const id of ids) for (const child of children.get(id) ?? []) ids.add(child.pid);
  return processes.filter(({ pid }) => ids.has(pid) && pid !== process.pid);
}

/** Sends the signal if this process still runs with the marker. Returns true if the signal was sent. */
export function signalProcess(id: ProcessId, marker: string, signal: NodeJS.Signals): boolean {
  if (!isAlive(id) || markerOf(id.pid) !== marker) return false;
  return sendSignal(id.pid, signal);
}

/** Returns false if the process has ended or belongs to another user. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (hasCode(error, 'ESRCH', 'EPERM')) return false;
    throw error;
  }
}

/**
 * Kills the processes that `owner` marks (see listMarked) and their descendants, until none is left. Signals to a process
 * group would not be enough, because kernels and terminals start separate process sessions. Returns the processes that still run
 * after `withinMs`: a process that hangs in the kernel cannot be killed.
 */
export async function endMarked(owner: string, withinMs: number): Promise<ProcessInfo[]> {
  const until = performance.now() + withinMs;
  for (;;) {
    const processes = listProcesses();
    const roots = [...listMarked(owner, processes).values()].flat();
    const left = withDescendants(roots, processes);
    if (left.length === 0) return [];
    for (const { pid, startTicks } of left) if (isAlive({ pid, startTicks })) sendSignal(pid, 'SIGKILL');
    if (performance.now() > until) return left;
    // There is no event for the end of a killed process.
    await wait(10);
  }
}
