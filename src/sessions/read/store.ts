import type { Logger } from 'pino';
import type { Config } from '../../config/types.ts';
import { translateError } from '../../error-translation.ts';
import { errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { annotation, isLabelValue, label } from '../../jupyter-server/labels.ts';
import { fromJupyterServer, type Session } from '../../jupyter-server/session.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { createListWatchCache, type ListWatchCacheOptions } from '../../platform/kubernetes/list-watch-cache.ts';
import { isConflict, isNotFound } from '../../platform/kubernetes/predicates.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { KubernetesConnection, ResourceType } from '../../platform/kubernetes/types.ts';
import { noSuchSession } from './no-such-session.ts';
import { ownersOf, owns } from './ownership.ts';
import { createSessionWatchers } from './watchers.ts';

/**
 * The sessions in the cluster. After the cache has synced, reads need no call to the API server, except for names that are
 * not in the cache. `get`, `list`, `refresh` and `remove` throw ApiError. The other methods throw KubernetesError or
 * KubernetesUnavailable, which the caller translates.
 */
export interface SessionStore {
  /** Resolves when the cache has synced. Until then, reads call the API server. */
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly synced: boolean;
  /** Time of the API server's last response, error responses included, in milliseconds since the epoch. */
  readonly lastContactAt: number | undefined;
  /** Last time at which the cache was known to be current, in milliseconds since the epoch. */
  readonly lastCurrentAt: number | undefined;
  /** Number of sessions in the cache. */
  readonly size: number;
  /** Returns the caller's session with this name. Throws ApiError 1404 if it does not exist or has another owner. */
  get(identity: Identity, name: string, deadline: Deadline): Promise<Session>;
  /** Returns all sessions of the caller, by name. */
  list(identity: Identity, deadline: Deadline): Promise<Session[]>;
  /**
   * Returns the session with this name, of any owner, by a live read of the namespace for new sessions and, until the cache
   * has synced, of the other namespace, too.
   */
  read(name: string, deadline: Deadline): Promise<Session | undefined>;
  /** Creates the object in the namespace for new sessions. */
  create(server: JupyterServer, deadline: Deadline): Promise<Session>;
  /**
   * Waits until the session has been deleted, or continues because its work could not be saved. Returns undefined then, and the session
   * if the deadline expires first.
   */
  untilGone(session: Session, deadline: Deadline): Promise<Session | undefined>;
  /**
   * Calls `onChange` immediately and after each change of the session. The argument is the session; undefined if the session
   * has been deleted, another session has its name, or the session no longer belongs to the caller. Returns a function that
   * ends the calls.
   */
  watch(identity: Identity, session: Session, onChange: (session: Session | undefined) => void): () => void;
  /**
   * Calls `onChange` with the name of a session after each change of the caller's sessions, also if a session begins or ceases
   * to be the caller's. Returns a function that ends the calls.
   */
  watchOwn(identity: Identity, onChange: (name: string) => void): () => void;
  /** Returns the caller's session with this name from the cache. */
  cached(identity: Identity, name: string): Session | undefined;
  /** Returns all sessions of the caller from the cache, by name. */
  allCached(identity: Identity): Session[];
  /** Reads the caller's sessions from the API server, and updates the cache, also with deletions. Throws ApiError. */
  refreshOwn(identity: Identity, deadline: Deadline): Promise<void>;
  /** Returns whether the session still exists, by a live read. */
  isCurrent(session: Session, deadline: Deadline): Promise<boolean>;
  /** Returns the session and its whole object, by a live read; undefined if the session does not exist. Throws ApiError. */
  refresh(
    session: Session,
    deadline: Deadline,
  ): Promise<{ readonly session: Session; readonly object: JupyterServer } | undefined>;
  /**
   * Writes annotations if the session has not changed since it was read; null removes an annotation. Returns the written
   * session. Writes nothing and returns undefined if the session has changed or does not exist; `refresh` tells which.
   */
  annotate(
    session: Session,
    annotations: Readonly<Record<string, string | null>>,
    deadline: Deadline,
  ): Promise<Session | undefined>;
  /** Merges the patch into the object, under the same conditions and with the same results as `annotate`. */
  change(
    session: Session,
    patch: { readonly metadata?: object; readonly spec?: object },
    deadline: Deadline,
  ): Promise<Session | undefined>;
  /** Resumes a hibernated session, or cancels its hibernation, under the same conditions and with the same results as `annotate`. */
  resume(session: Session, deadline: Deadline): Promise<Session | undefined>;
  /** Deletes the session. Throws ApiError. */
  remove(session: Session, options: RemoveOptions, deadline: Deadline): Promise<Removed>;
}

export interface RemoveOptions {
  /** Whether to end the processes within two seconds. */
  readonly isForced?: boolean;
  /** Whether to delete only if the session has not changed since it was read: another request may have resumed it. */
  readonly ifUnchanged?: boolean;
}

/** `changed`: nothing was deleted, because the session has changed. */
export type Removed = 'removed' | 'changed' | 'does not exist';

export interface SessionStoreParts {
  readonly client: KubernetesConnection;
  readonly config: Pick<Config, 'amalthea' | 'k8s'>;
  readonly log: Logger;
  readonly onWatchEnd?: ListWatchCacheOptions<Session>['onWatchEnd'];
  /** Shorter delays of the cache for tests. */
  readonly timing?: NonNullable<ListWatchCacheOptions<Session>['timing']>;
}

/** Valid names of a JupyterServer. No call is made for other names. */
const possibleName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

export function jupyterServersOf({ amalthea }: Pick<Config, 'amalthea'>): ResourceType {
  return { group: amalthea.group, version: amalthea.version, plural: amalthea.plural };
}

export function createSessionStore({ client, config, log, onWatchEnd, timing }: SessionStoreParts): SessionStore {
  const type = jupyterServersOf(config);
  const { renku_namespace, sessions_namespace } = config.k8s;
  const home = sessions_namespace ?? renku_namespace;
  /** The namespace for new sessions comes first. */
  const namespaces = [...new Set([home, renku_namespace])];
  const cache = createListWatchCache<Session>({
    client,
    type,
    namespaces,
    project: fromJupyterServer,
    indexes: { owner: ({ owner }) => owner },
    onChange: (change) => watchers.notify(change),
    log,
    onWatchEnd,
    ...(timing ? { timing } : {}),
  });

  const watchers = createSessionWatchers((namespace, name) => cache.get(namespace, name));

  /** Reads the object from the API server, and updates the cache. */
  async function readObject(namespace: string, name: string, deadline: Deadline): Promise<JupyterServer | undefined> {
    const known = cache.get(namespace, name)?.uid;
    const object = await client.get<JupyterServer>(type, namespace, name, deadline);
    if (object === undefined) {
      if (known !== undefined) cache.forget(namespace, name, known);
      return undefined;
    }
    cache.observe(object);
    return object;
  }

  async function readLive(namespace: string, name: string, deadline: Deadline): Promise<Session | undefined> {
    const object = await readObject(namespace, name, deadline);
    return object && fromJupyterServer(object);
  }

  async function readAll(where: readonly string[], name: string, deadline: Deadline): Promise<(Session | undefined)[]> {
    if (!possibleName.test(name)) return [];
    try {
      return await Promise.all(where.map((namespace) => readLive(namespace, name, deadline)));
    } catch (error) {
      throw translateError(error, { message: `The session ${name} could not be read.` }) ?? error;
    }
  }

  async function listLive(identity: Identity, deadline: Deadline): Promise<JupyterServer[]> {
    const [own] = ownersOf(identity);
    const selectors = [`${label.owner}=${own}`];
    // Sessions of renku-notebooks have a label for the user id only. A registered and an anonymous user can have the same
    // id; the caller filters the result with `owns`.
    if (identity.id !== '' && isLabelValue(identity.id)) selectors.push(`${label.userId}=${identity.id}`);
    const lists = namespaces.flatMap((namespace) =>
      selectors.map((labelSelector) => client.list<JupyterServer>(type, namespace, { labelSelector }, deadline)),
    );
    return (await Promise.all(lists)).flat();
  }

  /**
   * Returns the sessions of a caller in the order of their names. Of two sessions with one name, the session in the namespace for
   * new sessions is returned, as by `get`.
   */
  function distinct(sessions: readonly Session[]): Session[] {
    const byName = new Map<string, Session>();
    for (const session of sessions) {
      if (session.namespace === home || !byName.has(session.name)) byName.set(session.name, session);
    }
    return [...byName.values()].sort((one, other) => compare(one.name, other.name));
  }

  const allCached = (identity: Identity): Session[] =>
    distinct(ownersOf(identity).flatMap((owner) => cache.byIndex('owner', owner)));

  const cached = (identity: Identity, name: string): Session | undefined =>
    namespaces
      .map((namespace) => cache.get(namespace, name))
      .find((session) => session !== undefined && owns(identity, session));

  async function deleteObject(
    { name, namespace, uid, resourceVersion }: Session,
    { isForced = false, ifUnchanged = false }: RemoveOptions,
    deadline: Deadline,
  ): Promise<boolean> {
    const options = {
      // Foreground deletion: the object remains, as `stopping`, until its pod has been deleted.
      propagationPolicy: 'Foreground' as const,
      ...(isForced ? { gracePeriodSeconds: 0 } : {}),
      preconditions: { uid, ...(ifUnchanged ? { resourceVersion } : {}) },
    };
    try {
      const wasThere = await client.delete(type, namespace, name, options, deadline);
      if (wasThere && isForced) {
        // With a grace period of 0, the pod would be removed from the API immediately, and the StatefulSet would create a new
        // pod until garbage collection deletes the StatefulSet. `kubectl delete --now` also uses 1 second.
        await client.delete(resource.pods, namespace, `${name}-0`, { gracePeriodSeconds: 1 }, deadline);
      }
      return wasThere;
    } catch (error) {
      // Another object has the name, or this one has changed.
      if (isConflict(error)) return false;
      const what = `The session ${name} could not be deleted.`;
      const { cannotDelete } = errorKind;
      const kinds = { rejected: cannotDelete, unavailable: cannotDelete, forbidden: cannotDelete };
      throw translateError(error, { message: what, kinds }) ?? error;
    }
  }

  /** Merges the patch into the session if it has not changed since it was read; otherwise returns undefined. */
  async function patchUnchanged(
    { name, namespace, uid, resourceVersion }: Session,
    patch: { metadata?: object; spec?: object },
    deadline: Deadline,
  ): Promise<Session | undefined> {
    const guarded = { ...patch, metadata: { ...patch.metadata, uid, resourceVersion } };
    try {
      const written = await client.mergePatch<JupyterServer>(type, namespace, name, guarded, deadline);
      cache.observe(written);
      return fromJupyterServer(written);
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return undefined;
      throw error;
    }
  }

  return {
    untilGone: watchers.untilGone,
    watch: watchers.watch,
    watchOwn: watchers.watchOwn,
    cached,
    allCached,
    start: () => cache.start(),
    stop: () => cache.stop(),
    get synced() {
      return cache.synced;
    },
    get lastContactAt() {
      return cache.lastContactAt;
    },
    get lastCurrentAt() {
      return cache.lastCurrentAt;
    },
    get size() {
      return cache.size;
    },

    async get(identity, name, deadline) {
      const own = cached(identity, name);
      if (own) return own;
      if (!possibleName.test(name)) throw noSuchSession(name);
      const unknown = namespaces.filter((namespace) => cache.get(namespace, name) === undefined);
      const live = await readAll(unknown, name, deadline);
      const found = live.find((session) => session && owns(identity, session));
      if (found) return found;
      throw noSuchSession(name);
    },

    async list(identity, deadline) {
      try {
        if (cache.synced) return allCached(identity);
        const found = (await listLive(identity, deadline)).map(fromJupyterServer);
        return distinct(found.filter((session) => owns(identity, session)));
      } catch (error) {
        throw translateError(error, { message: 'The sessions could not be listed.' }) ?? error;
      }
    },
    async refreshOwn(identity, deadline) {
      try {
        const before = allCached(identity);
        const listed = await listLive(identity, deadline);
        for (const object of listed) cache.observe(object);
        const uids = new Set(listed.map(({ metadata }) => metadata.uid));
        // Sessions of renku-notebooks without the labels are not listed, so only a read shows that a session has been deleted.
        const missing = before.filter(({ uid }) => !uids.has(uid));
        await Promise.all(missing.map(({ namespace, name }) => readObject(namespace, name, deadline)));
      } catch (error) {
        throw translateError(error, { message: 'The sessions could not be listed.' }) ?? error;
      }
    },

    async read(name, deadline) {
      const where = cache.synced ? [home] : namespaces;
      const found = await Promise.all(where.map((namespace) => readLive(namespace, name, deadline)));
      return found.find((session) => session !== undefined);
    },

    async create(server, deadline) {
      const body = { ...server, metadata: { ...server.metadata, namespace: home } };
      const created = await client.create<JupyterServer>(type, home, body, deadline);
      cache.observe(created);
      return fromJupyterServer(created);
    },

    async isCurrent({ name, namespace, uid }, deadline) {
      return (await readLive(namespace, name, deadline))?.uid === uid;
    },

    async refresh({ name, namespace, uid }, deadline) {
      try {
        const object = await readObject(namespace, name, deadline);
        return object?.metadata.uid === uid ? { object, session: fromJupyterServer(object) } : undefined;
      } catch (error) {
        throw translateError(error, { message: `The session ${name} could not be read.` }) ?? error;
      }
    },

    annotate: (session, annotations, deadline) => patchUnchanged(session, { metadata: { annotations } }, deadline),
    change: patchUnchanged,
    resume: (session, deadline) => {
      const annotations = { [annotation.stopRequest]: null, [annotation.savedWork]: null };
      return patchUnchanged(
        session,
        { spec: { jupyterServer: { hibernated: false } }, metadata: { annotations } },
        deadline,
      );
    },

    async remove(session, options, deadline) {
      const { name, namespace, uid } = session;
      const wasRemoved = await deleteObject(session, options, deadline);
      try {
        // The response to the deletion does not contain the new state of the object, which the next list must show.
        const now = await readLive(namespace, name, deadline);
        if (!wasRemoved && now?.uid === uid) return now.isBeingDeleted ? 'removed' : 'changed';
      } catch (err) {
        log.warn({ err, session: name }, 'a deleted session could not be read again; its state is shown late');
        if (!wasRemoved) return 'changed';
      }
      return wasRemoved ? 'removed' : 'does not exist';
    },
  };
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
