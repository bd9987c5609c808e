import type { Logger } from 'pino';
import type { Config } from '../../config/types.ts';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { label } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { createListWatchCache, type ListWatchCacheOptions } from '../../platform/kubernetes/list-watch-cache.ts';
import { isConflict, isNotFound } from '../../platform/kubernetes/predicates.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import { type KubernetesConnection, KubernetesError, type ResourceType } from '../../platform/kubernetes/types.ts';
import { isLabelValue } from '../manifest/metadata.ts';
import { ownerOf, ownersOf, owns } from './ownership.ts';
import { projectForCache } from './projection.ts';

/**
 * The sessions in the cluster. Every server that comes out of it is projected (`projectForCache`).
 * Reads cost no call to the API server once the cache has synced, except for names that the cache does not know.
 * `get`, `list` and `remove` throw ApiError; the others throw what the client throws, for who knows better.
 */
export interface SessionStore {
  /** Resolves when the cache has synced; reads before that are live. */
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly synced: boolean;
  /** Milliseconds since the epoch of the last answer of the API server, errors included. */
  readonly lastContactAt: number | undefined;
  /** Milliseconds since the epoch of when all sessions were last known to be as the API server has them. */
  readonly lastCurrentAt: number | undefined;
  /** The caller's session of this name. Throws ApiError 1404 when there is none, which is also the answer for somebody else's. */
  get(identity: Identity, name: string, deadline: Deadline): Promise<JupyterServer>;
  /** All sessions of the caller, by name. */
  list(identity: Identity, deadline: Deadline): Promise<JupyterServer[]>;
  /** Whose it is does not matter: where sessions are made, and, until the cache knows of it, the other namespace too. */
  read(name: string, deadline: Deadline): Promise<JupyterServer | undefined>;
  /** Makes the object in the namespace for new sessions. */
  create(server: JupyterServer, deadline: Deadline): Promise<JupyterServer>;
  /** Waits, by watch events, until this very object is gone. false: the deadline came first. */
  untilGone(server: JupyterServer, deadline: Deadline): Promise<boolean>;
  /**
   * Tells of each change of this very session, and of its end (undefined): it is deleted, another one has its name, or
   * it is not this caller's any more. Changes since `server` was read are told at once. Returns the function that ends it.
   */
  watch(identity: Identity, server: JupyterServer, onChange: (server: JupyterServer | undefined) => void): () => void;
  /** By a live read: whether the session of this name is still this one. */
  isCurrent(server: JupyterServer, deadline: Deadline): Promise<boolean>;
  /** This very session by a live read; undefined: it is gone. `raw` is what the API server answered. Throws ApiError. */
  refresh(
    server: JupyterServer,
    deadline: Deadline,
  ): Promise<{ readonly server: JupyterServer; readonly raw: JupyterServer } | undefined>;
  /**
   * Writes annotations (null removes one) into this very session as it was read: undefined, and nothing is written, if
   * anything of it was changed since, or it is gone. `refresh` tells which.
   */
  annotate(
    server: JupyterServer,
    annotations: Readonly<Record<string, string | null>>,
    deadline: Deadline,
  ): Promise<JupyterServer | undefined>;
  /** false: it was gone already. `isForced`: its processes are killed within a second or two. */
  remove(server: JupyterServer, isForced: boolean, deadline: Deadline): Promise<boolean>;
}

export interface SessionStoreParts {
  readonly client: KubernetesConnection;
  readonly config: Config;
  readonly log: Logger;
  /** For tests: faster back-off of the cache. */
  readonly timing?: NonNullable<ListWatchCacheOptions<JupyterServer>['timing']>;
}

/** A name that a JupyterServer can have; for others the API server need not be asked. */
const possibleName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

export function jupyterServersOf({ amalthea }: Config): ResourceType {
  return { group: amalthea.group, version: amalthea.version, plural: amalthea.plural };
}

