import { lstat, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloneTools } from './clone.ts';
import { diskFull, failureKindOf, reasonOf } from './failure.ts';
import type { Git } from './git.ts';
import { type Modules, readModules, type Submodule, writeModules } from './gitmodules.ts';
import { prepareLfs, pullLfs } from './lfs.ts';
import { seconds } from './log.ts';
import type { CloneSettings } from './settings.ts';

/** Submodules in submodules: git itself knows no end. */
const maxDepth = 10;
const maxSubmodules = 500;

interface Walk {
  readonly settings: CloneSettings;
  readonly tools: CloneTools;
  fetched: number;
  skipped: number;
}

/** A working tree whose submodules are fetched. */
interface Tree {
  readonly git: Git;
  readonly directory: string;
  /** Where it lies in the project, with a slash at its end; empty for the project itself. */
  readonly prefix: string;
  readonly depth: number;
}

/**
 * Fetches the submodules with their files in Git LFS, also those in submodules. One that cannot be had or that git
 * refuses is warned of by its path and does not end the session: the project itself is there, and its owner can mend the
 * rest from inside. Throws CloneFailure where the disk is full.
 */
export async function updateSubmodules(settings: CloneSettings, tools: CloneTools, repository: string): Promise<void> {
  const started = performance.now();
  const walk: Walk = { settings, tools, fetched: 0, skipped: 0 };
  await updateTree(walk, { git: tools.git, directory: repository, prefix: '', depth: 1 });
  if (walk.fetched > 0) tools.log(`Fetched the submodules: ${walk.fetched} (${seconds(started)}).`);
  if (walk.skipped > 0) {
    tools.log(
      `WARNING: the session starts without ${walk.skipped === 1 ? 'this submodule' : `these ${walk.skipped} submodules`}. Submodules need an http(s) address that ${settings.token === null ? 'is public' : 'you may read'}; "git submodule update --init --recursive" tries again.`,
    );
  }
}

/** Paths are names here: git would take `*` in one for a pattern. */
const literally = { environment: { GIT_LITERAL_PATHSPECS: '1' } };

async function updateTree(walk: Walk, tree: Tree): Promise<void> {
  const { git, directory, prefix, depth } = tree;
  const links = await gitlinks(git);
  if (links.length === 0) return;
  const file = join(directory, '.gitmodules');
  const modules = await modulesOf(walk, tree, file, links);
  for (const { submodule, why } of modules.skipped) warn(walk, `${prefix}${submodule}`, why);
  for (const path of modules.unwanted)
    walk.tools.log(`The submodule "${prefix}${path}" is not to be fetched (update = none).`);
  const room = depth > maxDepth ? 0 : maxSubmodules - walk.fetched;
  const usable = modules.usable.slice(0, Math.max(0, room));
  for (const { path } of modules.usable.slice(usable.length)) {
    warn(walk, `${prefix}${path}`, `submodules are fetched ${maxDepth} levels deep and ${maxSubmodules} in all`);
  }
  if (usable.length === 0) return;
  const fetched = await withModules(file, writeModules(usable), () => fetchAll(walk, tree, usable));
  for (const submodule of fetched) await finish(walk, tree, submodule);
}

/** The paths at which the commit that is checked out has submodules. */
async function gitlinks(git: Git): Promise<string[]> {
  const { stdout } = await git(['ls-tree', '-r', '-d', '-z', '--full-tree', 'HEAD']);
  return stdout.split('\0').flatMap((entry) => /^160000 commit [0-9a-f]+\t(.*)$/s.exec(entry)?.[1] ?? []);
}

async function modulesOf(walk: Walk, { git, prefix }: Tree, file: string, links: readonly string[]): Promise<Modules> {
  const none = (why: string): Modules => {
    for (const path of links) warn(walk, `${prefix}${path}`, why);
    return { usable: [], skipped: [], unwanted: [] };
  };
  const kind = await kindOf(file);
  if (kind === undefined) return none('there is no .gitmodules that names its address');
  // A symbolic link could lead anywhere on this machine.
  if (kind === 'other') return none('.gitmodules is not a file');
  const listed = await git(['config', '--no-includes', '--file', file, '--null', '--list']);
  if (listed.exitCode !== 0)
    return none(`.gitmodules cannot be read (${reasonOf(listed.stderr).replace(file, '.gitmodules')})`);
  return readModules(listed.stdout, links);
}

async function kindOf(path: string): Promise<'file' | 'other' | undefined> {
  try {
    return (await lstat(path)).isFile() ? 'file' : 'other';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** One malformed entry of a .gitmodules ends every git command that reads it, so git is shown the usable ones only. */
async function withModules<T>(file: string, content: string, action: () => Promise<T>): Promise<T> {
  const original = await readFile(file);
  await writeFile(file, content);
  try {
    return await action();
  } finally {
    await writeFile(file, original);
  }
}

/**
 * All at once; where that fails, one after the other, so that each failure has its name. Answers those that are there.
 * `--force`: what the first attempt has cloned and not checked out would be taken for done.
 */
async function fetchAll(walk: Walk, { git, prefix }: Tree, modules: readonly Submodule[]): Promise<Submodule[]> {
  const update = (paths: readonly string[]) =>
    git(['submodule', 'update', '--init', '--force', '--progress', '--jobs=4', '--', ...paths], literally);
  const all = await update(modules.map(({ path }) => path));
  if (all.exitCode === 0) return [...modules];
  if (failureKindOf(all.stderr) === 'disk-full') throw diskFull();
  const fetched: Submodule[] = [];
  for (const module of modules) {
    const { exitCode, stderr } = modules.length === 1 ? all : await update([module.path]);
    if (exitCode === 0) fetched.push(module);
    else if (failureKindOf(stderr) === 'disk-full') throw diskFull();
    else warn(walk, `${prefix}${module.path}`, `${reasonOf(withoutConsequences(stderr))} (${module.url})`);
  }
  return fetched;
}

/** git says first why a clone failed, and then what it did about it. */
function withoutConsequences(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => !/^fatal: clone of |^Failed to clone |^Cloning into /.test(line));
  return lines.join('\n');
}

/** What a submodule itself brings: files in Git LFS, and submodules. */
async function finish(walk: Walk, tree: Tree, { path }: Submodule): Promise<void> {
  const { settings, tools } = walk;
  const directory = join(tree.directory, path);
  // Without a repository of its own there, git would work on the one around it.
  if ((await kindOf(join(directory, '.git'))) === undefined) {
    warn(walk, `${tree.prefix}${path}`, 'git did not fetch it and gave no reason');
    return;
  }
  walk.fetched++;
  const git: Git = (args, options) => tools.git(['-C', directory, ...args], options);
  const own = { ...tools, git };
  const where = `the submodule "${tree.prefix}${path}"`;
  if (await prepareLfs(settings, own, 'HEAD', where)) await pullLfs(own, directory, where);
  await updateTree(walk, { git, directory, prefix: `${tree.prefix}${path}/`, depth: tree.depth + 1 });
}

function warn(walk: Walk, submodule: string, why: string): void {
  walk.skipped++;
  walk.tools.log(`WARNING: the submodule "${submodule}" is left out: ${why}`);
}
