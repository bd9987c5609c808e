import { readdir } from 'node:fs/promises';
import type { components } from '../../generated/agent-api.ts';
import { hasCode } from '../../lib/error-code.ts';
import { createCaches, type IsCache } from './caches.ts';
import { type Change, type IsSynced, type Status, statOf } from './changes.ts';
import { type RepositoryPath, toFile, toText } from './paths.ts';

export type NotSaved = components['schemas']['NotSaved'];

/** Bytes from which an ignored file or folder is named. */
const ignoredBytes = 1_000_000;
const maxNames = 100;
/** Files whose sizes are read. */
const maxFiles = 20_000;

/** Returns whether a filter protects the content of a file: the file is never pushed without the filter, which we do not run. */
export const isProtected = (filter: string | null): boolean => filter !== null && filter !== 'lfs';

/** Returns whether the file is as it was when `git add` stored it: the index has its content, with the filter. */
export const isStaged = ({ state }: Pick<Change, 'state'>): boolean => state[1] === '.';

/** Returns the files and folders that no save has, without caches: their content can be created again. */
export async function nameNotSavable(
  directory: string,
  { changes, nested, ignored, unreadable }: Status,
  isSynced?: IsSynced,
): Promise<NotSaved[]> {
  const named: NotSaved[] = [];
  const walk = { left: maxFiles };
  const isCache = createCaches(directory);
  for (const path of nested)
    named.push({ path: toText(path), bytes: await sizeOf(directory, path, walk), reason: 'nested-repository' });
  for (const path of unreadable) named.push({ path, bytes: 0, reason: 'unreadable' });
  for (const change of changes) {
    const { path, stat } = change;
    if (stat?.kind === 'special') named.push({ path: toText(path), bytes: 0, reason: 'special-file' });
    else if (stat?.kind === 'file' && isProtected(change.attributes.filter) && !isStaged(change))
      named.push({ path: toText(path), bytes: stat.size, reason: 'filtered' });
  }
  const large: NotSaved[] = [];
  for (const path of ignored) {
    if (await isCache(path)) continue;
    const bytes = await sizeOf(directory, path, walk, { isCache, isSynced });
    if (bytes >= ignoredBytes) large.push({ path: toText(path), bytes, reason: 'ignored' });
  }
  large.sort((a, b) => b.bytes - a.bytes);
  return [...named, ...large].slice(0, maxNames);
}

/**
 * Returns the bytes in a file or folder, without caches and files that file sync keeps at a remote. The walk ends after a number of
 * files, so that the result may be too small.
 */
async function sizeOf(
  directory: string,
  path: RepositoryPath,
  walk: { left: number },
  { isCache, isSynced }: { readonly isCache?: IsCache; readonly isSynced?: IsSynced | undefined } = {},
): Promise<number> {
  let bytes = 0;
  const open = [path.replace(/\/$/, '')];
  for (let next = open.pop(); next !== undefined && walk.left > 0; next = open.pop()) {
    walk.left--;
    const stat = statOf(directory, next);
    if (stat?.kind === 'file' && !isSynced?.(next)) bytes += stat.size;
    if (stat?.kind !== 'folder') continue;
    const folder = next;
    if (await isCache?.(folder)) continue;
    open.push(...(await namesIn(toFile(directory, folder))).map((name) => `${folder}/${name.toString('latin1')}`));
  }
  return bytes;
}

async function namesIn(folder: Buffer): Promise<Buffer[]> {
  try {
    return await readdir(folder, { encoding: 'buffer' });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}
