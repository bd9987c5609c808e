import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createBackOff } from '../../lib/back-off.ts';
import { Deadline } from '../../lib/deadline.ts';
import { listPages } from './client.ts';
import { type Entry, keyOf, type ObjectStore } from './object-store.ts';
import type { KubernetesObject } from './objects.ts';
import {
  type KubernetesConnection,
  KubernetesError,
  type ListOptions,
  type ResourceType,
  type WatchEvent,
} from './types.ts';
import { WatchNonsense } from './watch-events.ts';

export interface ReflectorTiming {
  /** The server ends each watch after this long; a short one finds a dead connection soon and costs one request. */
  watchTimeoutSeconds: number;
  /** How much longer than that a watch may be open before its connection counts as dead. */
  silenceSlackMs: number;
  listTimeoutMs: number;
  backOffFirstMs: number;
  backOffMostMs: number;
}

export const defaultTiming: ReflectorTiming = {
  watchTimeoutSeconds: 30,
  silenceSlackMs: 5_000,
  listTimeoutMs: 30_000,
  backOffFirstMs: 250,
  backOffMostMs: 10_000,
};

export interface Reflector {
  /** Ends only by `signal`. */
  run(signal: AbortSignal): Promise<void>;
  /** Milliseconds since the epoch of the last answer of the API server, errors included; undefined before the first. */
  readonly lastContactAt: number | undefined;
  /** The same without errors: the store was equal to the API server's objects then; undefined before the first list. */
  readonly lastCurrentAt: number | undefined;
}

/** Tries to resume a watch before the version it resumes from is given up (a restored API server may not know it). */
const resumeTries = 3;
/** A watch that ended sooner than this, and brought nothing, counts as a failure: else a server that closes at once is hammered. */
const shortWatchMs = 1_000;

/**
 * Keeps one namespace of a store equal to the API server's: list, watch from there, and again, for ever. A failure never
 * ends it and never empties the store.
 */
export function createReflector<T>(options: {
  client: KubernetesConnection;
  type: ResourceType;
  namespace: string;
  selectors: ListOptions;
  store: ObjectStore<T>;
  timing: ReflectorTiming;
  onSynced: () => void;
  log: Logger;
}): Reflector {
  const { client, type, namespace, selectors, store, timing, onSynced } = options;
  const log = options.log.child({ resource: type.plural, namespace: namespace || '*' });
  const backOff = createBackOff({ firstMs: timing.backOffFirstMs, maxMs: timing.backOffMostMs });
  let version: string | undefined;
  let failures = 0;
  let lastContactAt: number | undefined;
  let lastCurrentAt: number | undefined;

  function current(): void {
    lastContactAt = lastCurrentAt = Date.now();
  }

  function progress(): void {
    if (failures > 0) log.info({ failures }, 'the watch works again');
    failures = 0;
    backOff.reset();
  }

  async function list(signal: AbortSignal): Promise<void> {
    const began = store.tick();
    const entries: Entry<T>[] = [];
    let listVersion = '';
    const deadline = () => Deadline.after(timing.listTimeoutMs, signal);
    for await (const page of listPages<KubernetesObject>(client, type, namespace, selectors, deadline)) {
      current();
      // Later pages repeat the first one's version; a server that does not is taken at its oldest word.
      listVersion ||= page.resourceVersion;
      for (const raw of page.items) {
        const entry = store.entry(raw);
        if (entry) entries.push(entry);
      }
    }
    if (listVersion === '') throw new WatchNonsense(`list ${type.plural}: the list has no version to watch from`);
    store.replaceAll(namespace, entries, began);
    version = listVersion;
    onSynced();
  }

  function apply(event: WatchEvent): void {
    if (event.type === 'ERROR') throw errorOf(event.object);
    const eventVersion = versionOf(event.object);
    if (event.type === 'BOOKMARK') {
      if (eventVersion === undefined) throw new WatchNonsense('a bookmark has no version');
    } else {
      const entry = store.entry(event.object);
      if (!entry) throw new WatchNonsense(`a ${event.type} event holds no object`);
      if (event.type === 'DELETED') store.remove(keyOf(entry.namespace, entry.name), entry.uid);
      else if (event.type === 'ADDED' || event.type === 'MODIFIED') store.put(entry, false);
      else throw new WatchNonsense(`there are no ${event.type} events`);
    }
    version = eventVersion ?? version;
    progress();
  }

  async function watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    let events = 0;
    const { watchTimeoutSeconds: timeoutSeconds } = timing;
    const limitMs = timeoutSeconds * 1000 + timing.silenceSlackMs;
    for await (const event of client.watch(
      type,
      namespace,
      { ...selectors, resourceVersion, timeoutSeconds, limitMs, onOpen: current },
      signal,
    )) {
      current();
      apply(event);
      events += 1;
    }
    current();
    if (events > 0) return;
    if (performance.now() - began >= shortWatchMs) progress();
    else await delay(backOff.next(), undefined, { signal });
  }

  async function recover(error: unknown, signal: AbortSignal): Promise<void> {
    failures += 1;
    const gone = error instanceof KubernetesError && error.status === 410;
    // Any other 4xx means that this very request is wrong, so another one is due, except where only the moment is.
    const refused =
      error instanceof KubernetesError && error.status < 500 && ![401, 403, 408, 429].includes(error.status);
    if (error instanceof KubernetesError) lastContactAt = Date.now();
    if (gone || refused || error instanceof WatchNonsense || failures % resumeTries === 0) version = undefined;
    const waitMs = Math.max(
      backOff.next(),
      1000 * (error instanceof KubernetesError ? (error.retryAfterSeconds ?? 0) : 0),
    );
    if (gone) log.debug('the watch is too old to go on: listing again');
    else
      log[failures === 1 || failures % 10 === 0 ? 'warn' : 'debug'](
        { err: error, failures, waitMs: Math.round(waitMs) },
        'list or watch failed',
      );
    await delay(Math.min(waitMs, 60_000), undefined, { signal });
  }

  return {
    get lastContactAt() {
      return lastContactAt;
    },
    get lastCurrentAt() {
      return lastCurrentAt;
    },
    async run(signal) {
      while (!signal.aborted) {
        try {
          if (version === undefined) await list(signal);
          if (version !== undefined) await watch(version, signal);
        } catch (error) {
          if (signal.aborted) return;
          await recover(error, signal).catch((waitEnded: unknown) => {
            if (!signal.aborted) throw waitEnded;
          });
        }
      }
    },
  };
}

function errorOf(status: unknown): KubernetesError {
  const { code, reason } = (status ?? {}) as { code?: unknown; reason?: unknown };
  const known = typeof code === 'number' ? code : 500;
  const why = typeof reason === 'string' ? reason : 'Unknown';
  return new KubernetesError(
    why === 'Expired' || why === 'Gone' ? 410 : known,
    why,
    `the watch ended with ${known} ${why}`,
  );
}

function versionOf(object: unknown): string | undefined {
  const metadata = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata;
  return typeof metadata?.resourceVersion === 'string' && metadata.resourceVersion
    ? metadata.resourceVersion
    : undefined;
}
