import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { Deadline } from '../lib/deadline.ts';
import { oneLine } from '../platform/kubernetes/failures.ts';
import { alreadyExists, isNotFound } from '../platform/kubernetes/predicates.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import type { KubernetesClient } from '../platform/kubernetes/types.ts';
import type { Manifest } from './children/manifest.ts';
import type { StoryEvent } from './story.ts';

/** Writes Kubernetes Events about sessions in the background. */
export interface EventRecorder {
  /** Records an event. A repeated event increases the count of the first one. */
  record(server: JupyterServer, event: StoryEvent): void;
  /** Resolves when no write is running. Events that are not written yet are lost. */
  stop(): Promise<void>;
}

interface Entry {
  readonly name: string;
  /** The session, as the object that the event is about. */
  readonly subject: ObjectReference;
  readonly event: StoryEvent;
  readonly firstAt: string;
  lastAt: string;
  count: number;
  isCreated: boolean;
  isWaiting: boolean;
}

interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** The limits of client-go's recorder: events of one object at once, and the time until it may have one more. */
const burst = 25;
const refillMs = 300_000;
const maxWaiting = 2_000;
const maxKnown = 2_000;
const messageLimit = 1_000;
/** Few writes at a time, so that events do not delay the creation of sessions. */
const concurrency = 2;

/**
 * Creates a recorder of core/v1 Events, which `kubectl describe` shows. It never delays a reconcile and never floods the API
 * server: equal events of a session are one Event with a count, a session gets a limited number of events, and events above the
 * limits are dropped.
 */
export function createEventRecorder(options: {
  client: KubernetesClient;
  now: () => Date;
  log: Logger;
}): EventRecorder {
  const { client, now, log } = options;
  const known = new BoundedMap<string, Entry>({ maxSize: maxKnown });
  const budgets = new BoundedMap<string, { left: number; at: number }>({ maxSize: maxKnown });
  const waiting: Entry[] = [];
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();

  function isWithinBudget(uid: string): boolean {
    const time = now().getTime();
    const { left, at } = budgets.get(uid) ?? { left: burst, at: time };
    const refilled = Math.min(burst, left + (time - at) / refillMs);
    budgets.set(uid, { left: Math.max(0, refilled - 1), at: time });
    return refilled >= 1;
  }

  function pump(): void {
    while (!stopping.signal.aborted && running.size < concurrency) {
      const entry = waiting.shift();
      if (!entry) return;
      entry.isWaiting = false;
      const run = write(entry)
        .catch((err: unknown) => {
          if (!stopping.signal.aborted) log.debug({ err, session: entry.subject.name }, 'an event was not written');
        })
        .finally(() => {
          running.delete(run);
          pump();
        });
      running.add(run);
    }
  }

  async function write(entry: Entry): Promise<void> {
    const deadline = Deadline.after(10_000, stopping.signal);
    const { namespace } = entry.subject;
    const update = async () => {
      const patch = { count: entry.count, lastTimestamp: entry.lastAt };
      await client.mergePatch(resource.events, namespace, entry.name, patch, deadline);
    };
    const create = async () => {
      await client.create<Manifest>(resource.events, namespace, eventObject(entry), deadline);
      entry.isCreated = true;
    };
    try {
      await (entry.isCreated ? update() : create());
    } catch (error) {
      // Events expire after an hour. An event exists already if it is being created, or if the response was lost.
      if (entry.isCreated && isNotFound(error)) await create();
      else if (alreadyExists(error)) await update();
      else throw error;
    }
  }

  return {
    record(server, event) {
      const { apiVersion = '', kind = '' } = server;
      const { uid = '', name = '', namespace = '', resourceVersion = '' } = server.metadata;
      if (stopping.signal.aborted || !isWithinBudget(uid)) return;
      const key = `${uid}/${event.type}/${event.reason}/${event.message}`;
      const at = now()
        .toISOString()
        .replace(/\.\d+Z$/, 'Z');
      let entry = known.get(key);
      if (entry) {
        entry.count += 1;
        entry.lastAt = at;
      } else {
        entry = {
          name: `${name}.${randomBytes(8).toString('hex')}`,
          subject: { apiVersion, kind, namespace, name, uid, resourceVersion },
          event,
          firstAt: at,
          lastAt: at,
          count: 1,
          isCreated: false,
          isWaiting: false,
        };
      }
      known.set(key, entry);
      if (entry.isWaiting || waiting.length >= maxWaiting) return;
      entry.isWaiting = true;
      waiting.push(entry);
      pump();
    },
    async stop() {
      stopping.abort();
      waiting.length = 0;
      await Promise.all(running);
    },
  };
}

function eventObject({ name, subject, event, firstAt, lastAt, count }: Entry): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name },
    involvedObject: subject,
    type: event.type,
    reason: event.reason,
    message: oneLine(event.message, messageLimit),
    source: { component: 'notebook-sessions-operator' },
    firstTimestamp: firstAt,
    lastTimestamp: lastAt,
    count,
  };
}
