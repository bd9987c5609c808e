import { setImmediate as nextTurn } from 'node:timers/promises';
import { inParallel } from '../../../lib/in-parallel.ts';
import { carryOut } from './actions.ts';
import { align, type Facts } from './align.ts';
import { type Deletions, isMassDeletion } from './decide.ts';
import { consequenceOf, messageOf, SyncFailure, toSyncFailure } from './failure.ts';
import { LocalChange, type LocalScan, scanTree, TooManyEntries } from './local-tree.ts';
import { reservedFolder } from './paths.ts';
import { type Action, filesToHash, plan } from './plan.ts';
import { type RemoteEntry, RemoteError } from './remote.ts';
import { endOfBackup } from './storage.ts';
import type { SkippedEntry } from './sync-folder.ts';
import { hashLocal, type PassContext, type RoundContext } from './transfer.ts';

export interface RoundOptions {
  readonly isIgnored: (path: string, isFolder: boolean) => boolean;
  readonly maxFileBytes: number;
  readonly backupSeconds: number;
  /** Whether old backups may be deleted. */
  readonly mayExpire: boolean;
  /** Whether the round looks for old backups at the remote, which needs further listings. */
  readonly tidiesRemote: boolean;
  /** The number of deletions that the owner has confirmed: more of them suspend the folder. */
  readonly confirmedDeletions: number;
  /** The side on which the files are missing that the owner has confirmed; undefined: each side. */
  readonly confirmedSide?: Deletions['side'] | undefined;
  /** Whether no round of this folder has succeeded yet: then a missing remote folder is created. */
  readonly isFirst: boolean;
  /** Files and folders of one side at most. */
  readonly maxEntries: number;
}

export interface RoundResult {
  /** The folders of the local side. */
  readonly folders: readonly string[];
  readonly skipped: readonly SkippedEntry[];
  /** Why nothing was changed; undefined: the round has ended. */
  readonly suspended?: Deletions;
}

/** A file that changes during each pass waits for the next round. */
const maxPasses = 4;
/** Files that are missing at the remote and looked for again: a look can cost as much as a listing of the file's folder. */
const maxLooks = 100;
/** Transfers at the same time. */
const concurrency = 4;

/** Brings both sides to the same state. Throws SyncFailure, and the reason of the signal. */
export async function runRound(context: RoundContext, options: RoundOptions): Promise<RoundResult> {
  try {
    let result: RoundResult = { folders: [], skipped: [] };
    const changes = new Map<string, number>();
    for (let pass = 1; pass <= maxPasses; pass += 1) {
      const { again, ...found } = await runPass(
        context,
        { ...options, isFirst: options.isFirst && pass === 1 },
        changes,
        pass === maxPasses,
      );
      result = found;
      if (found.suspended || !again) break;
    }
    return result;
  } catch (error) {
    context.signal.throwIfAborted();
    throw toSyncFailure(error);
  }
}

async function runPass(
  context: RoundContext,
  options: RoundOptions,
  changes: Map<string, number>,
  isLast: boolean,
): Promise<RoundResult & { readonly again: boolean }> {
  const { remote, base, signal } = context;
  const listing = listRemote(context, options);
  const scanning = scanLocally(context, options);
  // Both must have ended when the caller closes the folder.
  await Promise.allSettled([listing, scanning]);
  const [entries, local] = [await listing, await scanning];
  const listedAt = performance.now();
  const { capabilities } = remote;
  const aligned = align({
    ...{ base: base.rows(), local, remote: entries, capabilities },
    isIgnored: options.isIgnored,
    maxFileBytes: options.maxFileBytes,
  });
  await nextTurn();
  const failures: SkippedEntry[] = [];
  let again = false;
  const end: { error?: unknown } = {};
  /** Calls `act`, and sorts its failure. */
  const attempt = async (path: string, act: () => Promise<void>) => {
    if ('error' in end) return;
    try {
      signal.throwIfAborted();
      await act();
    } catch (error) {
      const consequence = signal.aborted ? 'end' : consequenceOf(error);
      if (error instanceof LocalChange) changes.set(path, (changes.get(path) ?? 0) + 1);
      if (consequence === 'end') end.error ??= error;
      else if (consequence === 'skip')
        failures.push({ path, side: sideOf(error), reason: 'failed', message: messageOf(error) });
      else {
        again = true;
        const message = 'The file changes all the time. The next round synchronizes it.';
        if (isLast) failures.push({ path, side: sideOf(error), reason: 'changing', message });
      }
    }
  };

  const hashes = new Map<string, readonly string[]>();
  /** A file that changes during the hash has no hash, and so is a changed one. */
  await inParallel(filesToHash(aligned), concurrency, async ({ path, local: entry }: Facts) =>
    attempt(path, async () => {
      if (entry) hashes.set(entry.path, await hashLocal(context, entry));
    }),
  );
  if ('error' in end) throw end.error;
  const { phases, deletions } = plan(aligned, hashes, capabilities);
  const isConfirmed = (each: Deletions) =>
    each.deletions <= options.confirmedDeletions && each.side === (options.confirmedSide ?? each.side);
  const suspended = deletions.find((each) => isMassDeletion(each) && !isConfirmed(each));
  const folders = [...local.entries.values()].flatMap(({ kind, path }) => (kind === 'folder' ? [path] : []));
  if (suspended) return { folders, skipped: aligned.skipped, suspended, again: false };

  const missing = deletions.find(({ side }) => side === 'remote')?.deletions ?? 0;
  const ofPass: PassContext = { ...context, changes, listedAt, looksAgain: missing <= maxLooks };
  base.inTransaction(() => {
    for (const id of aligned.released) base.delete(id);
  });
  for (const phase of phases) {
    // A folder is removed after those in it, and the bandwidth limit is that of one transfer.
    const isOneByOne = context.bytesPerSecond !== null || phase[0]?.kind === 'remove-folder';
    await inParallel(phase, isOneByOne ? 1 : concurrency, (action) =>
      attempt(pathOf(action), async () => {
        if (await carryOut(ofPass, action, hashes)) again = true;
      }),
    );
  }
  await attempt(reservedFolder, () => tidy(context, options));
  if ('error' in end) throw end.error;
  return { folders, skipped: [...aligned.skipped, ...failures], again };
}

