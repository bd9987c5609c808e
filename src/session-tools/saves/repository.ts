import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import { kindOf } from '../git-clone/files.ts';
import type { Git } from '../git-clone/git.ts';
import type { IsSynced } from './changes.ts';
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
  /** Full names of the references, with the ids of their objects; without tags, and without branches of folders as remotes. */
  readonly refs: ReadonlyMap<string, string>;
  /** Names of tags that the remote repository does not have, with the ids of their objects. */
  readonly tags: ReadonlyMap<string, string>;
  /** The last value of each key; keys are in lower case, except for their middle part. */
  readonly config: ReadonlyMap<string, string>;
  /** Files of the user for all repositories, if they exist: they say which files are ignored, and which files a filter protects. */
  readonly userFiles: { readonly attributes: string | undefined; readonly excludes: string | undefined };
  readonly home: Home | undefined;
  readonly isSynced: RepositoryContext['isSynced'];
  /** The newest first. */
  readonly stashes: readonly { readonly commit: string; readonly message: string }[];
  /** Names of files about a merge or rebase in progress. */
  readonly state: readonly string[];
}

/** The work tree is missing or damaged. */
export class NoRepository extends Error {
  override readonly name = 'NoRepository';
}

export interface RepositoryContext {
  /** URL of the session's repository. */
  readonly url: string;
  /** Tags of the remote repository (`tagKey`); undefined: no tags are read. */
  readonly knownTags?: ReadonlySet<string> | undefined;
  /** The home directory of the user, if the agent sees it. */
  readonly home?: Home | undefined;
  /** Whether file sync keeps the file at a remote: it is not work that would be lost. */
  readonly isSynced?: IsSynced | undefined;
}

export interface Home {
  readonly directory: string;
  /** `XDG_CONFIG_HOME`. */
  readonly configuration: string;
}

/** Reads the repository with two processes of git. Throws NoRepository and GitFailure. */
export async function readRepository(git: Git, directory: string, context?: RepositoryContext): Promise<Repository> {
  const gitDirectory = await findGitDirectory(directory);
  const common = await textOf(join(gitDirectory, 'commondir'));
  const commonDirectory = common === undefined ? gitDirectory : resolve(gitDirectory, common.trim());
  await rejectSpecial(commonDirectory);
  const inside = insideOf(git, gitDirectory);
  const [{ config, global }, parts] = await Promise.all([
    readConfig(inside, context?.home),
    readChanging(inside, { gitDirectory, commonDirectory }),
  ]);
  const userFile = (key: string, name: string) =>
    findUserFile(directory, config.get(key) ?? global.get(key), name, context?.home);
  const fixed: Fixed = {
    directory,
    gitDirectory,
    commonDirectory,
    config,
    home: context?.home,
    isSynced: context?.isSynced,
    userFiles: {
      attributes: userFile('core.attributesfile', 'attributes'),
      excludes: userFile('core.excludesfile', 'ignore'),
    },
  };
  return await assemble(fixed, parts, context);
}

/**
 * Reads again, with one process of git, what changes while a user works: references, HEAD, stashes, and a merge or rebase in progress.
 * The configuration stays the one that was read before. Throws NoRepository and GitFailure.
 */
export async function readAgain(git: Git, known: Repository, context: RepositoryContext): Promise<Repository> {
  await rejectSpecial(known.commonDirectory);
  return await assemble(known, await readChanging(insideOf(git, known.gitDirectory), known), context);
}

type Fixed = Pick<
  Repository,
  'directory' | 'gitDirectory' | 'commonDirectory' | 'config' | 'home' | 'isSynced' | 'userFiles'
>;

const insideOf =
  (git: Git, gitDirectory: string): Git =>
  (args, options) =>
    git([`--git-dir=${gitDirectory}`, ...args], { limitMs, ...options });

interface Changing extends Pick<Repository, 'stashes' | 'state'> {
  readonly all: ReadonlyMap<string, string>;
}

async function readChanging(
  inside: Git,
  { gitDirectory, commonDirectory }: Pick<Repository, 'gitDirectory' | 'commonDirectory'>,
): Promise<Changing> {
  const [all, stashes, state] = await Promise.all([
    readRefs(inside),
    readStashes(commonDirectory),
    listState(gitDirectory),
  ]);
  return { all, stashes, state };
}

