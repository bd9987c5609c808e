import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { resource } from '../../../platform/kubernetes/resources.ts';
import type { Cluster } from '../../cluster.ts';
import { ifMissing } from '../../machine/private-files.ts';
import { readKept, writePrivate } from '../../state-files.ts';
import { MissingClaim } from '../container/environment-variables.ts';
import type { PersistentVolumeClaim, Pod } from '../types.ts';
import { folderName } from './mounts.ts';

const claims = resource.persistentVolumeClaims;
/** Kubernetes' finalizer that keeps a claim until the pod that uses it has ended. */
const protection = 'kubernetes.io/pvc-protection';

export interface Claims {
  /** Starts to bind claims, and to remove the folders of deleted claims. Returns the function that stops this. */
  start(): () => Promise<void>;
  /** Returns the claim's folder `<state>/volumes/<namespace>/<claim>`, and creates it if it is missing. */
  folder(namespace: string, name: string): string;
}

/**
 * Implements PersistentVolumeClaims as folders. A file beside the folder holds the claim's uid: sessions of the same project
 * and commit have the same claim name, and a new claim must not get the files of a deleted one. Changes of names are
 * synchronous, so that two of them cannot interleave.
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

  /** Renames the folder immediately, and removes it later. */
  function discard(namespace: string, name: string, uid: string): void {
    const { folder, owner } = place(namespace, name);
    if (ownerOf(owner) !== uid) return;
    makeDirectories(trash);
    const away = join(trash, randomBytes(8).toString('hex'));
    if (existsSync(folder)) renameSync(folder, away);
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

  function releaseIfUnused({ metadata }: PersistentVolumeClaim): void {
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
      // The object of the event may be outdated, so the current object is used.
      const now = cluster.get<PersistentVolumeClaim>(claims, namespace, name);
      if (now?.metadata.uid !== uid) discard(namespace, name, uid);
      else if (now.metadata.deletionTimestamp === undefined) bind(now);
      else releaseIfUnused(now);
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
      if (uid === undefined) throw new MissingClaim(`persistentvolumeclaim "${name}" not found`);
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

/** Returns the uid; undefined for a missing or damaged file. Then the claim of that name keeps the folder with the user's work. */
function ownerOf(file: string): string | undefined {
  const uid = readKept(file)?.trim() ?? '';
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid) ? uid : undefined;
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

async function emptyTrash(trash: string): Promise<void> {
  const left = await readdir(trash).catch(ifMissing);
  for (const name of left ?? []) await remove(join(trash, name));
}
