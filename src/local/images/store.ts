import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { freeBytes } from '../machine/disk.ts';
import { ifMissing, readJson, writePrivateFile } from '../machine/private-files.ts';
import { listProcesses, readProc } from '../machine/processes.ts';

/** The result of a build: the environment, and a warning for the owners of its sessions. */
export interface BuiltRecord {
  /** Name of the environment's folder; null if no package is required. */
  readonly folder: string | null;
  readonly warning: string | null;
}

const day = 24 * 3_600_000;
const unusedDays = 30;
/** A folder without a record may be a build in progress if it is younger than this; otherwise its build was killed. */
const unfinishedMs = day;
/** An environment that was returned within this time will soon be used by a process. */
const justUsedMs = 10 * 60_000;

/**
 * Keeps environments in one folder that all platforms of this user share. The key is a hash of the content: `<key>.json` is
 * the record, which is written when the environment is complete; its modification time is the last use. The names of the
 * environments' folders are random, so that the files of a killed build have no effect.
 */
export class EnvironmentStore {
  readonly directory: string;
  readonly #free: (() => Promise<number>) | undefined;

  /** @param free returns the free bytes of the disk; by default those that the system reports */
  constructor(cacheDir: string, free?: () => Promise<number>) {
    this.directory = join(cacheDir, 'environments');
    this.#free = free;
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
  }

  /** Returns the path of `name` in the store. */
  folder(name: string): string {
    return join(this.directory, name);
  }

  newFolder(key: string): string {
    return `${key}-${randomBytes(4).toString('hex')}`;
  }

  lockFile(key: string): string {
    return join(this.directory, `${key}.lock`);
  }

  /** Returns the record of `key` and sets its last use; undefined if there is no record, or its folder was deleted. */
  async use(key: string): Promise<BuiltRecord | undefined> {
    const record = await readJson<BuiltRecord>(this.#record(key));
    if (!record) return undefined;
    try {
      const now = new Date();
      // The time is set before the folder is checked, because `prune` reads the time last.
      await utimes(this.#record(key), now, now);
      if (record.folder !== null) await stat(join(this.folder(record.folder), 'pyvenv.cfg'));
      return record;
    } catch (error) {
      return ifMissing(error);
    }
  }

  async keep(key: string, record: BuiltRecord): Promise<void> {
    await writePrivateFile(this.#record(key), JSON.stringify(record));
  }

  /** Returns the bytes that this user may still write. */
  async free(): Promise<number> {
    return await (this.#free?.() ?? freeBytes(this.directory));
  }

  /**
   * Removes environments that were not used for 30 days, and further ones, the least recently used first, until `isEnough`
   * returns true. Environments that a process of this user uses are kept. Returns the number of removed environments.
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
      // Another platform may have used it in the meantime.
      if ((await changedMs(join(this.directory, name))) !== usedMs) continue;
      // The record is removed first, so that the environment cannot be found any more.
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

/** Returns the modification time; 0 for a file that was removed. */
async function changedMs(path: string): Promise<number> {
  return (await stat(path).catch(ifMissing))?.mtimeMs ?? 0;
}

/** Returns the names of folders in `directory` that appear in the environment variables of running processes. */
function foldersInUse(directory: string): Set<string> {
  const environments = listProcesses().map(({ pid }) => readProc(pid, 'environ') ?? '');
  const parts = environments.flatMap((environment) => environment.split(`${directory}/`).slice(1));
  return new Set(parts.flatMap((part) => /^[0-9a-f]+-[0-9a-f]+/.exec(part)?.[0] ?? []));
}
