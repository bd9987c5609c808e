import type { components } from '../../generated/agent-api.ts';
import { autosaveBranch, autosavePrefix } from '../../session-contract/autosave.ts';
import { isRefName } from '../../session-contract/ref-name.ts';
import type { Git } from '../git-clone/git.ts';
import { bundle, writeBranch } from './bundle.ts';
import { type Collected, collect } from './collect.ts';
import type { CollectSettings } from './collect-settings.ts';
import { nameEarlierSaves } from './earlier-saves.ts';
import { SaveFailure, toSaveFailure } from './failure.ts';
import { linkFiles } from './link-files.ts';
import type { NotSaved } from './not-savable.ts';
import { toText } from './paths.ts';
import { storeProtected } from './protected-files.ts';
import { type Compared, compareWithRemote } from './pushed.ts';
import { deleteBranch, fetchRefs, listRemote, pushLfs, pushSave, type Remote } from './remote.ts';
import { type Home, type Repository, type RepositoryContext, readRepository } from './repository.ts';
import { output } from './run.ts';
import { isEmpty, readState, type Scan, type State, scanWith } from './scan.ts';
import { createScratch, type Scratch, writeRefs } from './scratch.ts';
import { saveSubmodules } from './submodules.ts';
import { confirmTags, readKnownTags } from './tags.ts';
import {
  type LastSave,
  listStored,
  type Memory,
  readMemory,
  removeSuperseded,
  storeSave,
  writeMemory,
} from './volume.ts';

type SaveResult = components['schemas']['SaveResult'];
export type Step = components['schemas']['Operation']['progress']['step'];

export interface SaveSettings {
  /** The work tree. */
  readonly directory: string;
  /** The folder of the agent on the volume of the repository. */
  readonly folder: string;
  readonly remote: Remote;
  readonly mayPush: boolean;
  readonly username: string;
  /** The branch and the commit of the launch, parts of the name of the save. */
  readonly branch: string;
  readonly rootCommit: string;
  /** Changed files of at least this size are stored in Git LFS; undefined: none. */
  readonly lfsMinimumBytes: number | undefined;
  readonly home?: Home | undefined;
  /** See RepositoryContext. */
  readonly isSynced?: RepositoryContext['isSynced'];
}

/** Returns what a reader of the session's repository must know. */
export const contextOf = async ({ remote, folder, home, isSynced }: SaveSettings): Promise<RepositoryContext> => ({
  url: remote.url,
  knownTags: await readKnownTags(folder),
  home,
  isSynced,
});

export interface SaveTools {
  readonly git: Git;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly progress: (step: Step, done: number, total: number | null) => void;
}

export interface Saved {
  readonly result: SaveResult;
  /** Why the remote repository does not have the save, which is on the volume. */
  readonly failure: SaveFailure | null;
}

interface Job {
  readonly tools: SaveTools;
  readonly settings: SaveSettings;
  readonly scratch: Scratch;
  readonly scan: Scan;
  readonly memory: Memory;
  readonly branch: string;
  /** Whether the branches of the remote repository have moved on. */
  readonly isBehind: boolean;
  /** The branches of the remote repository at the start of the save. */
  readonly heads: ReadonlyMap<string, string>;
}

/** Attempts for a branch that another program changes at the same time. */
const maxAttempts = 3;
const maxNames = 100;

/**
 * Saves everything that the remote repository does not have: to a branch of it, or else to a file on the volume. The user's
 * repository stays as it is. Throws SaveFailure if nothing was saved.
 */
export async function save(tools: SaveTools, settings: SaveSettings): Promise<Saved> {
  try {
    tools.progress('scanning', 0, null);
    const repository = await readRepository(tools.git, settings.directory, await contextOf(settings));
    return await withEarlierSaves(await saveChanges(tools, settings, repository), settings.folder);
  } catch (error) {
    throw toSaveFailure(error);
  }
}

/** A later save does not have the content of these, so the volume must not be deleted. */
async function withEarlierSaves({ result, failure }: Saved, folder: string): Promise<Saved> {
  const earlier = await nameEarlierSaves(folder);
  if (earlier.length === 0) return { result, failure };
  const notSaved = [...earlier, ...result.notSaved].slice(0, maxNames);
  return { result: { ...result, isVerified: false, notSaved }, failure };
}