export function createSessionStore({ client, config, log, timing }: SessionStoreParts): SessionStore {
  const type = jupyterServersOf(config);
  const { renku_namespace, sessions_namespace } = config.k8s;
  const home = sessions_namespace ?? renku_namespace;
  /** Where new sessions are made comes first. */
  const namespaces = [...new Set([home, renku_namespace])];
  const waiting = new Set<() => void>();
  /** By namespace and name. */
  const watching = new Map<string, Set<() => void>>();
  const cache = createListWatchCache<JupyterServer>({
    client,
    type,
    namespaces,
    project: projectForCache,
    indexes: { owner: ownerOf },
    onChange({ type: change, namespace, name }) {
      if (change === 'deleted') for (const check of waiting) check();
      for (const look of watching.get(`${namespace}/${name}`) ?? []) look();
    },
    log,
    ...(timing ? { timing } : {}),
  });

  /** A live read, of which the cache is told. */
  async function readRaw(namespace: string, name: string, deadline: Deadline): Promise<JupyterServer | undefined> {
    const known = cache.get(namespace, name)?.metadata.uid;
    const raw = await client.get<JupyterServer>(type, namespace, name, deadline);
    if (raw === undefined) {
      if (known !== undefined) cache.forget(namespace, name, known);
      return undefined;
    }
    cache.observe(raw);
    return raw;
  }

  async function readLive(namespace: string, name: string, deadline: Deadline): Promise<JupyterServer | undefined> {
    const raw = await readRaw(namespace, name, deadline);
    return raw && projectForCache(raw);
  }

  async function lookUp(
    where: readonly string[],
    name: string,
    deadline: Deadline,
  ): Promise<(JupyterServer | undefined)[]> {
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
    // What the original made has no owner's label; `owns` sorts out who it really belongs to.
    if (identity.id !== '' && isLabelValue(identity.id)) selectors.push(`${label.userId}=${identity.id}`);
    const lists = namespaces.flatMap((namespace) =>
      selectors.map((labelSelector) => client.list<JupyterServer>(type, namespace, { labelSelector }, deadline)),
    );
    const found = (await Promise.all(lists)).flat().map(projectForCache);
    return [...new Map(found.map((server) => [server.metadata.uid, server])).values()];
  }

  async function deleteObject(server: JupyterServer, isForced: boolean, deadline: Deadline): Promise<boolean> {
    const { name = '', namespace = '', uid } = server.metadata;
    const options = {
      // The object stays, and shows as stopping, until its pod is gone.
      propagationPolicy: 'Foreground' as const,
      ...(isForced ? { gracePeriodSeconds: 0 } : {}),
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    };
    try {
      const wasThere = await client.delete(type, namespace, name, options, deadline);
      if (wasThere && isForced) {
        // Not 0: the pod would leave the API at once, and its StatefulSet, which garbage collection may not have reached
        // yet, would make another one. A second is what `kubectl delete --now` gives.
        await client.delete(resource.pods, namespace, `${name}-0`, { gracePeriodSeconds: 1 }, deadline);
      }
      return wasThere;
    } catch (error) {
      // The name belongs to another object now: this one is gone.
      if (error instanceof KubernetesError && error.status === 409) return false;
      const what = `The session ${name} could not be deleted.`;
      const { cannotDelete } = errorKind;
      const kinds = { rejected: cannotDelete, unavailable: cannotDelete, forbidden: cannotDelete };
      throw translateError(error, { message: what, kinds }) ?? error;
    }
  }

  return {
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

    async get(identity, name, deadline) {
      const known = namespaces.map((namespace) => cache.get(namespace, name));
      const own = known.find((server) => server && owns(identity, server));
      if (own) return own;
      if (!possibleName.test(name)) throw new ApiError(errorKind.missing, 'There is no session of this name.');
      const unknown = namespaces.filter((_namespace, index) => known[index] === undefined);
      const live = await lookUp(unknown, name, deadline);
      const found = live.find((server) => server && owns(identity, server));
      if (found) return found;
      throw new ApiError(errorKind.missing, `There is no session ${name} of yours.`);
    },

    async list(identity, deadline) {
      try {
        const found = cache.synced
          ? ownersOf(identity).flatMap((owner) => cache.byIndex('owner', owner))
          : (await listLive(identity, deadline)).filter((server) => owns(identity, server));
        return found.sort((one, other) => compare(one.metadata.name ?? '', other.metadata.name ?? ''));
      } catch (error) {
        throw translateError(error, { message: 'The sessions could not be listed.' }) ?? error;
      }
    },

    async read(name, deadline) {
      const where = cache.synced ? [home] : namespaces;
      const found = await Promise.all(where.map((namespace) => readLive(namespace, name, deadline)));
      return found.find((server) => server !== undefined);
    },

    async create(server, deadline) {
      const body = { ...server, metadata: { ...server.metadata, namespace: home } };
      const created = await client.create<JupyterServer>(type, home, body, deadline);
      cache.observe(created);
      return projectForCache(created);
    },

    untilGone(server, deadline) {
      const { name = '', namespace = '', uid } = server.metadata;
      const isGone = (): boolean => cache.get(namespace, name)?.metadata.uid !== uid;
      return new Promise((resolve) => {
        const end = (): void => {
          waiting.delete(check);
          deadline.signal.removeEventListener('abort', end);
          resolve(isGone());
        };
        const check = (): void => {
          if (isGone() || deadline.expired) end();
        };
        waiting.add(check);
        deadline.signal.addEventListener('abort', end, { once: true });
        check();
      });
    },

    watch(identity, server, onChange) {
      const { name = '', namespace = '', uid } = server.metadata;
      const key = `${namespace}/${name}`;
      const look = (): void => {
        const now = cache.get(namespace, name);
        onChange(now?.metadata.uid === uid && now && owns(identity, now) ? now : undefined);
      };
      const looks = watching.get(key) ?? new Set();
      watching.set(key, looks.add(look));
      look();
      return () => {
        looks.delete(look);
        if (looks.size === 0 && watching.get(key) === looks) watching.delete(key);
      };
    },

    async isCurrent({ metadata: { name = '', namespace = '', uid } }, deadline) {
      return (await readLive(namespace, name, deadline))?.metadata.uid === uid;
    },

    async refresh({ metadata: { name = '', namespace = '', uid } }, deadline) {
      try {
        const raw = await readRaw(namespace, name, deadline);
        return raw?.metadata.uid === uid && raw ? { raw, server: projectForCache(raw) } : undefined;
      } catch (error) {
        throw translateError(error, { message: `The session ${name} could not be read.` }) ?? error;
      }
    },

    async annotate({ metadata: { name = '', namespace = '', uid, resourceVersion } }, annotations, deadline) {
      const patch = { metadata: { uid, resourceVersion, annotations } };
      try {
        const written = await client.mergePatch<JupyterServer>(type, namespace, name, patch, deadline);
        cache.observe(written);
        return projectForCache(written);
      } catch (error) {
        if (isConflict(error) || isNotFound(error)) return undefined;
        throw error;
      }
    },

    async remove(server, isForced, deadline) {
      const { name = '', namespace = '' } = server.metadata;
      const wasThere = await deleteObject(server, isForced, deadline);
      try {
        // The answer to the deletion does not say what became of the object; the next list must.
        await readLive(namespace, name, deadline);
      } catch (err) {
        log.warn({ err, session: name }, 'a deleted session could not be read again; its state is late');
      }
      return wasThere;
    },
  };
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
