import pino from 'pino';
import { createKubernetesClient } from '../../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../../src/platform/kubernetes/kubeconfig.ts';
import {
  type CacheEvent,
  createListWatchCache,
  type ListWatchCache,
  type ListWatchCacheOptions,
} from '../../../src/platform/kubernetes/list-watch-cache.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { waitFor } from '../wait-for.ts';
import { type Fault, type FaultServer, kubeconfigFor, type SeenRequest, startFaultServer } from './fault-server.ts';

export interface Slim {
  name: string;
  color: string | undefined;
}

export const pod = (name: string, color?: string): KubernetesObject => ({
  metadata: { name, labels: color === undefined ? {} : { color } },
});

export const isWatch = ({ query }: SeenRequest) => query.get('watch') === 'true';
export const isList = ({ query, path }: SeenRequest) => query.get('watch') === null && path.endsWith('/pods');

/** A cache of pods, of which it keeps name and color, on a fault server. Its changes are recorded. */
export interface CacheHarness extends AsyncDisposable {
  readonly server: FaultServer;
  /** All changes so far, such as 'added name color'. */
  readonly changes: readonly string[];
  /** Resolves when this change has been recorded. */
  seen(change: string): Promise<void>;
  open(options?: Partial<ListWatchCacheOptions<Slim>>): ListWatchCache<Slim>;
  /** Returns the number of requests for which `like` is true. */
  count(like: (request: SeenRequest) => boolean): number;
  /** Applies the fault to the next `times` requests for which `like` is true. */
  failFirst(times: number, like: (request: SeenRequest) => boolean, fault: Fault): void;
  /** Records a change. */
  record(event: CacheEvent<Slim>): void;
}

export async function startCacheHarness(): Promise<CacheHarness> {
  const log = pino({ level: 'silent' });
  const server = await startFaultServer();
  const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfigFor(server.url)), log });
  const changes: string[] = [];
  const waiting: { change: string; resolve: () => void }[] = [];
  let cache: ListWatchCache<Slim> | undefined;

  const harness: CacheHarness = {
    server,
    changes,
    seen(change) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (changes.includes(change)) resolve();
      else waiting.push({ change, resolve });
      return waitFor(promise, `the change ${JSON.stringify(change.slice(0, 100))}`, { seen: () => changes });
    },
    record(event) {
      const value = 'value' in event ? event.value : event.previous;
      const change = `${event.type} ${event.name} ${value.color}`;
      changes.push(change);
      for (const each of waiting) if (each.change === change) each.resolve();
    },
    open(options = {}) {
      cache = createListWatchCache<Slim>({
        client,
        type: resource.pods,
        namespaces: ['here'],
        project,
        indexes: { color: ({ color }) => color },
        onChange: (event) => harness.record(event),
        log,
        timing: {
          watchTimeoutSeconds: 30,
          watchGraceMs: 1000,
          backOffFirstMs: 5,
          backOffMaxMs: 20,
          listTimeoutMs: 2000,
        },
        ...options,
      });
      return cache;
    },
    count: (like) => server.seen.filter(like).length,
    failFirst(times, like, fault) {
      let left = times;
      server.fault = (request) => {
        if (!like(request) || left === 0) return undefined;
        left -= 1;
        return fault;
      };
    },
    async [Symbol.asyncDispose]() {
      await cache?.stop();
      await client.close();
      await server.down();
    },
  };
  return harness;
}

function project(raw: KubernetesObject): Slim | undefined {
  const color = raw.metadata.labels?.['color'];
  if (raw.metadata.labels?.['hidden'] === 'yes') return undefined;
  if (color === 'malformed') throw new Error('malformed');
  return { name: raw.metadata.name ?? '', color };
}