async function saveChanges(tools: SaveTools, settings: SaveSettings, repository: Repository): Promise<Saved> {
  const scratch = await createScratch(tools.git, settings.folder, repository, settings.remote.url);
  try {
    const { remote, compared } = await findRemote(scratch, repository, settings);
    const scan = await scanWith(tools.git, settings.folder, compared.repository, scratch);
    const branch = nameOf(settings, scan);
    const memory = await readMemory(settings.folder);
    const { isBehind } = compared;
    const heads = remote.heads ?? new Map<string, string>();
    const job = { tools, settings, scratch, scan, memory, branch, isBehind, heads };
    if (isEmpty(scan)) return await nothingToSave(job, remote.heads);
    if (isSaved(job, remote.heads)) return alreadySaved(job);
    return remote.heads ? await saveRemotely(job, remote.heads) : await saveOnVolume(job, remote.failure);
  } finally {
    await scratch.remove();
  }
}

type RemoteState =
  | { readonly heads: ReadonlyMap<string, string> }
  | { readonly heads?: undefined; readonly failure: SaveFailure };

/**
 * Returns the branches of the remote repository, or why nothing can be pushed to it, and the repository with the remote-tracking
 * branches as they are now.
 */
async function findRemote(
  scratch: Scratch,
  repository: Repository,
  { remote, mayPush, folder }: SaveSettings,
): Promise<{ remote: RemoteState; compared: Compared }> {
  const unknown = { repository, isBehind: false };
  if (!mayPush) {
    const message = 'You do not have permission to push to this project. Download the files that you want to keep.';
    return { remote: { failure: new SaveFailure('push-rejected', message) }, compared: unknown };
  }
  try {
    const heads = await listRemote(scratch.git, remote);
    const own = await confirmTags(scratch.git, folder, repository, remote);
    return { remote: { heads }, compared: await compareWithRemote(scratch, own, remote, heads) };
  } catch (error) {
    if (!(error instanceof SaveFailure)) throw error;
    await writeRefs(scratch.directory, repository.refs);
    return { remote: { failure: error }, compared: unknown };
  }
}

function nameOf({ username, branch, rootCommit }: SaveSettings, { repository }: Scan): string {
  const finalCommit = repository.head.commit ?? '0'.repeat(40);
  const name = autosaveBranch({ username, rootBranch: branch, rootCommit, finalCommit });
  if (!isRefName(name)) throw new SaveFailure('internal', `The save would have the name "${name}", which is invalid.`);
  return name;
}

async function nothingToSave(job: Job, heads: ReadonlyMap<string, string> | undefined): Promise<Saved> {
  const { settings, memory, scan } = job;
  const isKept = memory.last === null && memory.owned.length === 0;
  if (heads && !isKept) {
    const owned = await forget(job, memory.owned);
    await writeMemory(settings.folder, { last: null, owned });
    await removeSuperseded(await listStored(settings.folder));
  }
  const notSaved = notSavableIn(scan);
  const result = { location: 'none', branch: null, commit: null, files: 0, commits: 0 } as const;
  return { result: { ...result, isVerified: isWhole(notSaved), changedMeanwhile: [], notSaved }, failure: null };
}

/** Returns whether the remote repository has a save of exactly this state, with everything in it. */
const isSaved = ({ memory: { last }, scan, branch }: Job, heads: ReadonlyMap<string, string> | undefined): boolean =>
  last?.location === 'remote' &&
  last.isWhole &&
  last.fingerprint === scan.fingerprint &&
  heads?.get(`refs/heads/${branch}`) === last.commit;

function alreadySaved({ memory, scan, branch }: Job): Saved {
  const notSaved = notSavableIn(scan);
  return {
    result: {
      location: 'remote',
      branch,
      commit: memory.last?.commit ?? null,
      isVerified: isWhole(notSaved),
      files: scan.changes.length,
      commits: scan.commits,
      changedMeanwhile: [],
      notSaved,
    },
    failure: null,
  };
}

