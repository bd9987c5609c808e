import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseAutosave } from '../../session-contract/autosave.ts';
import { kindOf } from '../git-clone/files.ts';
import type { Git } from '../git-clone/git.ts';
import type { Log } from '../git-clone/log.ts';
import { folder, readDescription, type SaveDescription } from './format.ts';
import { lfsFile } from './lfs-objects.ts';
import { fromText, type RepositoryPath, toFile, toText } from './paths.ts';
import { output, readObjects, records } from './run.ts';
import { lfsUrl } from './scratch.ts';
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
  /** What is not back, and why, as sentences; empty if everything is back. Otherwise the branch of the save must stay. */
  readonly failures: readonly string[];
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
  const failures = found
    ? ['The save is of another version of this program; only its files and commits are restored.']
    : [];
  await restoreOriginal(tools, save);
  for (const failure of failures) tools.log(`WARNING: ${failure}`);
  return { failures, savedAt: null };
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
  const failures: string[] = [];
  /** Runs a step that may fail without making the rest useless. */
  const attempt = async (what: string, action: () => Promise<void>) => {
    try {
      await action();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(`${what} could not be restored: ${reason}.`);
      log(`WARNING: ${what} could not be restored: ${reason}`);
    }
  };
  await tools.prepareLfs(save);
  const lfs = [...new Set([...description.lfs, ...(await changedUntil(git, description.head.commit))])];
  await output(git, ['read-tree', '--reset', '-u', save]);
  const files = await listFiles(git);
  // Before the files are fetched: the server of the repository does not have these objects.
  if (description.lfsObjects.length > 0)
    await attempt('files in Git LFS of commits', () => restoreLfsObjects(git, details, description.lfsObjects));
  await attempt('files in Git LFS', () =>
    fetchLfs(
      tools,
      lfs.filter((path) => files.has(path)),
    ),
  );
  await restoreFiles(tools, details, description, files);
  await restoreHead(git, description);
  await restoreIndex(git, details, { ...description, lfs });
  for (const branch of description.branches)
    await attempt(`the branch "${branch.name}"`, () => restoreBranch(git, branch, description.head.branch));
  for (const { commit, message } of description.stashes.toReversed()) {
    await attempt('a stash', async () => {
      await output(git, ['stash', 'store', '--quiet', '--message', message || 'stash', commit]);
    });
  }
  if (description.tags.length > 0) await attempt('the tags', () => restoreTags(git, details, description));
  await attempt('the merge or rebase in progress', () => restoreState(git, details, description.state));
  if (files.hasSubmodules) await tools.updateSubmodules();
  const restoreSubmodules = async (bundles: string) => {
    for (const [index, submodule] of description.submodules.entries()) {
      await attempt(`the submodule "${toText(submodule.path)}"`, async () => {
        if (files.get(submodule.path) !== '160000') throw new Error('it is not a submodule of the saved files');
        const restored = await restoreSubmodule(tools, join(bundles, String(index)), submodule);
        failures.push(...restored.failures.map((failure) => `in "${toText(submodule.path)}": ${failure}`));
      });
    }
  };
  if (description.submodules.length > 0)
    await attempt('the submodules', () => withFolder(git, details, folder.submodules, restoreSubmodules));
  for (const commit of description.former) {
    const name = `recovered/${commit.slice(0, 7)}`;
    await attempt('an earlier save', async () => {
      await output(git, ['update-ref', `refs/heads/${name}`, commit]);
      log(`An earlier save, which had not been recovered, is in the branch ${name}.`);
    });
  }
  return { failures, savedAt: description.savedAt };
}

/**
 * Returns the files that the commit changes since the present one. The work tree had these of Git LFS as files and not as pointers,
 * also if the session fetches no files of Git LFS when it starts.
 */
