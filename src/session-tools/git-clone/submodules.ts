import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFull, failureKindOf, reasonOf } from './failure.ts';
import { kindOf } from './files.ts';
import type { Git } from './git.ts';
import { type Modules, readModules, type Submodule, writeModules } from './gitmodules.ts';
import { prepareLfs, pullLfs } from './lfs.ts';
import { seconds } from './log.ts';
import type { CloneSettings } from './settings.ts';
import type { CloneTools } from './tools.ts';

/** Limit for submodules in submodules; git itself has no limit. */
const maxDepth = 10;
const maxSubmodules = 500;

interface Walk {
  readonly settings: CloneSettings;
  readonly tools: CloneTools;
  fetched: number;
  skipped: number;
}

/** A working tree with submodules that are fetched. */
interface Tree {
  readonly git: Git;
  readonly directory: string;
  /** Path in the project, with a slash at the end; empty for the project itself. */
  readonly prefix: string;
  readonly depth: number;
}

/**
 * Fetches the submodules, and their submodules, with their files in Git LFS. A submodule that cannot be fetched causes a
 * warning with its path, and the session starts without it: the user can correct the error in the session. Throws CloneFailure
 * if the disk is full.
 */
export async function updateSubmodules(settings: CloneSettings, tools: CloneTools, repository: string): Promise<void> {
  const started = performance.now();
  const walk: Walk = { settings, tools, fetched: 0, skipped: 0 };
  await updateTree(walk, { git: tools.git, directory: repository, prefix: '', depth: 1 });
  if (walk.fetched > 0) tools.log(`Fetched the submodules: ${walk.fetched} (${seconds(started)}).`);
  if (walk.skipped > 0) {
    tools.log(
      `WARNING: the session starts without ${walk.skipped === 1 ? 'this submodule' : `these ${walk.skipped} submodules`}. Submodules need an http(s) URL that ${settings.token === null ? 'is public' : 'you can read'}; run "git submodule update --init --recursive" to try again.`,
    );
  }
}

/** The option that disables patterns such as `*` in paths. */
const literally = { environment: { GIT_LITERAL_PATHSPECS: '1' } };

async function updateTree(walk: Walk, tree: Tree): Promise<void> {
  const { git, directory, prefix, depth } = tree;
  const links = await gitlinks(git);
  if (links.length === 0) return;
  const file = join(directory, '.gitmodules');
  const modules = await modulesOf(walk, tree, file, links);
  for (const { submodule, reason } of modules.skipped) warn(walk, `${prefix}${submodule}`, reason);
  for (const path of modules.unwanted)
    walk.tools.log(`The submodule "${prefix}${path}" is not fetched, because it has "update = none".`);
  const room = depth > maxDepth ? 0 : maxSubmodules - walk.fetched;
  const usable = modules.usable.slice(0, Math.max(0, room));
  for (const { path } of modules.usable.slice(usable.length)) {
    warn(walk, `${prefix}${path}`, `the limits are ${maxDepth} levels and ${maxSubmodules} submodules`);
  }
  if (usable.length === 0) return;
  const fetched = await withModules(file, writeModules(usable), () => fetchAll(walk, tree, usable));
  for (const submodule of fetched) await finish(walk, tree, submodule);
}

/** Returns the paths of the submodules in the current commit. */
async function gitlinks(git: Git): Promise<string[]> {
  const { stdout } = await git(['ls-tree', '-r', '-d', '-z', '--full-tree', 'HEAD']);
  return stdout.split('\0').flatMap((entry) => /^160000 commit [0-9a-f]+\t(.*)$/s.exec(entry)?.[1] ?? []);
}

async function modulesOf(walk: Walk, { git, prefix }: Tree, file: string, links: readonly string[]): Promise<Modules> {
  const none = (reason: string): Modules => {
    for (const path of links) warn(walk, `${prefix}${path}`, reason);
    return { usable: [], skipped: [], unwanted: [] };
  };
  const kind = await kindOf(file);
  if (kind === undefined) return none('there is no .gitmodules with its URL');
  // A symbolic link could point to any file of the machine.
  if (kind !== 'file') return none('.gitmodules is not a regular file');
  const listed = await git(['config', '--no-includes', '--file', file, '--null', '--list']);
  if (listed.exitCode !== 0)
    return none(`.gitmodules cannot be read (${reasonOf(listed.stderr).replace(file, '.gitmodules')})`);
  return readModules(listed.stdout, links);
}

/** Runs `action` with a .gitmodules that has usable entries only: one malformed entry makes git commands fail. */
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
 * Fetches all submodules with one command or, if that fails, one after the other, so that each failure has a name. Returns the
 * fetched ones. Without `--force`, git would skip submodules that the first attempt has cloned and not checked out.
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

/** Returns git's output without the lines that follow the reason of a failed clone. */
function withoutConsequences(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => !/^fatal: clone of |^Failed to clone |^Cloning into /.test(line));
  return lines.join('\n');
}

/** Fetches the files in Git LFS and the submodules of a submodule. */
async function finish(walk: Walk, tree: Tree, { path }: Submodule): Promise<void> {
  const { settings, tools } = walk;
  const directory = join(tree.directory, path);
  // Without a repository in this directory, git would use that of the parent directory.
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

function warn(walk: Walk, submodule: string, reason: string): void {
  walk.skipped++;
  walk.tools.log(`WARNING: the submodule "${submodule}" was not fetched: ${reason}`);
}
