import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { freeBytes } from '../machine/disk.ts';
import { readJson, writePrivateFile } from '../machine/private-files.ts';
import { listProcesses } from '../machine/processes.ts';

/** What is kept of a content: its environment, and what its users must be told. */
export interface BuiltRecord {
  /** Name of its folder; null where the content asks for no package. */
  readonly folder: string | null;
  readonly warning: string | null;
}

const day = 24 * 3_600_000;
const unusedDays = 30;
/** A folder without a record is a build that is under way, or the rest of one that was killed. */
const unfinishedMs = day;
/** An environment that was just given out is used by a process in a moment. */
const justUsedMs = 10 * 60_000;

/**
 * Environments by the key of their content in one folder that all platforms of this user share: `<key>.json` is the
 * record, written when the environment is complete; its time of change is its last use. Folders have names of their own,
 * so that the rest of a killed build does not matter.
 */
export class EnvironmentStore {
  readonly directory: string;
  readonly #free: (() => Promise<number>) | undefined;

  /** @param free asked for the bytes that are free, instead of the system */
  constructor(cacheDir: string, free?: () => Promise<number>) {
    this.directory = join(cacheDir, 'environments');
    this.#free = free;
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
  }

  /** The path of something in it. */
  folder(name: string): string {
    return join(this.directory, name);
  }

  newFolder(key: string): string {
    return `${key}-${randomBytes(4).toString('hex')}`;
  }

  lockFile(key: string): string {
    return join(this.directory, `${key}.lock`);
  }

  /** The record of a content, which counts as used now; undefined where there is none, or its folder is gone. */
  async use(key: string): Promise<BuiltRecord | undefined> {
    const record = await readJson<BuiltRecord>(this.#record(key));
    if (!record) return undefined;
    try {
      const now = new Date();
      // Before the folder is looked at: `prune` reads the time last.
      await utimes(this.#record(key), now, now);
      if (record.folder !== null) await stat(join(this.folder(record.folder), 'pyvenv.cfg'));
      return record;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async keep(key: string, record: BuiltRecord): Promise<void> {
    await writePrivateFile(this.#record(key), JSON.stringify(record));
  }

  /** Bytes that are free for this user. */
  async free(): Promise<number> {
    return await (this.#free?.() ?? freeBytes(this.directory));
  }

  /**
   * Removes what was not used for 30 days, and further environments, the least recently used first, for as long as
   * `isEnough` says no. What a process of this user has in its PATH stays. Returns how many were removed.
   */
  async prune(isEnough: () => Promise<boolean>, now = Date.now()): Promise<number> {
    const names = await readdir(this.directory);
    const times = await Promise.all(
      names.map(async (name) => ({ name, usedMs: await changedMs(join(this.directory, name)) })),
    );
    const inUse = foldersInUse(this.directory);
    const records = times.filter(({ name }) => name.endsWith('.json')).sort((a, b) => a.usedMs - b.usedMs);
    const recorded = new Set<string>();
    let removed = 0;
    for (const { name, usedMs } of records) {
      const folder = (await readJson<BuiltRecord>(join(this.directory, name)))?.folder ?? null;
      if (folder !== null) recorded.add(folder);
      const age = now - usedMs;
      const isOld = age > unusedDays * day || (age > justUsedMs && folder !== null && !(await isEnough()));
      if (!isOld || (folder !== null && inUse.has(folder))) continue;
      // Another platform may have given it out since.
      if ((await changedMs(join(this.directory, name))) !== usedMs) continue;
      // The record first: the environment is not found from here on.
      await rm(join(this.directory, name), { force: true });
      await rm(this.lockFile(name.slice(0, -'.json'.length)), { force: true });
      if (folder === null) continue;
      await rm(this.folder(folder), { recursive: true, force: true, maxRetries: 5 });
      removed += 1;
    }
    for (const { name, usedMs } of times) {
      if (name.startsWith('kernel-') && now - usedMs > unusedDays * day)
        await rm(join(this.directory, name), { force: true });
      const isFolder = /^[0-9a-f]+-[0-9a-f]+$/.test(name);
      if (!isFolder || recorded.has(name) || inUse.has(name) || now - usedMs < unfinishedMs) continue;
      await rm(this.folder(name), { recursive: true, force: true, maxRetries: 5 });
      removed += 1;
    }
    return removed;
  }

  #record(key: string): string {
    return join(this.directory, `${key}.json`);
  }
}

/** 0 for what is gone meanwhile. */
async function changedMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/** Names of folders in `directory` that the environment of a living process names. */
function foldersInUse(directory: string): Set<string> {
  const parts = listProcesses().flatMap(({ pid }) => environmentOf(pid).split(`${directory}/`).slice(1));
  return new Set(parts.flatMap((part) => /^[0-9a-f]+-[0-9a-f]+/.exec(part)?.[0] ?? []));
}

/** Empty for a process that has ended, or is another user's. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