async function assemble(
  { directory, gitDirectory, commonDirectory, config, home, isSynced, userFiles }: Fixed,
  { all, stashes, state }: Changing,
  context: RepositoryContext | undefined,
): Promise<Repository> {
  const remotes = serversIn(config, context?.url).map((name) => `refs/remotes/${name}/`);
  const refs = new Map(
    [...all].filter(([name]) =>
      name.startsWith('refs/remotes/') ? remotes.some((prefix) => name.startsWith(prefix)) : !name.startsWith(tags),
    ),
  );
  return {
    ...{ directory, gitDirectory, commonDirectory, config, home, isSynced, userFiles, refs, stashes, state },
    head: await readHead(gitDirectory, refs),
    tags: localTags(all, context?.knownTags),
  };
}

/** Returns the file that git would use. */
function findUserFile(directory: string, value: string | undefined, name: string, home: Home | undefined) {
  if (value === undefined) return home && join(home.configuration, 'git', name);
  if (value.startsWith('~/')) return home && join(home.directory, value.slice(2));
  return value === '' ? undefined : resolve(directory, value);
}

/** Milliseconds for each command that reads the repository. */
const limitMs = 60_000;

/** Git would wait for a program that writes to a pipe. */
async function rejectSpecial(directory: string): Promise<void> {
  for (const file of [join(directory, 'config'), join(directory, 'packed-refs')])
    if ((await exists(file)) && !(await stat(file)).isFile()) throw new NoRepository(`${file} is not a regular file.`);
}

const tags = 'refs/tags/';

/** How a tag is remembered. */
export const tagKey = (name: string, object: string): string => `${object} ${name}`;

function localTags(refs: ReadonlyMap<string, string>, known: ReadonlySet<string> | undefined): Map<string, string> {
  if (!known) return new Map();
  return new Map(
    [...refs].flatMap(([ref, object]) => {
      const name = ref.slice(tags.length);
      return ref.startsWith(tags) && !known.has(tagKey(name, object)) ? [[name, object] as const] : [];
    }),
  );
}

/**
 * Returns the names of the remotes that are on a server. Commits in a folder as a remote, or on a server in the session itself, end with
 * the session.
 */
function serversIn(config: ReadonlyMap<string, string>, sessionUrl: string | undefined): string[] {
  return [...config].flatMap(([key, url]) => {
    const name = /^remote\.(.+)\.url$/s.exec(key)?.[1];
    return name !== undefined && (url === sessionUrl || isOnServer(url, sessionUrl)) ? [name] : [];
  });
}

function isOnServer(url: string, sessionUrl: string | undefined): boolean {
  if (/^[\w.-]+@[\w.-]+:/.test(url)) return true;
  const parsed = URL.parse(url);
  if (!parsed || !/^(?:https?|ssh|git):$/.test(parsed.protocol)) return false;
  const isLoopback = /^(?:localhost|127(?:\.\d+){3}|\[::1?\])$/.test(parsed.hostname);
  return !isLoopback || parsed.host === URL.parse(sessionUrl ?? '')?.host;
}

/** Returns the ids of everything that the remote repository must have: branches, a detached HEAD, and tags. */
export const tipsOf = ({ refs, head, tags: local }: Repository): string[] => {
  const branches = [...refs].flatMap(([ref, commit]) => (ref.startsWith('refs/heads/') ? [commit] : []));
  return [...new Set([...branches, ...(head.commit === null ? [] : [head.commit]), ...local.values()])];
};

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

interface Configuration {
  readonly config: Map<string, string>;
  /** The configuration of the user for all repositories. */
  readonly global: Map<string, string>;
}

async function readConfig(git: Git, home: Home | undefined): Promise<Configuration> {
  const args = ['config', '--null', '--list', '--show-scope', '--no-includes'];
  const environment = home && {
    HOME: home.directory,
    XDG_CONFIG_HOME: home.configuration,
    GIT_CONFIG_GLOBAL: undefined,
  };
  const result = await git(args, environment && { environment });
  // The user's own file may be invalid.
  const text = result.exitCode === 0 ? result.stdout : await output(git, args);
  const found: Configuration = { config: new Map(), global: new Map() };
  const fields = text.split('\0');
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [scope, entry = ''] = [fields[index], fields[index + 1]];
    const values = scope === 'local' ? found.config : scope === 'global' ? found.global : undefined;
    const end = entry.indexOf('\n');
    values?.set(end < 0 ? entry : entry.slice(0, end), end < 0 ? 'true' : entry.slice(end + 1));
  }
  return found;
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
export async function textOf(
  path: string,
  encoding: 'utf8' | 'latin1' = 'utf8',
  links: 'follow' | 'reject' = 'reject',
): Promise<string | undefined> {
  let file: FileHandle;
  const noLinks = links === 'reject' ? constants.O_NOFOLLOW : 0;
  try {
    file = await open(path, constants.O_RDONLY | noLinks | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES')) return undefined;
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
