import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** Names the pod and container in the environment of every process of a session: `<marker>/<pod uid>/<container>`. */
export const markerVariable = 'NOTEBOOK_SESSIONS_POD';

/** A process that cannot be mistaken for a later one with the same number: ticks since boot when it started. */
export interface ProcessId {
  pid: number;
  startTicks: number;
}

export interface ProcessInfo extends ProcessId {
  parent: number;
  /** One letter, proc(5): Z is a zombie. */
  state: string;
  /** utime + stime + those of children that it has waited for, in ticks of 1/100 s. */
  cpuTicks: number;
}

/** Linux counts process times in this many ticks a second, on every architecture that Node runs on. */
export const ticksPerSecond = 100;

/** undefined when there is no such process, or (for `environ`) it is another user's. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}

export function readProcess(pid: number): ProcessInfo | undefined {
  const stat = readProc(pid, 'stat');
  if (stat === undefined) return undefined;
  // The program's name comes first and may hold spaces and brackets; fields are counted after its last bracket.
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

/** Whether exactly this process lives. A zombie does not: it only waits for its parent. */
export function isAlive({ pid, startTicks }: ProcessId): boolean {
  const found = readProcess(pid);
  return found !== undefined && found.startTicks === startTicks && found.state !== 'Z';
}

/** The value of the marker variable in the environment that the process was started with. */
export function markerOf(pid: number): string | undefined {
  const prefix = `${markerVariable}=`;
  return readProc(pid, 'environ')
    ?.split('\0')
    .find((entry) => entry.startsWith(prefix))
    ?.slice(prefix.length);
}

/** Every process that is no zombie. */
export function listProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? [])
    .filter((found) => found.state !== 'Z');
}

/** Marker to processes, for one marker, or (`owner` ends with a slash) for all that begin with it. */
export function listMarked(owner: string, processes = listProcesses()): Map<string, ProcessInfo[]> {
  const found = new Map<string, ProcessInfo[]>();
  for (const candidate of processes) {
    const marker = candidate.pid === process.pid ? undefined : markerOf(candidate.pid);
    if (marker === undefined || !(owner.endsWith('/') ? marker.startsWith(owner) : marker === owner)) continue;
    found.set(marker, [...(found.get(marker) ?? []), candidate]);
  }
  return found;
}

/** `roots` and everything below them, without this program. */
export function withDescendants(roots: readonly ProcessId[], processes = listProcesses()): ProcessInfo[] {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const ids = new Set(roots.map(({ pid }) => pid));
  for (const id of ids) for (const child of children.get(id) ?? []) ids.add(child.pid);
  return processes.filter(({ pid }) => ids.has(pid) && pid !== process.pid);
}

/** Signals exactly this process, if it still carries the marker. False when it is gone or is not ours. */
export function signalProcess(id: ProcessId, marker: string, signal: NodeJS.Signals): boolean {
  if (!isAlive(id) || markerOf(id.pid) !== marker) return false;
  return sendSignal(id.pid, signal);
}

/** False when there is no such process, or it is another user's. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

/**
 * Kills whatever `owner` marks (see listMarked), and what that started, until a look round finds none: kernels and
 * terminals make sessions of their own, which no signal to a process group reaches. Resolves with what was still there after
 * `withinMs` (a process that hangs in the kernel cannot be killed by anybody).
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
    // A killed process is gone after it has been scheduled once more; nothing tells when.
    await wait(10);
  }
}