const pathOf = (action: Action): string => (action.kind === 'rename' ? action.to.path : action.facts.path);

const sideOf = (error: unknown): 'local' | 'remote' => (error instanceof RemoteError ? 'remote' : 'local');

async function scanLocally(
  { root, signal }: RoundContext,
  { isIgnored, maxEntries }: RoundOptions,
): Promise<LocalScan> {
  try {
    return await scanTree(root, isIgnored, signal, maxEntries);
  } catch (error) {
    if (!(error instanceof TooManyEntries)) throw error;
    const advice = 'Ignore some of them by rules ("ignore"), or synchronize a folder inside of it.';
    throw new SyncFailure('too-many', `The folder of the session ${tooMany(maxEntries)} ${advice}`, { cause: error });
  }
}

const tooMany = (max: number): string =>
  `has more than ${max.toLocaleString('en')} files and folders, which is the most that is synchronized. Nothing was changed.`;

async function listRemote(
  { remote, signal }: RoundContext,
  { isFirst, maxEntries }: RoundOptions,
): Promise<RemoteEntry[]> {
  const list = async () => {
    const entries: RemoteEntry[] = [];
    for await (const entry of remote.list(signal)) {
      entries.push(entry);
      if (entries.length > maxEntries) {
        const advice = 'Synchronize a folder inside of it ("remote.path").';
        throw new RemoteError('too-many', `The folder at the remote ${tooMany(maxEntries)} ${advice}`);
      }
    }
    return entries;
  };
  try {
    return await list();
  } catch (error) {
    const isMissing = error instanceof RemoteError && error.reason === 'not-found';
    if (!isFirst || !isMissing) throw error;
    await remote.makeFolder('', signal);
    return list();
  }
}

/** Removes old backups, and transfers of this folder that an agent that was killed left at the remote. */
async function tidy(context: RoundContext, { backupSeconds, mayExpire, tidiesRemote }: RoundOptions): Promise<void> {
  const now = context.now();
  if (mayExpire) context.storage.expire(now - backupSeconds * 1000);
  if (!tidiesRemote) return;
  const nameOf = ({ path }: RemoteEntry): string => path.slice(path.lastIndexOf('/') + 1);
  const entriesOf = (folder: string) => context.remote.listFolder(`${reservedFolder}/${folder}`, context.signal);
  for (const entry of await entriesOf('tmp'))
    if (nameOf(entry).startsWith(`${context.instance}-`)) await removeAll(context, entry);
  if (!mayExpire) return;
  for (const entry of await entriesOf('backup')) {
    const end = endOfBackup(nameOf(entry));
    if (end !== undefined && end < now) await removeAll(context, entry);
  }
}

/** Removes a file, or a folder with everything in it. */
async function removeAll(context: RoundContext, entry: RemoteEntry): Promise<void> {
  if (entry.kind === 'folder')
    for (const each of await context.remote.listFolder(entry.path, context.signal)) await removeAll(context, each);
  if (entry.kind !== 'other') await context.remote.remove(entry, context.signal);
}
