import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createBackOff } from '../../lib/back-off.ts';
import { Deadline } from '../../lib/deadline.ts';
import { asObject } from '../../lib/json.ts';
import { listPages } from './client.ts';
import { keyOf, type ObjectStore, type StoredEntry } from './object-store.ts';
import type { KubernetesObject } from './objects.ts';
import { compareResourceVersions } from './resource-version.ts';
import {
  type KubernetesConnection,
  KubernetesError,
  type ListOptions,
  type ResourceType,
  type WatchEvent,
} from './types.ts';
import { InvalidWatch } from './watch-events.ts';

export interface ReflectorTiming {
  /** Time after which the API server ends a watch. A short time detects dead connections early, but needs more requests. */
  watchTimeoutSeconds: number;
  /** Additional time after which the connection of a watch that is still open counts as dead. */
  watchGraceMs: number;
  listTimeoutMs: number;
  backOffFirstMs: number;
  backOffMaxMs: number;
}

export const defaultTiming: ReflectorTiming = {
  watchTimeoutSeconds: 30,
  watchGraceMs: 5_000,
  listTimeoutMs: 30_000,
  backOffFirstMs: 250,
  // The cache is current again at most 2 s after the API server can be reached.
  backOffMaxMs: 1_500,
};

/** How a watch ended: by the API server, because its version has expired (a list follows), or by a failure. */
export const watchEnds = ['closed', 'expired', 'failed'] as const;
export type WatchEnd = (typeof watchEnds)[number];

export interface Reflector {
  /** Lists and watches until `signal` aborts. Never rejects for a failure of the API server. */
  run(signal: AbortSignal): Promise<void>;
  /** Time of the API server's last response, error responses included, in milliseconds since the epoch; undefined before it. */
  readonly lastContactAt: number | undefined;
  /** As `lastContactAt`, without error responses: the last time at which the store was known to be current. */
  readonly lastCurrentAt: number | undefined;
}

/** Number of failed attempts to resume a watch before a new list. */
const resumeAttempts = 3;
/** Minimum duration of a watch without events. After a shorter watch, there is a delay before the next watch. */
const shortWatchMs = 1_000;
/** Objects of a list that are converted in one iteration of the event loop. */
const perTurn = 50;

/**
 * Keeps one namespace of a store up to date: lists the objects, watches from the resourceVersion of the list, and retries
 * after a failure. A failure does not change the store.
 */
