import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import { kindOf } from '../git-clone/files.ts';
import type { Git } from '../git-clone/git.ts';
import { isObjectId } from './format.ts';
import { output } from './run.ts';
import { stateFiles } from './state-files.ts';

/**
 * A repository of the user, as far as it can be read without its configuration taking effect: a repository can name programs that
 * git runs (hooks, filters, credential helpers, ...).
 */
export interface Repository {
  readonly directory: string;
  readonly gitDirectory: string;
  /** Differs from `gitDirectory` in a linked work tree. */
  readonly commonDirectory: string;
  readonly head: { readonly branch: string | null; readonly commit: string | null };
  /** Full names of all references, with the ids of their objects. */
  readonly refs: ReadonlyMap<string, string>;
  /** The last value of each key; keys are in lower case, except for their middle part. */
  readonly config: ReadonlyMap<string, string>;
  /** The newest first. */
  readonly stashes: readonly { readonly commit: string; readonly message: string }[];
  /** Names of files about a merge or rebase in progress. */
  readonly state: readonly string[];
}

/** The work tree is missing or damaged. */
export class NoRepository extends Error {
  override readonly name = 'NoRepository';
}

/** Reads the repository with two processes of git. Throws NoRepository and GitFailure. */
export async function readRepository(git: Git, directory: string): Promise<Repository> {
  const gitDirectory = await findGitDirectory(directory);
  const common = await textOf(join(gitDirectory, 'commondir'));
  const commonDirectory = common === undefined ? gitDirectory : resolve(gitDirectory, common.trim());
  const inside: Git = (args, options) => git([`--git-dir=${gitDirectory}`, ...args], options);
  const [refs, config, stashes, state] = await Promise.all([
    readRefs(inside),
    readConfig(inside),
    readStashes(commonDirectory),
    listState(gitDirectory),
  ]);
  const head = await readHead(gitDirectory, refs);
  return { directory, gitDirectory, commonDirectory, head, refs, config, stashes, state };
}

async function findGitDirectory(directory: string): Promise<string> {
  const entry = join(directory, '.git');
  const kind = await kindOf(entry);
  if (kind === 'directory') return entry;
  const link = kind === 'file' ? /^gitdir: (.*)$/m.exec((await textOf(entry)) ?? '')?.[1] : undefined;
  if (link === undefined) throw new NoRepository(`${directory} is not a git repository.`);
  return resolve(directory, link);
}

async function readHead(gitDirectory: string, refs: ReadonlyMap<string, string>): Promise<Repository['head']> {
  const text = (await textOf(join(gitDirectory, 'HEAD')))?.trim() ?? '';
  const branch = /^ref: refs\/heads\/(.+)$/.exec(text)?.[1];
  if (branch !== undefined && branch !== '.invalid')
    return { branch, commit: refs.get(`refs/heads/${branch}`) ?? null };
  if (isObjectId(text)) return { branch: null, commit: text };
  throw new NoRepository(`${gitDirectory} has no valid HEAD, or stores references in a format that is not supported.`);
}

/** A save is deleted after its recovery, and a clone may still have its remote-tracking branch: its commits count as not pushed. */
const autosave = /^refs\/remotes\/[^/]+\/renku\/autosave\//;

async function readRefs(git: Git): Promise<Map<string, string>> {
  const text = await output(git, ['for-each-ref', '--format=%(objectname) %(refname)']);
  return new Map(
    text.split('\n').flatMap((line) => {
      const space = line.indexOf(' ');
      const name = line.slice(space + 1);
      return space > 0 && !autosave.test(name) ? [[name, line.slice(0, space)] as const] : [];
    }),
  );
}

async function readConfig(git: Git): Promise<Map<string, string>> {
  const text = await output(git, ['config', '--local', '--no-includes', '--null', '--list']);
  return new Map(
    text.split('\0').flatMap((entry) => {
      const end = entry.indexOf('\n');
      if (entry === '') return [];
      return [end < 0 ? ([entry, 'true'] as const) : ([entry.slice(0, end), entry.slice(end + 1)] as const)];
    }),
  );
}

/** The list of stashes is the log of one reference. */
async function readStashes(commonDirectory: string): Promise<{ commit: string; message: string }[]> {
  const text = await textOf(join(commonDirectory, 'logs', 'refs', 'stash'));
  const lines = (text ?? '').split('\n').flatMap((line) => {
    const [, commit, message] = /^[0-9a-f]+ ([0-9a-f]+) [^\t]*(?:\t(.*))?$/.exec(line) ?? [];
    return commit !== undefined && isObjectId(commit) ? [{ commit, message: message ?? '' }] : [];
  });
  return lines.reverse();
}

async function listState(gitDirectory: string): Promise<string[]> {
  // No links: they could lead to files of the agent.
  const entries = await readdir(gitDirectory, { withFileTypes: true });
  const files = new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name));
  const folders = new Set(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name));
  const found = stateFiles.names.filter((name) => files.has(name));
  for (const name of stateFiles.folders) {
    if (!folders.has(name)) continue;
    for (const file of await readdir(join(gitDirectory, name), { withFileTypes: true }))
      if (file.isFile()) found.push(`${name}/${file.name}`);
  }
  return found;
}

/** Returns the absolute paths of the folders with the objects of the repository. */
export async function objectFolders({ commonDirectory }: Repository): Promise<string[]> {
  const own = join(commonDirectory, 'objects');
  const text = (await textOf(join(own, 'info', 'alternates'))) ?? '';
  const others = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return [own, ...others.map((path) => (isAbsolute(path) ? path : resolve(own, path)))];
}

/**
 * Returns the content of a regular file; undefined if there is none. A link could lead to files of the agent, and a pipe has no
 * end.
 */
export async function textOf(path: string, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO')) return undefined;
    throw error;
  }
  try {
    return (await file.stat()).isFile() ? await file.readFile(encoding) : undefined;
  } finally {
    await file.close();
  }
}

/** Returns whether the entry exists; follows links. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
