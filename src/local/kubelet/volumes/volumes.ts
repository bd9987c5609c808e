import { randomBytes } from 'node:crypto';
import { mkdir, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ifMissing, makeDirectory, writePrivateFile } from '../../machine/private-files.ts';
import { MissingReference, type References } from '../container/environment-variables.ts';
import type { PodDirectory } from '../pod/directory.ts';
import type { Container, PodSpec, ProjectedSource, Source, Volume } from '../types.ts';
import { containerPath, folderName, isAtOrBelow, type Mount, realPath, relativePath } from './mounts.ts';

export interface VolumeSources extends References {
  /** Returns the claim's folder, and creates it if it is missing. Throws MissingClaim if there is no such claim. */
  claim(name: string): string;
}

/**
 * Creates the pod's volumes on disk and returns their folders by name. Throws MissingReference for a Secret, ConfigMap or
 * claim that does not exist yet.
 */
export async function makeVolumes(
  spec: PodSpec,
  directory: PodDirectory,
  sources: VolumeSources,
): Promise<Map<string, string>> {
  const folders = new Map<string, string>();
  for (const volume of spec.volumes ?? []) folders.set(volume.name, await makeVolume(volume, directory, sources));
  return folders;
}

async function makeVolume(volume: Volume, directory: PodDirectory, sources: VolumeSources): Promise<string> {
  if (volume.persistentVolumeClaim) return sources.claim(volume.persistentVolumeClaim.claimName);
  const folder = directory.volume(volume.name);
  await makeDirectory(folder);
  for (const source of projectedSources(volume)) await writeSource(source, folder, sources);
  return folder;
}

function projectedSources(volume: Volume): ProjectedSource[] {
  const { secret, configMap, projected, emptyDir } = volume;
  if (secret) return [{ secret: { ...secret, name: secret.secretName ?? '' } }];
  if (configMap) return [{ configMap }];
  if (projected) return projected.sources ?? [];
  if (emptyDir) return [];
  throw new Error(`the type of the volume ${volume.name} is not supported on this machine`);
}

async function writeSource({ secret, configMap }: ProjectedSource, folder: string, sources: VolumeSources) {
  if (secret) {
    const files = contents('secret', secret, sources.secret(secret.name ?? ''), 'base64');
    await writeFiles(files, secret, folder);
  }
  if (configMap) {
    const files = contents('configmap', configMap, sources.configMap(configMap.name ?? ''), 'utf8');
    await writeFiles(files, configMap, folder);
  }
}

function contents(
  kind: string,
  { name, optional }: { name?: string } & Source,
  object: { data?: Record<string, string> } | undefined,
  encoding: 'utf8' | 'base64',
): Map<string, Uint8Array> {
  if (!object && !optional) throw new MissingReference(`${kind} "${name}" not found`);
  return new Map(Object.entries(object?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)]));
}

async function writeFiles(files: Map<string, Uint8Array>, { items, optional }: Source, folder: string): Promise<void> {
  const wanted = items ?? [...files.keys()].map((key) => ({ key, path: folderName('key', key) }));
  for (const { key, path } of wanted) {
    const content = files.get(key);
    if (content === undefined) {
      if (optional) continue;
      throw new MissingReference(`references non-existent key: ${key}`);
    }
    const file = join(folder, relativePath(path));
    await makeDirectory(dirname(file));
    await writePrivateFile(file, content);
  }
}

/**
 * Returns the container's mounts. A mount of one file (`subPath`) inside another mount becomes a link there, because Jupyter
 * searches a folder for its configuration; other mounts are reached by rewritten paths.
 */
export async function makeMounts(container: Container, volumes: ReadonlyMap<string, string>): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const { name, mountPath, subPath } of container.volumeMounts ?? []) {
    const folder = volumes.get(name);
    if (folder === undefined) throw new Error(`the volume ${name} is not defined`);
    mounts.push({ path: containerPath(mountPath), source: subPath ? await subFolder(folder, subPath) : folder });
  }
  for (const mount of mounts) await linkFile(mount, mounts);
  return mounts;
}

async function subFolder(folder: string, subPath: string): Promise<string> {
  const source = join(folder, relativePath(subPath));
  if ((await stat(source).catch(ifMissing)) === undefined) await makeDirectory(source);
  // The session may write links in the volume. Such a link must not lead out of the volume.
  if (!isAtOrBelow(await realpath(source), await realpath(folder))) {
    throw new Error(`the path ${subPath} leads out of the volume`);
  }
  return source;
}

async function linkFile(mount: Mount, mounts: readonly Mount[]): Promise<void> {
  if (!(await stat(mount.source)).isFile()) return;
  const others = mounts.filter((other) => other !== mount);
  const place = realPath(others, mount.path);
  const holder = realPath(others, dirname(mount.path));
  if (place === undefined || holder === undefined) return;
  await mkdir(holder, { recursive: true, mode: 0o700 });
  const temporary = join(holder, `.${basename(place)}.${randomBytes(6).toString('hex')}`);
  await symlink(mount.source, temporary);
  // Replaces a file or link without following it. A folder at that path belongs to the session: the rename fails.
  await rename(temporary, place).catch(async (error: unknown) => {
    await rm(temporary, { force: true });
    throw error;
  });
}

/** Creates and returns the working directory: in its mount, or in the container's scratch folder if no mount contains it. */
export async function makeWorkingDirectory(path: string, mounts: readonly Mount[], scratch: string): Promise<string> {
  const folder = realPath(mounts, path) ?? join(scratch, containerPath(path));
  await makeDirectory(folder);
  return folder;
}
