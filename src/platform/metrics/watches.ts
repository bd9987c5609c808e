import { type WatchEnd, watchEnds } from '../kubernetes/reflector.ts';
import type { Metrics } from './types.ts';

/** Returns the function that counts ended watches. @param resources the plural names of the watched resources */
export function createWatchMetric(
  metrics: Metrics,
  resources: readonly string[],
): (plural: string, end: WatchEnd) => void {
  const restarts = metrics.counter({
    name: 'watch_restarts_total',
    help: 'Watches that ended and were started again: closed by the API server (every 30 s), expired (410), or failed.',
    labels: { resource: [...new Set(resources)], reason: watchEnds },
  });
  return (resource, reason) => restarts.increment({ resource, reason });
}
