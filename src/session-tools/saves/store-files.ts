import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hasCode } from '../../lib/error-code.ts';
import { failureKindOf } from '../git-clone/failure.ts';
import type { Git } from '../git-clone/git.ts';
import { type RepositoryPath, toFile } from './paths.ts';
import { textOf } from './repository.ts';
import { GitFailure } from './run.ts';
import type { Scratch } from './scratch.ts';

/** A file of the work tree to store in the repository. */
export interface FileToStore {
  readonly path: RepositoryPath;
  /** Attributes with which git converts the content, as in `.gitattributes`; undefined: the content is stored as it is. */
  readonly conversion?: string | undefined;
  /** Stores the content as it is, too. */
  readonly withRaw?: boolean;
}

/** Ids of objects. */
export interface StoredFile {
  readonly object: string;
  /** The content as it is; the same object without a conversion. */
  readonly raw: string;
}

/** Files that are open at the same time. */
const batchSize = 400;
/** Files of a batch that may change while git reads them. */
const maxFailures = 100;

/**
 * Stores files of the work tree as objects of the scratch repository. Returns undefined for files that do not exist any more, are no
 * regular files, or change all the time. No link is followed, also not one that replaces a file or a folder at this moment:
 * the links of a user could lead to files of the agent. So the files are opened and checked here, and git reads them through
 * `/proc/<pid>/fd`. Throws GitFailure.
 */
export async function storeFiles(
  scratch: Scratch,
  directory: string,
  files: readonly FileToStore[],
): Promise<(StoredFile | undefined)[]> {
  const stored: (StoredFile | undefined)[] = [];
  const root = await realpath(directory);
  for (let start = 0; start < files.length; start += batchSize) {
    const batch: OpenFile[] = [];
    try {
      for (const file of files.slice(start, start + batchSize))
        batch.push({ ...file, fd: openInside(root, file.path) });
      stored.push(...(await storeBatch(scratch, batch)));
    } finally {
      for (const { fd } of batch) if (fd !== undefined) closeSync(fd);
    }
    await nextTurn();
  }
  return stored;
}

interface OpenFile extends FileToStore {
  readonly fd: number | undefined;
}

/** Returns the descriptor of a regular file; undefined if there is none at exactly this path. */
function openInside(root: string, path: RepositoryPath): number | undefined {
  const file = toFile(root, path);
  let fd: number;
  try {
    // O_NONBLOCK: the program would wait for a writer of a pipe.
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
  let isFile = false;
  try {
    // A folder in the path may be a link.
    isFile = fstatSync(fd).isFile() && readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).equals(file);
  } finally {
    if (!isFile) closeSync(fd);
  }
  return isFile ? fd : undefined;
}

type Target = { readonly fd: number; readonly conversion: string };

async function storeBatch(scratch: Scratch, batch: readonly OpenFile[]): Promise<(StoredFile | undefined)[]> {
  const asIs = batch.map(({ fd, conversion, withRaw }) =>
    fd !== undefined && (conversion === undefined || withRaw) ? descriptor(fd) : undefined,
  );
  const raw = await storeAll(scratch.git, asIs, ['--no-filters']);
  const converted = await storeConverted(
    scratch,
    batch.map(({ fd, conversion }) => (fd !== undefined && conversion !== undefined ? { fd, conversion } : undefined)),
  );
  return batch.map(({ conversion, withRaw }, index) => {
    // A file that git cannot convert, for example from its encoding, is stored as it is.
    const object = (conversion === undefined ? undefined : converted[index]) ?? raw[index];
    const content = withRaw ? raw[index] : object;
    return object === undefined || content === undefined ? undefined : { object, raw: content };
  });
}

/** The file that the descriptor has open, for other processes of the same user. */
const descriptor = (fd: number): string => `/proc/${process.pid}/fd/${fd}`;

/**
 * Stores files as git converts them. Git finds the files by numbers in a work tree of ours, with their attributes: so git uses no other
 * file of the user.
 */
async function storeConverted(
  { git, directory }: Scratch,
  files: readonly (Target | undefined)[],
): Promise<(string | undefined)[]> {
  if (files.every((file) => file === undefined)) return [];
  const view = join(directory, 'view');
  const attributes = join(directory, 'info', 'attributes');
  const before = await textOf(attributes, 'latin1');
  await rm(view, { recursive: true, force: true });
  await mkdir(view);
  const names = await Promise.all(
    files.map(async (file, number) => {
      if (file) await symlink(descriptor(file.fd), join(view, String(number)));
      return file && String(number);
    }),
  );
  try {
    const lines = files.map((file, number) => (file ? `/${number} ${file.conversion}\n` : ''));
    await writeFile(attributes, lines.join(''), 'latin1');
    const environment = { GIT_WORK_TREE: view, GIT_INDEX_FILE: join(view, 'no-index') };
    const inView: Git = (args, options) => git(['-C', view, ...args], { ...options, environment });
    return await storeAll(inView, names, []);
  } finally {
    await writeFile(attributes, before ?? '', 'latin1');
  }
}

/** Returns whether git would fail for other files, too. */
const isFinal = (stderr: string): boolean =>
  failureKindOf(stderr) === 'disk-full' || /filter '?lfs'? failed|git-lfs/.test(stderr);

/** Stores the files with these names. Returns undefined for missing names, and for files that git could not read. */
async function storeAll(
  git: Git,
  names: readonly (string | undefined)[],
  options: readonly string[],
): Promise<(string | undefined)[]> {
  const wanted = names.flatMap((name) => name ?? []);
  const objects: (string | undefined)[] = [];
  for (let failures = 0; objects.length < wanted.length; ) {
    const input = wanted
      .slice(objects.length)
      .map((name) => `${name}\n`)
      .join('');
    const args = ['hash-object', '-w', '--stdin-paths', ...options];
    const result = await git(args, { input });
    objects.push(...result.stdout.split('\n').filter((line) => line !== ''));
    if (result.exitCode === 0) break;
    failures += 1;
    if (failures > maxFailures || isFinal(result.stderr)) throw new GitFailure(args, result);
    // Git ends at a file that becomes shorter while git reads it.
    objects.push(undefined);
  }
  let next = 0;
  return names.map((name) => (name === undefined ? undefined : objects[next++]));
}
