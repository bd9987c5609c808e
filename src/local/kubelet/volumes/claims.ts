import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { resource } from '../../../platform/kubernetes/resources.ts';
import type { Cluster } from '../../cluster.ts';
import { readKept, writePrivate } from '../../state-files.ts';
import { MissingReference } from '../container/environment-variables.ts';
import type { PersistentVolumeClaim, Pod } from '../types.ts';
import { folderName } from './mounts.ts';

const claims = resource.persistentVolumeClaims;
/** Kubernetes' own finalizer: a claim that a pod uses stays until the pod has ended. */
const protection = 'kubernetes.io/pvc-protection';
export interface Claims {
  /** Binds the claims there are and those to come, and removes the folder of a deleted one. Returns what ends it. */
  start(): () => Promise<void>;
  /** The claim's folder `<state>/volumes/<namespace>/<claim>`, made if it is not there. */
  folder(namespace: string, name: string): string;
}

/**
 * PersistentVolumeClaims as folders. A claim's folder notes whose it is: names of claims come back (a session of the
 * same project and commit has the same name), and the new one must not find the old one's files. What is done to the
 * names is synchronous, so that no two of these steps can mix.
 */
export function createClaims(options: { cluster: Cluster; stateDir: string; log: Logger }): Claims {
  const { cluster, log } = options;
  const root = join(options.stateDir, 'volumes');
  const trash = join(root, '.deleted');
  const removals = new Set<Promise<void>>();

  const place = (namespace: string, name: string) => {
    const parent = join(root, folderName('label', namespace));
    const claim = folderName('subdomain', name);
    return { parent, folder: join(parent, claim), owner: join(parent, `.${claim}.uid`) };
  };

  /** Out of the way at once, by a rename; removed later. */
  function discard(namespace: string, name: string, uid: string): void {
    const { folder, owner } = place(namespace, name);
    if (ownerOf(owner) !== uid) return;
    makeDirectories(trash);
    const away = join(trash, randomBytes(8).toString('hex'));
    unlessMissing(() => renameSync(folder, away));
    rmSync(owner, { force: true });
    removeLater(() => remove(away));
  }

  function removeLater(action: () => Promise<void>): void {
    const guarded = action().catch((error: unknown) =>
      log.error({ err: error }, 'a deleted volume could not be removed'),
    );
    removals.add(guarded);
    void guarded.finally(() => removals.delete(guarded));
  }

  function bind({ metadata, spec, status }: PersistentVolumeClaim): void {
    const { namespace = '', name = '', finalizers = [] } = metadata;
    if (!finalizers.includes(protection)) {
      cluster.mergePatch(claims, namespace, name, { metadata: { finalizers: [...finalizers, protection] } });
    }
    if (status?.phase === 'Bound') return;
    cluster.patchStatus(claims, namespace, name, {
      phase: 'Bound',
      accessModes: spec?.accessModes ?? ['ReadWriteOnce'],
      capacity: { storage: spec?.resources?.requests?.['storage'] ?? '0' },
    });
  }

  function letGoIfUnused({ metadata }: PersistentVolumeClaim): void {
    const { namespace = '', name = '', finalizers = [] } = metadata;
    if (!finalizers.includes(protection)) return;
    const uses = (pod: Pod) => pod.spec?.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === name);
    if (cluster.list<Pod>(resource.pods, { namespace }).some(uses)) return;
    cluster.mergePatch(claims, namespace, name, {
      metadata: { finalizers: finalizers.filter((finalizer) => finalizer !== protection) },
    });
  }

  function reconcile({ metadata }: PersistentVolumeClaim): void {
    const { namespace = '', name = '', uid = '' } = metadata;
    try {
      // Events come after the fact: what to do is decided from what is there now.
      const now = cluster.get<PersistentVolumeClaim>(claims, namespace, name);
      if (now?.metadata.uid !== uid) discard(namespace, name, uid);
      else if (now.metadata.deletionTimestamp === undefined) bind(now);
      else letGoIfUnused(now);
    } catch (error) {
      log.error({ err: error, claim: `${namespace}/${name}` }, 'a claim could not be reconciled');
    }
  }

  return {
    start() {
      removeLater(() => emptyTrash(trash));
      const ends = [
        cluster.watch<PersistentVolumeClaim>(claims, ({ object }) => reconcile(object)),
        cluster.watch<Pod>(resource.pods, ({ type, object: { metadata } }) => {
          if (type !== 'DELETED') return;
          cluster.list<PersistentVolumeClaim>(claims, { namespace: metadata.namespace ?? '' }).forEach(reconcile);
        }),
      ];
      return async () => {
        for (const end of ends) end();
        await Promise.all(removals);
      };
    },

    folder(namespace, name) {
      const uid = cluster.get<PersistentVolumeClaim>(claims, namespace, name)?.metadata.uid;
      if (uid === undefined) throw new MissingReference(`persistentvolumeclaim "${name}" not found`);
      const { folder, owner } = place(namespace, name);
      const before = ownerOf(owner);
      if (before !== undefined && before !== uid) discard(namespace, name, before);
      makeDirectories(folder);
      if (before !== uid) writePrivate(owner, uid);
      return folder;
    },
  };
}

const makeDirectories = (folder: string): void => void mkdirSync(folder, { recursive: true, mode: 0o700 });

/** undefined for a damaged file, too: the folder is then kept for the claim of its name, since a user's work may be in it. */
function ownerOf(file: string): string | undefined {
  const uid = readKept(file)?.trim() ?? '';
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid) ? uid : undefined;
}

function unlessMissing<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

async function emptyTrash(trash: string): Promise<void> {
  const left = await readdir(trash).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of left) await remove(join(trash, name));
}
