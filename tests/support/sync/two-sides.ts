import { closeSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BaseTable, openBaseTable } from '../../../src/session-tools/agent/sync/base-table.ts';
import { openTrusted } from '../../../src/session-tools/agent/sync/folder-handle.ts';
import { noCounters } from '../../../src/session-tools/agent/sync/folder-state.ts';
import { createIgnoreRules } from '../../../src/session-tools/agent/sync/ignore-rules.ts';
import { createLocalRemote } from '../../../src/session-tools/agent/sync/local-remote.ts';
import { reservedFolder } from '../../../src/session-tools/agent/sync/paths.ts';
import type { Remote } from '../../../src/session-tools/agent/sync/remote.ts';
import { type RoundOptions, type RoundResult, runRound } from '../../../src/session-tools/agent/sync/round.ts';
import { openStorage, remoteStampOf, stampOf } from '../../../src/session-tools/agent/sync/storage.ts';
import type { SyncConflict, SyncCounters } from '../../../src/session-tools/agent/sync/sync-folder.ts';

const backupSeconds = 3600;

/** A local folder, a remote in another folder, and the state of the agent. */
export interface TwoSides {
  readonly top: string;
  readonly local: string;
  readonly remote: string;
  readonly volume: string;
  /** Runs a round as a new start of the agent does, and returns its result with what it counted. */
  round(changes?: RoundChanges): Promise<RoundResult & { readonly counters: SyncCounters }>;
  conflicts(): SyncConflict[];
  remove(): void;
}

export interface RoundChanges extends Partial<RoundOptions> {
  readonly signal?: AbortSignal;
  readonly bytesPerSecond?: number;
  readonly now?: () => number;
  /** Connects to the remote; by default, to the folder `remote`. */
  readonly open?: () => Promise<Remote>;
  /** Returns the remote that the round uses. */
  readonly wrap?: (remote: Remote) => Remote;
  /** Returns the base table that the round uses. */
  readonly wrapBase?: (base: BaseTable) => BaseTable;
}

export { noCounters };

export const makeTwoSides = (): TwoSides => openTwoSides(mkdtempSync(join(tmpdir(), 'sync-')));

/** Returns sides in memory if the system has a folder for that: hundreds of rounds need no disk. */
export const makeTwoSidesInMemory = (): TwoSides =>
  openTwoSides(mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sync-')));

/** Returns the sides in a folder, which is empty at first. */
export function openTwoSides(top: string): TwoSides {
  const [local, remote, volume] = ['local', 'remote', 'volume'].map((name) => {
    mkdirSync(join(top, name), { recursive: true });
    return join(top, name);
  }) as [string, string, string];
  return {
    ...{ top, local, remote, volume },
    async round({
      signal = new AbortController().signal,
      wrap = (each: Remote) => each,
      wrapBase = (each: BaseTable) => each,
      open = async () => createLocalRemote(remote),
      bytesPerSecond,
      now = Date.now,
      ...options
    } = {}) {
      await using opened = new AsyncDisposableStack();
      const storage = opened.adopt(openStorage(volume, 'docs'), (each) => each.close());
      const base = opened.adopt(openBaseTable(storage.database), (each) => each.close());
      const root = opened.adopt(openTrusted(local), closeSync);
      const connected = wrap(opened.adopt(await open(), (each) => each.close()));
      const time = storage.roundTime(now());
      let counters = noCounters;
      const result = await runRound(
        {
          ...{ root, remote: connected, base: wrapBase(base), storage, signal, instance: 'test', now },
          stamp: stampOf(time),
          remoteStamp: remoteStampOf(time, options.backupSeconds ?? backupSeconds),
          bytesPerSecond: bytesPerSecond ?? null,
          count(changes) {
            for (const [name, value] of Object.entries(changes))
              counters = { ...counters, [name]: counters[name as keyof SyncCounters] + value };
          },
        },
        {
          isIgnored: createIgnoreRules([]),
          maxFileBytes: Number.MAX_SAFE_INTEGER,
          backupSeconds,
          mayExpire: true,
          tidiesRemote: true,
          maxEntries: 1000,
          confirmedDeletions: 0,
          isFirst: false,
          ...options,
        },
      );
      return { ...result, counters };
    },
    conflicts() {
      const base = openBaseTable(join(volume, 'sync', 'docs', 'base.db'));
      try {
        return base.conflicts();
      } finally {
        base.close();
      }
    },
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}

/** Returns the files of a side with their content; folders end with a slash. Links are not followed. */
export function contentOf(directory: string, parent = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const [name, path] = [`${parent}${entry.name}`, join(directory, entry.name)];
    if (name === reservedFolder) continue;
    if (entry.isDirectory()) Object.assign(found, { [`${name}/`]: '' }, contentOf(path, `${name}/`));
    else found[name] = entry.isFile() ? readFileSync(path, 'utf8') : 'special';
  }
  return found;
}

/** Returns the content of all files below a folder, for example of all backups. */
export function allContents(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const path = join(directory, name);
    return lstatSync(path).isFile() ? [readFileSync(path, 'utf8')] : [];
  });
}
