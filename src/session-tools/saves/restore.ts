import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseAutosave } from '../../session-contract/autosave.ts';
import { kindOf } from '../git-clone/files.ts';
import type { Git } from '../git-clone/git.ts';
import type { Log } from '../git-clone/log.ts';
import { folder, readDescription, type SaveDescription } from './format.ts';
import { fromText, type RepositoryPath, toFile, toText } from './paths.ts';
import { output, readObjects, records } from './run.ts';
import { isStateFile } from './state-files.ts';

export interface RestoreTools {
  /** Runs git in the repository, with access to the git server. */
  readonly git: Git;
  /** The work tree. */
  readonly repository: string;
  readonly log: Log;
  /** Configures Git LFS if the commit uses Git LFS. */
  readonly prepareLfs: (commit: string) => Promise<void>;
  /** Fetches the submodules of HEAD. */
  readonly updateSubmodules: () => Promise<void>;
}

export interface Restored {
  /** Whether everything in the save is back. Otherwise the branch of the save must stay, and `log` has the reasons. */
  readonly isComplete: boolean;
  /** When the save was made, RFC 3339; null for saves without a description. */
  readonly savedAt: string | null;
}

/**
 * Brings back the state of a save in a new clone, which has all objects of the remote repository: files, permissions, index, HEAD,
 * local branches, stashes, submodules, and a merge or rebase in progress. Saves of renku-notebooks have files and commits
 * only. The local branches of the clone that the save does not have are deleted. Throws GitFailure.
 * @param save the name of the branch (for saves of renku-notebooks) and the full id of its commit
 */
export async function restoreSave(
  tools: RestoreTools,
  save: { readonly branch: string; readonly commit: string },
): Promise<Restored> {
  const found = await readDescription(tools.git, save.commit);
  if (found?.description) return restoreOwn(tools, save.commit, found.commit, found.description);
  if (found)
    tools.log('WARNING: the save is of another version of this program; only its files and commits are restored.');
  await restoreOriginal(tools, save);
  return { isComplete: !found, savedAt: null };
}

/** Restores a save without a description: its first parents are commits of the user until the commit that its name contains. */
async function restoreOriginal(tools: RestoreTools, save: { branch: string; commit: string }): Promise<void> {
  const { git } = tools;
  const last = parseAutosave(save.branch)?.finalCommit;
  const listed = await output(git, ['rev-list', '--first-parent', '--max-count=1000', save.commit]);
  const head = last && listed.split('\n').find((id) => id.startsWith(last));
  if (!head) throw new Error(`the branch ${save.branch} does not contain the commit that its name ends with`);
  await tools.prepareLfs(save.commit);
  await output(git, ['read-tree', '--reset', '-u', save.commit]);
  const changed = await records(git, ['diff-tree', '-r', '-z', '--name-only', '--diff-filter=d', head, save.commit]);
  await fetchLfs(tools, changed);
  await output(git, ['update-ref', 'HEAD', head]);
  await output(git, ['read-tree', '--reset', head]);
  await forgetStat(git, changed);
  await refresh(git);
}