export function createReflector<T>(options: {
  client: KubernetesConnection;
  type: ResourceType;
  namespace: string;
  selectors: ListOptions;
  store: ObjectStore<T>;
  timing: ReflectorTiming;
  onSynced: () => void;
  onWatchEnd: (end: WatchEnd) => void;
  log: Logger;
}): Reflector {
  const { client, type, namespace, selectors, store, timing, onSynced } = options;
  const log = options.log.child({ resource: type.plural, namespace: namespace || '*' });
  const backOff = createBackOff({ firstMs: timing.backOffFirstMs, maxMs: timing.backOffMaxMs });
  let version: string | undefined;
  let failures = 0;
  let lastContactAt: number | undefined;
  let lastCurrentAt: number | undefined;

  function noteCurrent(): void {
    lastContactAt = lastCurrentAt = Date.now();
  }

  function noteSuccess(): void {
    if (failures > 0) log.info({ failures }, 'the watch has recovered');
    failures = 0;
    backOff.reset();
  }

  async function list(signal: AbortSignal): Promise<void> {
    const began = store.tick();
    const entries: StoredEntry<T>[] = [];
    let listVersion = '';
    const deadline = () => Deadline.after(timing.listTimeoutMs, signal);
    for await (const page of listPages<KubernetesObject>(client, type, namespace, selectors, deadline)) {
      lastContactAt = Date.now();
      // All pages should have the same resourceVersion. If the versions differ, a watch from the oldest version loses no event.
      listVersion ||= page.resourceVersion;
      for (let index = 0; index < page.items.length; index += perTurn) {
        // Other work of the program runs in between: a page was parsed just now, which takes as long as this.
        await setImmediate(undefined, { signal });
        for (const raw of page.items.slice(index, index + perTurn)) {
          const entry = store.entry(raw);
          if (entry) entries.push(entry);
        }
      }
    }
    if (listVersion === '') throw new InvalidWatch(`list ${type.plural}: the list has no resourceVersion`);
    store.replaceAll(namespace, entries, began);
    version = listVersion;
    noteCurrent();
    onSynced();
  }

  /**
   * Forgets the version if the API server has only older ones, because its data were restored. Such an API server accepts the
   * version in a watch, and then sends no event until it has reached that version.
   */
  async function checkVersion(signal: AbortSignal): Promise<void> {
    const deadline = Deadline.after(timing.listTimeoutMs, signal);
    const page = await client.listPage<KubernetesObject>(type, namespace, { ...selectors, limit: 1 }, deadline);
    lastContactAt = Date.now();
    const order = version === undefined ? undefined : compareResourceVersions(page.resourceVersion, version);
    if (order === undefined || order >= 0) return;
    log.warn(
      { version, current: page.resourceVersion },
      'the API server has older data than this cache: listing again',
    );
    version = undefined;
  }

  function apply(event: WatchEvent): void {
    if (event.type === 'ERROR') throw errorOf(event.object);
    const eventVersion = versionOf(event.object);
    if (event.type === 'BOOKMARK') {
      if (eventVersion === undefined) throw new InvalidWatch('a bookmark has no resourceVersion');
    } else {
      const entry = store.entry(event.object);
      if (!entry) throw new InvalidWatch(`the object of a ${event.type} event has no usable metadata`);
      if (event.type === 'DELETED') store.remove(keyOf(entry.namespace, entry.name), entry.uid);
      else if (event.type === 'ADDED' || event.type === 'MODIFIED') store.put(entry, false);
      else throw new InvalidWatch(`unknown event type ${event.type}`);
    }
    version = eventVersion ?? version;
    noteSuccess();
  }

  async function watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    let events = 0;
    const { watchTimeoutSeconds: timeoutSeconds } = timing;
    const limitMs = timeoutSeconds * 1000 + timing.watchGraceMs;
    let settling: NodeJS.Timeout | undefined;
    const onOpen = () => {
      if (failures === 0) return noteCurrent();
      // The last attempts failed, and this one may fail before it delivers an event.
      lastContactAt = Date.now();
      settling = setTimeout(() => {
        noteSuccess();
        noteCurrent();
      }, shortWatchMs);
    };
    try {
      const query = { ...selectors, resourceVersion, timeoutSeconds, limitMs, onOpen };
      for await (const event of client.watch(type, namespace, query, signal)) {
        apply(event);
        noteCurrent();
        events += 1;
      }
    } finally {
      clearTimeout(settling);
    }
    noteCurrent();
    options.onWatchEnd('closed');
    if (events > 0) return;
    if (performance.now() - began >= shortWatchMs) noteSuccess();
    else await delay(backOff.next(), undefined, { signal });
  }

  async function recover(error: unknown, signal: AbortSignal): Promise<void> {
    failures += 1;
    const isGone = error instanceof KubernetesError && error.status === 410;
    // These four statuses are temporary. After any other 4xx, a retry of the watch would fail, so the next request is a list.
    const isRejected =
      error instanceof KubernetesError && error.status < 500 && ![401, 403, 408, 429].includes(error.status);
    if (version !== undefined) options.onWatchEnd(isGone ? 'expired' : 'failed');
    if (error instanceof KubernetesError) lastContactAt = Date.now();
    if (isGone || isRejected || error instanceof InvalidWatch || failures % resumeAttempts === 0) version = undefined;
    // An API server that starts responds with 503 and asks for 5 s, although it is ready much earlier.
    const namedSeconds = error instanceof KubernetesError && error.status !== 503 ? (error.retryAfterSeconds ?? 0) : 0;
    const waitMs = Math.max(backOff.next(), 1000 * namedSeconds);
    if (isGone) log.debug('the version of the watch has expired: listing again');
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
          if (version !== undefined && failures > 0) await checkVersion(signal);
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
  const { code, reason } = asObject(status) ?? {};
  const known = typeof code === 'number' ? code : 500;
  const why = typeof reason === 'string' ? reason : 'Unknown';
  return new KubernetesError(
    why === 'Expired' || why === 'Gone' ? 410 : known,
    why,
    `the watch ended with ${known} ${why}`,
  );
}

function versionOf(object: unknown): string | undefined {
  const version = asObject(asObject(object)?.['metadata'])?.['resourceVersion'];
  return typeof version === 'string' && version !== '' ? version : undefined;
}
