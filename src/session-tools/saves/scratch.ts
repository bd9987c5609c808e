import { copyFile, link, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import { kindOf } from '../git-clone/files.ts';
import type { Git } from '../git-clone/git.ts';
import { withLimits } from './limits.ts';
import { exists, objectFolders, type Repository, textOf } from './repository.ts';

/**
 * A git directory of ours for the work tree of the user. Commands in it see the files, the index and the objects of the user, write
 * new objects, references and locks to this directory only, and use a configuration of ours: the user's repository stays as it is,
 * and nothing that its configuration names runs.
 */
export interface Scratch {
  readonly directory: string;
  readonly git: Git;
  /** Bytes of the id of an object. */
  readonly idBytes: number;
  remove(): Promise<void>;
}

/** Names of the directories begin with this text. */
export const scratchPrefix = 'work-';

/** Settings that decide which files git sees, and how git compares files with its index. */
const takenOver = new Set([
  'core.autocrlf',
  'core.eol',
  'core.filemode',
  'core.symlinks',
  'core.ignorecase',
  'core.precomposeunicode',
  'core.trustctime',
  'core.checkstat',
  'core.bigfilethreshold',
  'core.sparsecheckout',
  'core.sparsecheckoutcone',
  'core.repositoryformatversion',
  'extensions.objectformat',
]);
/** The upstreams of branches. */
const upstream = /^branch\..+\.(?:remote|merge)$/;
const promisor = /^(?:extensions\.partialclone|remote\..+\.(?:promisor|partialclonefilter))$/;

/** Returns whether a remote repository has objects that the repository may not have. */
export const isPartial = ({ config }: Repository): boolean => [...config.keys()].some((key) => promisor.test(key));

/**
 * Creates the git directory in `folder`, which is on the volume of the repository.
 * @param url URL of the remote `origin`; without it, no command uses the network
 */
export async function createScratch(git: Git, folder: string, repository: Repository, url?: string): Promise<Scratch> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(join(folder, scratchPrefix));
  const remove = () => rm(directory, { recursive: true, force: true, maxRetries: 5 });
  try {
    await fill(directory, repository, url);
  } catch (error) {
    await remove();
    throw error;
  }
  const environment = {
    GIT_DIR: directory,
    GIT_WORK_TREE: repository.directory,
    GIT_INDEX_FILE: join(directory, 'index'),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_LITERAL_PATHSPECS: '1',
  };
  const own: Git = (args, options) =>
    git(['-C', repository.directory, ...args], {
      ...options,
      environment: { ...environment, ...options?.environment },
    });
  return {
    directory,
    git: withLimits(own, repository.directory),
    idBytes: repository.config.get('extensions.objectformat') === 'sha256' ? 32 : 20,
    remove,
  };
}

async function fill(directory: string, repository: Repository, url: string | undefined): Promise<void> {
  const { head, commonDirectory, gitDirectory } = repository;
  for (const name of ['objects/info', 'objects/pack', 'refs', 'info'])
    await mkdir(join(directory, name), { recursive: true });
  const write = (name: string, content: string, encoding: 'utf8' | 'latin1' = 'utf8') =>
    writeFile(join(directory, name), content, encoding);
  await Promise.all([
    write('HEAD', `${head.branch === null ? head.commit : `ref: refs/heads/${head.branch}`}\n`),
    write('config', configurationOf(directory, repository.config, url)),
    // Git would follow a link to a file of the agent, and wait for the end of a pipe.
    write(userFile.attributes, (await contentOf(repository.userFiles.attributes)) ?? '', 'latin1'),
    write(userFile.excludes, (await contentOf(repository.userFiles.excludes)) ?? '', 'latin1'),
    writeRefs(directory, repository.refs),
    write('objects/info/alternates', (await objectFolders(repository)).map((path) => `${path}\n`).join('')),
    ...['info/exclude', 'info/attributes', 'info/sparse-checkout', 'shallow'].map(async (name) => {
      const text = await textOf(join(commonDirectory, name));
      if (text !== undefined) await write(name, text);
    }),
    linkFile(join(gitDirectory, 'index'), join(directory, 'index')),
  ]);
  // The index of a repository with `core.splitIndex` consists of two files.
  for (const name of await readdir(gitDirectory))
    if (name.startsWith('sharedindex.')) await linkFile(join(gitDirectory, name), join(directory, name));
}