async function saveRemotely(job: Job, heads: ReadonlyMap<string, string>): Promise<Saved> {
  const { tools, settings, scratch, scan, branch } = job;
  const ref = `refs/heads/${branch}`;
  let existing = heads.get(ref);
  let collected: Collected | undefined;
  let { lfsMinimumBytes } = settings;
  try {
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      tools.progress('collecting', 0, scan.changes.length);
      collected = await collectAll(job, await fetchFormer(job, existing), lfsMinimumBytes);
      await writeBranch(scratch, branch, collected.commit);
      tools.progress('pushing', 0, null);
      if (collected.usesLfs && !(await uploadLfs(job, collected))) {
        // The git server has no LFS: large files become ordinary ones.
        lfsMinimumBytes = undefined;
        continue;
      }
      const pushed = { branch, commit: collected.commit, expected: existing };
      if (await pushSave(scratch, settings.remote, pushed, job.isBehind)) return await verify(job, collected);
      existing = (await listRemote(scratch.git, settings.remote, ref)).get(ref);
    }
    throw new SaveFailure('git', `Another program changes the branch ${branch} at the same time. Save again.`);
  } catch (error) {
    return saveOnVolume(job, toSaveFailure(error), collected);
  }
}

/** Returns false if the git server does not take LFS objects, and only files of this save are stored in LFS. */
async function uploadLfs({ scratch, settings, scan, branch }: Job, { onlyLargeFiles }: Collected): Promise<boolean> {
  try {
    await pushLfs(scratch, settings.remote, branch);
    return true;
  } catch (error) {
    const { reason } = toSaveFailure(error);
    if (!onlyLargeFiles || scan.lfs.objects > 0 || (reason !== 'git' && reason !== 'push-rejected')) throw error;
    return false;
  }
}

/** Fetches a save with the same name that is not of this work tree: the new save keeps the former one. */
async function fetchFormer(
  { scratch, settings, memory, branch }: Job,
  existing: string | undefined,
): Promise<string[]> {
  const isOwned = memory.owned.some((each) => each.branch === branch && each.commit === existing);
  if (existing === undefined || isOwned) return [];
  const name = 'refs/notebook-sessions/former';
  await fetchRefs(scratch, settings.remote, [`+refs/heads/${branch}:${name}`]);
  return [(await output(scratch.git, ['rev-parse', '--verify', name])).trimEnd()];
}

async function collectAll(
  job: Job,
  former: readonly string[],
  lfsMinimumBytes: number | undefined,
): Promise<Collected> {
  const { tools, settings, scratch, scan } = job;
  const { config } = scan.repository;
  const author = {
    name: config.get('user.name') || settings.username,
    email: config.get('user.email') || `${settings.username}@localhost`,
  };
  const common = {
    author,
    savedAt: new Date(tools.now()),
    message: `Autosave of ${settings.username} on ${settings.branch} from ${settings.rootCommit.slice(0, 7)}\n`,
  };
  const submodules = await saveSubmodules(tools.git, settings.folder, scratch.directory, scan, common);
  const details: CollectSettings = { ...common, former, submodules, lfsMinimumBytes };
  const collected = await collect(scratch, scan, details);
  // Git LFS pushes objects of its own folder only, and says nothing of others that are missing.
  const { commonDirectory, stashes } = scan.repository;
  const objects = await linkFiles(`${commonDirectory}/lfs/objects`, `${scratch.directory}/lfs/objects`);
  const usesLfs = collected.usesLfs || scan.lfs.objects > 0 || (objects > 0 && stashes.length > 0);
  const { directory, folder } = settings;
  await storeProtected(scratch, { directory, folder, paths: collected.protectedFiles }, common);
  return { ...collected, usesLfs };
}

/** Checks that the remote repository has the save, and that nothing has changed since. */
async function verify(job: Job, collected: Collected): Promise<Saved> {
  const { tools, settings, scratch, scan, memory, branch } = job;
  const { commit } = collected;
  tools.progress('verifying', 0, null);
  const ref = `refs/heads/${branch}`;
  const found = (await listRemote(scratch.git, settings.remote, ref)).get(ref);
  if (found !== commit)
    throw new SaveFailure('git', `The git server has confirmed the save, and its branch ${branch} is another commit.`);
  const stored = await listStored(settings.folder);
  const older = await forget(
    job,
    memory.owned.filter((owned) => owned.branch !== branch),
  );
  const notSaved = allNotSaved(scan, collected);
  await remember(job, { commit, location: 'remote', isWhole: isWhole(notSaved) }, [...older, { branch, commit }]);
  await removeSuperseded(stored);
  const changedMeanwhile = await findLaterChanges(job);
  const isVerified = changedMeanwhile.length === 0 && isWhole(notSaved);
  return {
    result: resultOf(job, collected, { location: 'remote', isVerified, changedMeanwhile, notSaved }),
    failure: null,
  };
}