async function restoreOwn(
  tools: RestoreTools,
  save: string,
  details: string,
  description: SaveDescription,
): Promise<Restored> {
  const { git, log } = tools;
  let isComplete = true;
  /** Runs a step that may fail without making the rest useless. */
  const attempt = async (what: string, action: () => Promise<void>) => {
    try {
      await action();
    } catch (error) {
      isComplete = false;
      log(`WARNING: ${what} could not be restored: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  await tools.prepareLfs(save);
  await output(git, ['read-tree', '--reset', '-u', save]);
  const files = await listFiles(git);
  await attempt('files in Git LFS', () =>
    fetchLfs(
      tools,
      description.lfs.filter((path) => files.has(path)),
    ),
  );
  await restoreFiles(tools, details, description, files);
  await restoreHead(git, description);
  await restoreIndex(git, details, description);
  for (const branch of description.branches)
    await attempt(`the branch "${branch.name}"`, () => restoreBranch(git, branch, description.head.branch));
  for (const { commit, message } of description.stashes.toReversed()) {
    await attempt('a stash', async () => {
      await output(git, ['stash', 'store', '--quiet', '--message', message || 'stash', commit]);
    });
  }
  await attempt('the merge or rebase in progress', () => restoreState(git, details, description.state));
  if (files.hasSubmodules) await tools.updateSubmodules();
  for (const [index, submodule] of description.submodules.entries()) {
    await attempt(`the submodule "${toText(submodule.path)}"`, async () => {
      if (files.get(submodule.path) !== '160000') throw new Error('it is not a submodule of the saved files');
      const restored = await restoreSubmodule(tools, `${details}:${folder.submodules}/${index}`, submodule);
      if (!restored.isComplete) isComplete = false;
    });
  }
  for (const commit of description.former) {
    const name = `recovered/${commit.slice(0, 7)}`;
    await attempt('an earlier save', async () => {
      await output(git, ['update-ref', `refs/heads/${name}`, commit]);
      log(`An earlier save, which had not been recovered, is in the branch ${name}.`);
    });
  }
  return { isComplete, savedAt: description.savedAt };
}

interface Files extends ReadonlyMap<RepositoryPath, string> {
  readonly hasSubmodules: boolean;
}

/** Returns the modes of the files in the index. */
async function listFiles(git: Git): Promise<Files> {
  const files = new Map<RepositoryPath, string>();
  for (const record of await records(git, ['ls-files', '--stage', '-z'])) {
    const [, mode, path] = /^(\d+) [0-9a-f]+ \d\t(.*)$/s.exec(record) ?? [];
    if (mode !== undefined && path !== undefined) files.set(path, mode);
  }
  return Object.assign(files, { hasSubmodules: [...files.values()].includes('160000') });
}

/** Replaces pointers in the work tree, which the first checkout has made, by the files. */
async function fetchLfs({ git, repository }: RestoreTools, paths: readonly RepositoryPath[]): Promise<void> {
  if (paths.length === 0) return;
  const filters = await records(git, ['check-attr', '-z', '--stdin', 'filter'], { input: nulTerminated(paths) });
  const wanted = paths.filter((_, index) => filters[3 * index + 2] === 'lfs');
  if (wanted.length === 0) return;
  for (const path of wanted) await rm(toFile(repository, path), { force: true });
  const driver = ['process=git-lfs filter-process', 'smudge=git-lfs smudge -- %f', 'required=true'];
  const options = driver.flatMap((setting) => ['-c', `filter.lfs.${setting}`]);
  await output(git, [...options, 'checkout-index', '--force', '-z', '--stdin'], {
    input: nulTerminated(wanted),
    encoding: 'latin1',
    environment: { GIT_LFS_SKIP_SMUDGE: undefined },
  });
}

/** Writes what the checkout of the tree cannot give. Paths outside of the tree are ignored, because anybody may push a save. */
async function restoreFiles(
  { git, repository }: RestoreTools,
  details: string,
  { raw, added, modes }: SaveDescription,
  files: Files,
): Promise<void> {
  const isRegular = (path: RepositoryPath) => files.get(path)?.startsWith('100') === true;
  const contents = await readObjects(
    git,
    raw.map((_, index) => `${details}:${folder.raw}/${index}`),
  );
  for (const [index, path] of raw.entries()) {
    const content = contents[index];
    if (content !== undefined && isRegular(path)) await replaceContent(toFile(repository, path), content);
  }
  for (const path of added) if (isRegular(path)) await rm(toFile(repository, path), { force: true });
  for (const { path, mode } of modes) if (isRegular(path)) await chmod(toFile(repository, path), mode);
}

async function replaceContent(file: Buffer, content: string): Promise<void> {
  const opened = await open(file, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
  try {
    await opened.writeFile(Buffer.from(content, 'latin1'));
  } finally {
    await opened.close();
  }
}

async function restoreHead(git: Git, { head, branches }: SaveDescription): Promise<void> {
  const { branch, commit } = head;
  if (branch !== null) {
    if (commit !== null) await output(git, ['update-ref', `refs/heads/${branch}`, commit]);
    await output(git, ['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
  } else if (commit !== null) {
    await output(git, ['update-ref', '--no-deref', 'HEAD', commit]);
  }
  const kept = new Set([...branches.map(({ name }) => name), ...(commit === null ? [] : [branch])]);
  const existing = await output(git, ['for-each-ref', '--format=%(refname:strip=2)', 'refs/heads']);
  for (const name of existing.split('\n'))
    if (name !== '' && !kept.has(name)) await output(git, ['update-ref', '-d', `refs/heads/${name}`]);
}

async function restoreIndex(git: Git, details: string, description: SaveDescription): Promise<void> {
  const { unmerged, intentToAdd, raw, lfs } = description;
  await output(git, ['read-tree', '--reset', `${details}:${folder.index}`]);
  await forgetStat(git, [...raw, ...lfs]);
  if (unmerged.length > 0) {
    const entries = unmerged.map(({ mode, object, stage, path }) => `${mode} ${object} ${stage}\t${path}`);
    const input = nulTerminated(entries);
    await output(git, ['update-index', '-z', '--index-info'], { input, encoding: 'latin1' });
  }
  if (intentToAdd.length > 0) {
    const args = ['add', '--force', '--intent-to-add', '--pathspec-from-file=-', '--pathspec-file-nul'];
    await output(git, args, {
      input: nulTerminated(intentToAdd),
      encoding: 'latin1',
      environment: { GIT_LITERAL_PATHSPECS: '1' },
    });
  }
  await refresh(git);
}

/**
 * Makes git compare the contents of these files: it takes a file for modified if its size is not that of the file that the checkout
 * has written, also if a filter gives the content of the index.
 */
async function forgetStat(git: Git, paths: readonly RepositoryPath[]): Promise<void> {
  if (paths.length === 0) return;
  const wanted = new Set(paths);
  const entries = (await records(git, ['ls-files', '--stage', '-z'])).filter(
    (record) => / 0\t/.test(record) && wanted.has(record.slice(record.indexOf('\t') + 1)),
  );
  const input = nulTerminated(entries);
  await output(git, ['update-index', '-z', '--index-info'], { input, encoding: 'latin1' });
}

/** Exit code 1 means that files differ from the index. */
async function refresh(git: Git): Promise<void> {
  await git(['update-index', '-q', '--refresh']);
}

async function restoreBranch(
  git: Git,
  { name, commit, remote, merge }: SaveDescription['branches'][number],
  current: string | null,
): Promise<void> {
  if (name !== current) await output(git, ['update-ref', `refs/heads/${name}`, commit]);
  if (remote !== null) await output(git, ['config', '--replace-all', `branch.${name}.remote`, remote]);
  if (merge !== null) await output(git, ['config', '--replace-all', `branch.${name}.merge`, merge]);
}

async function restoreState(git: Git, details: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const directory = (await output(git, ['rev-parse', '--absolute-git-dir'])).trimEnd();
  const contents = await readObjects(
    git,
    names.map((name) => `${details}:${folder.state}/${name}`),
  );
  if (!names.every((name, index) => isStateFile(name, contents[index] ?? '')))
    throw new Error('it contains files or commands that are not restored');
  for (const [index, name] of names.entries()) {
    const content = contents[index];
    if (content === undefined) throw new Error(`the save does not have the file "${name}"`);
    const file = join(directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, 'latin1');
  }
}

async function restoreSubmodule(
  tools: RestoreTools,
  bundle: string,
  { path, commit }: { path: RepositoryPath; commit: string },
): Promise<Restored> {
  const directory = join(tools.repository, toText(path));
  if (fromText(toText(path)) !== path) throw new Error('its name is not UTF-8');
  // The bundle of a repository without a remote has everything.
  const isNew = (await kindOf(join(directory, '.git'))) === undefined;
  if (isNew) await output(tools.git, ['init', '--quiet', '--template=', directory]);
  const git: Git = (args, options) => tools.git(['-C', directory, ...args], options);
  const [content] = await readObjects(tools.git, [bundle]);
  if (content === undefined) throw new Error('the save does not contain its bundle');
  const file = join(tmpdir(), `submodule-${randomUUID()}.bundle`);
  try {
    await writeFile(file, content, { encoding: 'latin1', mode: 0o600, flag: 'wx' });
    await output(git, ['bundle', 'unbundle', file]);
  } catch (error) {
    if (!isNew) throw error;
    await rm(join(directory, '.git'), { recursive: true, force: true });
    throw new Error('it was not fetched', { cause: error });
  } finally {
    await rm(file, { force: true });
  }
  // Submodules in submodules are there: another fetch would check out the submodules again, without what was restored.
  const updateSubmodules = async () => undefined;
  return restoreSave({ ...tools, git, repository: directory, updateSubmodules }, { branch: '', commit });
}

const nulTerminated = (entries: readonly string[]): string => entries.map((entry) => `${entry}\0`).join('');