/** Copies of the user's files. */
const userFile = { attributes: 'user-attributes', excludes: 'user-excludes' };

const contentOf = async (path: string | undefined): Promise<string | undefined> =>
  path === undefined ? undefined : textOf(path, 'latin1', 'follow');

/** Git replaces the file and never changes it, so that the link keeps the content that the file has now. */
async function linkFile(from: string, to: string): Promise<void> {
  // No links: they could lead to files of the agent.
  if ((await kindOf(from)) !== 'file') return;
  try {
    await link(from, to);
  } catch (error) {
    if (!hasCode(error, 'EXDEV', 'EPERM', 'EMLINK', 'EACCES', 'ENOTSUP')) throw error;
    const { atime, mtimeMs } = await stat(from);
    await copyFile(from, to);
    // Git compares the contents of files that are not older than the index. An earlier time is safe, and a later one is not.
    await utimes(to, atime, Math.floor(mtimeMs / 1000));
  }
}

/** Replaces the references that the commands see. */
export const writeRefs = (directory: string, refs: ReadonlyMap<string, string>): Promise<void> =>
  writeFile(join(directory, 'packed-refs'), packedRefs(refs));

const packedRefs = (refs: ReadonlyMap<string, string>): string =>
  [...refs].map(([name, object]) => `${object} ${name}\n`).join('');

function configurationOf(directory: string, config: ReadonlyMap<string, string>, url: string | undefined): string {
  // Without a URL, git fetches no objects that a partial clone does not have.
  const taken = [...config].filter(
    ([key]) => takenOver.has(key) || upstream.test(key) || (url !== undefined && promisor.test(key)),
  );
  const files: [string, string][] = [
    ['core.attributesfile', join(directory, userFile.attributes)],
    ['core.excludesfile', join(directory, userFile.excludes)],
  ];
  const remote = url === undefined ? [] : remoteSettings(url);
  return [...taken, ...settings, ...files, ...remote].map(([key, value]) => configurationLine(key, value)).join('');
}

/** Returns the URL of the LFS server of a repository, as Git LFS finds the URL. */
export const lfsUrl = (url: string): string => `${url.replace(/\/+$/, '').replace(/(?:\.git)?$/, '.git')}/info/lfs`;

function remoteSettings(url: string): [string, string][] {
  const lfs = lfsUrl(url);
  return [
    ['remote.origin.url', url],
    ['remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'],
    // Have precedence over `.lfsconfig` in the work tree, which can name any server.
    ...['lfs.url', 'lfs.pushurl', 'remote.origin.lfsurl', 'remote.origin.lfspushurl'].map((key): [string, string] => [
      key,
      lfs,
    ]),
    [`lfs.${lfs}.locksverify`, 'false'],
    // Objects of commits that other people have pushed need not be here.
    ['lfs.allowincompletepush', 'true'],
  ];
}

const settings: readonly (readonly [string, string])[] = [
  ['core.bare', 'false'],
  ['core.untrackedcache', 'false'],
  ['core.splitindex', 'false'],
  ['core.safecrlf', 'false'],
  ['filter.lfs.clean', 'git-lfs clean -- %f'],
  ['filter.lfs.smudge', 'git-lfs smudge -- %f'],
  ['filter.lfs.process', 'git-lfs filter-process'],
  ['filter.lfs.required', 'true'],
  ['lfs.repositoryformatversion', '0'],
];

function configurationLine(key: string, value: string): string {
  const [, section = '', subsection, name = ''] = /^([^.]+)(?:\.(.+))?\.([^.]+)$/s.exec(key) ?? [];
  const header = subsection === undefined ? section : `${section} ${quoted(subsection)}`;
  return `[${header}]\n\t${name} = ${quoted(value)}\n`;
}

const quoted = (text: string): string =>
  `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;

/** Removes the directories of a program that was killed. */
export async function removeStaleScratches(folder: string): Promise<void> {
  if (!(await exists(folder))) return;
  for (const name of await readdir(folder))
    if (name.startsWith(scratchPrefix)) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
}
