import { chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asObject, parseJson } from '../../lib/json.ts';
import { isRefName } from '../../session-contract/ref-name.ts';
import { flushToDisk } from './flush.ts';
import { isObjectId } from './format.ts';
import { linkFiles } from './link-files.ts';
import { exists, textOf } from './repository.ts';

/** What the agent remembers on the volume of the session, beside the repository: its folder has mode 0700, its files 0600. */
export interface Memory {
  /** The last save. */
  readonly last: LastSave | null;
  /** Branches at the remote repository that were saved from this work tree, or recovered into it. */
  readonly owned: readonly Owned[];
}

export interface LastSave {
  readonly branch: string;
  readonly commit: string;
  readonly location: 'remote' | 'volume';
  readonly savedAt: string;
  readonly fingerprint: string;
  /** Whether the save has everything that must be saved before the session ends. */
  readonly isWhole: boolean;
}

/** A branch at the remote repository, and the commit that it had. */
export interface Owned {
  readonly branch: string;
  readonly commit: string;
}

/** A save in a file, because the remote repository could not be reached. */
export interface StoredSave extends Owned {
  /** The file of the bundle. */
  readonly bundle: string;
  /** Whether a new clone was made without everything in this save: then a later save does not have its content. */
  readonly isUnread: boolean;
  /** Why the remote repository did not accept the save; null if it did not reject it. */
  readonly rejection: string | null;
}

const memoryFile = 'saves.json';
const storedName = /^save-[0-9a-f]{7,}\.json$/;
const noMemory: Memory = { last: null, owned: [] };

export async function readMemory(folder: string): Promise<Memory> {
  const json = asObject(parseJson((await textOf(join(folder, memoryFile))) ?? '{}'));
  if (!json) return noMemory;
  const last = asObject(json['last']);
  const { branch, commit, location, savedAt, fingerprint, isWhole } = last ?? {};
  const isComplete =
    isText(branch) &&
    isText(commit) &&
    isText(savedAt) &&
    isText(fingerprint) &&
    (location === 'remote' || location === 'volume');
  return {
    last: isComplete ? { branch, commit, location, savedAt, fingerprint, isWhole: isWhole === true } : null,
    owned: ownedIn(json['owned']),
  };
}

export const writeMemory = (folder: string, memory: Memory): Promise<void> =>
  writePrivate(folder, memoryFile, `${JSON.stringify(memory)}\n`);

/** Stores a bundle and LFS objects. `bundle` is a file on the same volume, which is moved. */
export async function storeSave(
  folder: string,
  save: Owned,
  { bundle, lfsObjects }: { readonly bundle: string; readonly lfsObjects: string },
): Promise<void> {
  const name = `save-${save.commit}`;
  await chmod(bundle, 0o600);
  await syncFile(bundle);
  if (await exists(lfsObjects)) {
    await mkdir(join(folder, 'lfs'), { recursive: true, mode: 0o700 });
    await linkFiles(lfsObjects, join(folder, 'lfs', 'objects'));
    await flushToDisk(folder);
  }
  await rename(bundle, join(folder, `${name}.bundle`));
  await describeStored(folder, { ...save, isUnread: false, rejection: null });
}

type Description = Omit<StoredSave, 'bundle'>;

const describeStored = (folder: string, { branch, commit, isUnread, rejection }: Description): Promise<void> =>
  writePrivate(folder, `save-${commit}.json`, `${JSON.stringify({ branch, commit, isUnread, rejection })}\n`);

/** Stores what is known about a save by now. */
export const updateStored = (
  save: StoredSave,
  news: Partial<Pick<StoredSave, 'isUnread' | 'rejection'>>,
): Promise<void> => describeStored(dirname(save.bundle), { ...save, ...news });

/** Returns the saves that have not been pushed, without those that are not complete. */
export async function listStored(folder: string): Promise<StoredSave[]> {
  const found: StoredSave[] = [];
  if (!(await exists(folder))) return found;
  for (const name of await readdir(folder)) {
    if (!storedName.test(name)) continue;
    const json = asObject(parseJson((await textOf(join(folder, name))) ?? ''));
    const [owned] = ownedIn([json]);
    const bundle = join(folder, name.replace(/json$/, 'bundle'));
    if (!owned || !(await exists(bundle))) continue;
    const { isUnread, rejection } = json ?? {};
    found.push({ ...owned, bundle, isUnread: isUnread === true, rejection: isText(rejection) ? rejection : null });
  }
  return found;
}

/** Removes the saves whose content is in a later save, or pushed. */
export async function removeSuperseded(saves: readonly StoredSave[]): Promise<void> {
  for (const save of saves) if (!save.isUnread) await removeStored(save);
}

/** Removes a save, and with the last one the LFS objects. */
export async function removeStored({ bundle }: StoredSave): Promise<void> {
  await rm(bundle.replace(/bundle$/, 'json'), { force: true });
  await rm(bundle, { force: true });
  const folder = dirname(bundle);
  if ((await listStored(folder)).length === 0) await rm(join(folder, 'lfs'), { recursive: true, force: true });
}

/** Writes a file that is complete or does not exist, also after a crash. */
export async function writePrivate(folder: string, name: string, content: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `${name}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
  await syncFile(folder);
}

/** Writes a file, or the names in a folder, to the disk. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

export const isText = (value: unknown): value is string => typeof value === 'string';

/** Returns the valid entries of a list. */
export function ownedIn(value: unknown): Owned[] {
  return (Array.isArray(value) ? value : []).flatMap((entry) => {
    const { branch, commit } = asObject(entry) ?? {};
    return isText(branch) && isRefName(branch) && isText(commit) && isObjectId(commit) ? [{ branch, commit }] : [];
  });
}