async function changedUntil(git: Git, commit: string | null): Promise<RepositoryPath[]> {
  const { exitCode, stdout } = await git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  if (commit === null || exitCode !== 0) return [];
  return records(git, ['diff-tree', '-r', '-z', '--name-only', '--diff-filter=d', stdout.trimEnd(), commit]);
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
  // A save has its files on the server of the repository, and `.lfsconfig` may name another one.
  const url = (await output(git, ['config', 'remote.origin.url'])).trimEnd();
  const settings = [...driver.map((setting) => `filter.lfs.${setting}`), `lfs.url=${lfsUrl(url)}`];
  const options = settings.flatMap((setting) => ['-c', setting]);
  // Unlike `checkout-index`, this command lets Git LFS request all files together.
  await output(git, [...options, 'checkout', '--quiet', '--pathspec-from-file=-', '--pathspec-file-nul'], {
    input: nulTerminated(wanted),
    encoding: 'latin1',
    environment: { GIT_LFS_SKIP_SMUDGE: undefined, GIT_LITERAL_PATHSPECS: '1' },
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
  if (raw.length > 0) {
    await withFolder(git, details, folder.raw, async (contents) => {
      for (const [index, path] of raw.entries())
        if (isRegular(path)) await replaceContent(toFile(repository, path), join(contents, String(index)));
    });
  }
  for (const path of added) if (isRegular(path)) await rm(toFile(repository, path), { force: true });
  for (const { path, mode } of modes) if (isRegular(path)) await chmod(toFile(repository, path), mode);
}

async function replaceContent(file: Buffer, content: string): Promise<void> {
  const opened = await open(file, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
  // The stream closes the file.
  await pipeline(createReadStream(content), opened.createWriteStream());
}

/** Writes the files of a folder of the save to a temporary folder on the same volume: they may be larger than the memory. */
async function withFolder(
  git: Git,
  details: string,
  name: string,
  action: (directory: string) => Promise<void>,
): Promise<void> {
  const gitDirectory = (await output(git, ['rev-parse', '--absolute-git-dir'])).trimEnd();
  const directory = await mkdtemp(join(gitDirectory, 'notebook-sessions-'));
  // As they are: without the attributes and settings of the user's repository.
  const environment = { GIT_INDEX_FILE: join(directory, 'index'), GIT_WORK_TREE: directory, GIT_DIR: gitDirectory };
  // Anybody may push a save, and a link in it could lead to a file of this program.
  const settings = ['core.autocrlf=false', 'core.eol=lf', 'core.attributesFile=/dev/null', 'core.symlinks=false'];
  const plain = ['-C', directory, ...settings.flatMap((setting) => ['-c', setting])];
  const files = join(directory, 'files');
  try {
    await output(git, [...plain, 'read-tree', `${details}:${name}`], { environment });
    await output(git, [...plain, 'checkout-index', '--all', `--prefix=${files}/`], { environment });
    await action(files);
  } finally {
    await rm(directory, { recursive: true, force: true });
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
  const { unmerged, intentToAdd, raw, lfs, assumeUnchanged, skipWorktree } = description;
  // The description has no empty folders.
  const [hasIndex] = await records(git, ['ls-tree', '-z', details, '--', folder.index]);
  await output(git, ['read-tree', ...(hasIndex ? ['--reset', `${details}:${folder.index}`] : ['--empty'])]);
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
  for (const [flag, paths] of [
    ['assume-unchanged', assumeUnchanged],
    ['skip-worktree', skipWorktree],
  ] as const) {
    const input = nulTerminated(paths);
    if (paths.length > 0)
      await output(git, ['update-index', '-z', `--${flag}`, '--stdin'], { input, encoding: 'latin1' });
  }
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

/** Restores tags, and the objects of annotated tags. */
async function restoreTags(git: Git, details: string, { tags, tagObjects }: SaveDescription): Promise<void> {
  const contents = await readObjects(
    git,
    tagObjects.map((_, index) => `${details}:${folder.tags}/${index}`),
  );
  for (const content of contents) {
    if (content === undefined) throw new Error('the save does not have the object of a tag');
    await output(git, ['hash-object', '-t', 'tag', '-w', '--stdin'], { input: content, encoding: 'latin1' });
  }
  const input = tags.map(({ name, object }) => `update refs/tags/${name} ${object}\n`).join('');
  await output(git, ['update-ref', '--stdin'], { input });
}

/** Restores Git LFS objects of commits that are in the save only. Their ids are their SHA-256. */
async function restoreLfsObjects(git: Git, details: string, ids: readonly string[]): Promise<void> {
  const gitDirectory = (await output(git, ['rev-parse', '--absolute-git-dir'])).trimEnd();
  await withFolder(git, details, folder.lfs, async (contents) => {
    for (const [index, id] of ids.entries()) {
      const file = join(contents, String(index));
      if ((await digestOf(file)) !== id) throw new Error('the content of a file is another one');
      const target = lfsFile(gitDirectory, id);
      await mkdir(dirname(target), { recursive: true });
      await rename(file, target);
    }
  });
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
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
  try {
    await output(git, ['bundle', 'unbundle', bundle]);
  } catch (error) {
    if (!isNew) throw error;
    await rm(join(directory, '.git'), { recursive: true, force: true });
    throw new Error('it was not fetched', { cause: error });
  }
  // Submodules in submodules are there: another fetch would check out the submodules again, without what was restored.
  const updateSubmodules = async () => undefined;
  return restoreSave({ ...tools, git, repository: directory, updateSubmodules }, { branch: '', commit });
}

const nulTerminated = (entries: readonly string[]): string => entries.map((entry) => `${entry}\0`).join('');