/** What keeps a save from being complete. The user is told of the other reasons before the end of the session. */
const blocking: ReadonlySet<NotSaved['reason']> = new Set(['unreadable', 'changing', 'too-large', 'filtered']);

async function saveOnVolume(job: Job, failure: SaveFailure, before?: Collected): Promise<Saved> {
  const { settings, scratch, scan, memory, branch } = job;
  if (failure.reason === 'cancelled' || failure.reason === 'disk-full') throw failure;
  const collected = before ?? (await collectAll(job, [], undefined));
  await writeBranch(scratch, branch, collected.commit);
  const file = await bundle(scratch, branch, scratch.directory, 'save');
  const older = await listStored(settings.folder);
  const saved = { branch, commit: collected.commit };
  await storeSave(settings.folder, saved, { bundle: file, lfsObjects: `${scratch.directory}/lfs/objects` });
  const notSaved = allNotSaved(scan, collected);
  const last = { commit: collected.commit, location: 'volume', isWhole: isWhole(notSaved) } as const;
  await remember(job, last, memory.owned);
  await removeSuperseded(older.filter(({ commit }) => commit !== collected.commit));
  const changedMeanwhile = await findLaterChanges(job);
  const result = resultOf(job, collected, { location: 'volume', isVerified: false, changedMeanwhile, notSaved });
  return { result, failure };
}

const isWhole = (notSaved: readonly NotSaved[]): boolean => !notSaved.some(({ reason }) => blocking.has(reason));

async function findLaterChanges({ tools, settings, scan }: Job): Promise<string[]> {
  const later = await readState(tools.git, settings.folder, scan.repository, await contextOf(settings));
  if (later.fingerprint === scan.fingerprint) return [];
  const keys = ({ changes }: State) =>
    new Map(changes.map(({ path, record, stat }) => [path, `${record}${stat?.signature ?? ''}`]));
  const [before, after] = [keys(scan), keys(later)];
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter(
    (path) => before.get(path) !== after.get(path),
  );
  // A change of branches, stashes or submodules has no file.
  return paths.length > 0 ? paths.slice(0, maxNames).map(toText) : ['.git'];
}

/** Returns all that is not in the save: what blocks the end of the session comes first, because the list is cut. */
const allNotSaved = (scan: Scan, { notSaved }: Collected): NotSaved[] => {
  const known = new Set(notSaved.map(({ path }) => path));
  const all = [...notSaved, ...notSavableIn(scan).filter(({ path }) => !known.has(path))];
  return all.toSorted((a, b) => Number(blocking.has(b.reason)) - Number(blocking.has(a.reason))).slice(0, maxNames);
};

/** Returns what no save of the repository and of its submodules has. */
const notSavableIn = ({ notSavable, submodules }: Scan): NotSaved[] => [
  ...notSavable,
  ...submodules.flatMap(({ path, scan }) =>
    notSavableIn(scan).map((each) => ({ ...each, path: `${toText(path)}/${each.path}` })),
  ),
];

const resultOf = (
  { scan, branch }: Job,
  { commit }: Collected,
  rest: Pick<SaveResult, 'location' | 'isVerified' | 'changedMeanwhile' | 'notSaved'>,
): SaveResult => ({ ...rest, branch, commit, files: scan.changes.length, commits: scan.commits });

async function remember(
  { tools, settings, scan, branch }: Job,
  saved: Pick<LastSave, 'commit' | 'location' | 'isWhole'>,
  owned: Memory['owned'],
): Promise<void> {
  const savedAt = new Date(tools.now()).toISOString();
  const last = { ...saved, branch, savedAt, fingerprint: scan.fingerprint };
  await writeMemory(settings.folder, { last, owned });
}

/**
 * Deletes saves at the remote repository whose content is in a later save, or pushed. Returns those that could not be deleted: the
 * next save deletes them.
 */
async function forget({ scratch, settings, heads }: Job, owned: Memory['owned']): Promise<Memory['owned']> {
  const left: Memory['owned'][number][] = [];
  for (const save of owned) {
    // Another program has deleted or changed the branch, or the branch is no save of this user: the file can be changed.
    const isThere = heads.get(`refs/heads/${save.branch}`) === save.commit;
    if (!isThere || !save.branch.startsWith(autosavePrefix(settings.username))) continue;
    try {
      await deleteBranch(scratch, settings.remote, save);
    } catch (error) {
      if (!(error instanceof SaveFailure)) throw error;
      left.push(save);
    }
  }
  return left;
}
