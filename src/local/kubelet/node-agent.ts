import { Readable } from 'node:stream';
import { type NodeAgent, type PodMetrics, StatusError } from '../cluster.ts';
import type { ContainerRunner } from './container/runner.ts';
import type { PodWorker } from './pod/worker.ts';
import { type LogOptions, readLog } from './process/log-files.ts';
import { createUsageMeter } from './process/usage.ts';

/** Returns the node agent for the API server: logs and resource use of the pods of `workers`. */
export function createNodeAgent(workers: () => Iterable<PodWorker>): NodeAgent {
  const usage = createUsageMeter();

  return {
    logs({ namespace, name }, options, signal) {
      const worker = [...workers()].find(
        ({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === name,
      );
      if (!worker) throw new StatusError(404, 'NotFound', `pods "${name}" not found`, { name, kind: 'pods' });
      const runner = chooseContainer(worker, name, options.container);
      const folder = logFolder(runner, name, options.previous);
      // The kubelet or the ingress does the work of this container: its log is empty.
      if (folder === undefined) return Readable.from([]);
      const { follow, previous, timestamps, tailLines, limitBytes } = options;
      const wanted: LogOptions = {
        timestamps,
        tailLines,
        limitBytes,
        sinceMs: since(options.sinceSeconds, options.sinceTime),
        until: follow && !previous ? runner.ended : undefined,
      };
      return readLog(folder, wanted, signal);
    },

    metrics(): PodMetrics[] {
      return usage(workers());
    },
  };
}

function chooseContainer(worker: PodWorker, pod: string, wanted: string | undefined): ContainerRunner {
  const { runners } = worker;
  const regular = runners.filter(({ record }) => !record.init);
  const listed = (some: readonly ContainerRunner[]) => `[${some.map(({ record }) => record.name).join(' ')}]`;
  if (wanted === undefined && regular.length === 1 && regular[0]) return regular[0];
  if (wanted === undefined) {
    const init = runners.filter(({ record }) => record.init);
    const others = init.length > 0 ? ` or one of the init containers: ${listed(init)}` : '';
    throw badRequest(`a container name must be specified for pod ${pod}, choose one of: ${listed(regular)}${others}`);
  }
  const found = runners.find(({ record }) => record.name === wanted);
  if (!found) throw badRequest(`container ${wanted} is not valid for pod ${pod}`);
  return found;
}

/** Returns undefined for a container without a process. Throws as Kubernetes does if there is no log yet. */
function logFolder(runner: ContainerRunner, pod: string, previous: boolean): string | undefined {
  const { name, state } = runner.record;
  const folder = runner.logFolder(previous);
  if (previous && folder === undefined) {
    throw badRequest(`previous terminated container "${name}" in pod "${pod}" not found`);
  }
  if (folder === undefined && state.waiting) {
    throw badRequest(`container "${name}" in pod "${pod}" is waiting to start: ${state.waiting.reason}`);
  }
  return folder;
}

const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);

function since(seconds: number | undefined, time: string | undefined): number | undefined {
  if (seconds !== undefined) return Date.now() - seconds * 1_000;
  return time === undefined ? undefined : Date.parse(time);
}
