import type { PodMetrics } from '../../cluster.ts';
import { listProcesses, readProc, ticksPerSecond, withDescendants } from '../../machine/processes.ts';
import { timestamp } from '../pod/status.ts';
import type { PodWorker } from '../pod/worker.ts';
import type { ContainerProcess } from './container-process.ts';

/** Callers within this time get the same result, because reading every process of the machine takes milliseconds. */
const cachedMs = 2_000;

interface Sample {
  cpuTicks: number;
  atMs: number;
}

/** Returns a function that measures the pods' usage. CPU is the mean since the last call, or since the process started. */
export function createUsageMeter(): (workers: Iterable<PodWorker>) => PodMetrics[] {
  let samples = new Map<string, Sample>();
  let cached: { atMs: number; metrics: PodMetrics[] } | undefined;

  return (workers) => {
    const atMs = Date.now();
    if (cached && atMs - cached.atMs < cachedMs) return cached.metrics;
    const processes = listProcesses();
    const current = new Map<string, Sample>();
    const metrics: PodMetrics[] = [];
    for (const { pod, runners } of workers) {
      const { namespace = '', name = '' } = pod.metadata;
      let windowMs = 0;
      const containers: PodMetrics['containers'] = [];
      for (const { record, process } of runners) {
        if (!process) continue;
        const family = withDescendants([process.shim], processes);
        const key = `${process.shim.pid}/${process.shim.startTicks}`;
        const sample = { cpuTicks: family.reduce((sum, { cpuTicks }) => sum + cpuTicks, 0), atMs };
        const before = samples.get(key) ?? atStart(process);
        current.set(key, sample);
        windowMs = Math.max(1, atMs - before.atMs);
        containers.push({
          name: record.name,
          cpuNanocores: nanocores(Math.max(0, sample.cpuTicks - before.cpuTicks), windowMs),
          memoryBytes: family.reduce((sum, { pid }) => sum + memoryOf(pid), 0),
        });
      }
      if (containers.length === 0) continue;
      const windowSeconds = Math.max(1, Math.round(windowMs / 1_000));
      metrics.push({ namespace, name, timestamp: timestamp(new Date(atMs)), windowSeconds, containers });
    }
    samples = current;
    cached = { atMs, metrics };
    return metrics;
  };
}

const atStart = ({ startedAt }: ContainerProcess): Sample => ({ cpuTicks: 0, atMs: Date.parse(startedAt) });

const nanocores = (ticks: number, windowMs: number): number =>
  Math.round(((ticks / ticksPerSecond) * 1_000 * 1e9) / windowMs);

/**
 * Returns the bytes of memory of the process alone. Pages of files are not counted: all sessions share those of Python, and
 * the kernel frees them if memory is needed.
 */
function memoryOf(pid: number): number {
  const status = readProc(pid, 'status') ?? '';
  const kibibytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return (kibibytes('RssAnon') + kibibytes('RssShmem')) * 1_024;
}
