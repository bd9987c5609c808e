import { type BigIntStats, lstatSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hasCode } from '../../lib/error-code.ts';
import type { Git } from '../git-clone/git.ts';
import { type RepositoryPath, toFile } from './paths.ts';
import { GitFailure } from './run.ts';

/** A file that differs from HEAD or from the index, or is untracked. */
export interface Change {
  readonly path: RepositoryPath;
  /** `XY` of `git status --porcelain=v2`; `??` for untracked files. */
  readonly state: string;
  readonly isUnmerged: boolean;
  readonly isSubmodule: boolean;
  /** undefined if the work tree does not have the file. */
  readonly stat: FileStat | undefined;
  /** The line of `git status`: permissions and ids of objects. */
  readonly record: string;
  /** Attributes of the file that change its content on the way into git. */
  readonly attributes: {
    readonly filter: string | null;
    readonly isConverted: boolean;
    /** All of them, as in a line of `.gitattributes`. */
    readonly line: string;
  };
}

export interface FileStat {
  readonly kind: 'file' | 'link' | 'folder' | 'special';
  readonly size: number;
  /** Permissions. */
  readonly mode: number;
  /** Changes whenever the content or the permissions of the file change. */
  readonly signature: string;
}

/** A change as `git status` reports it. */
export type ChangeRecord = Omit<Change, 'attributes'>;

export interface Status extends StatusRecords {
  readonly changes: readonly Change[];
}

export interface StatusRecords {
  readonly changes: readonly ChangeRecord[];
  /** Repositories in the work tree that are not submodules; the names end with a slash. */
  readonly nested: readonly RepositoryPath[];
  /** Ignored files, and folders (with a slash at the end). */
  readonly ignored: readonly RepositoryPath[];
  /** Names of folders, for people. */
  readonly unreadable: readonly string[];
}

const statusArguments = [
  'status',
  '--porcelain=v2',
  '-z',
  '--untracked-files=all',
  '--ignored=matching',
  '--no-renames',
  // Git would run other processes of git, with the configuration of the submodules.
  '--ignore-submodules=dirty',
];

/** Returns whether file sync keeps the present version of a file at a remote. */
export type IsSynced = (path: RepositoryPath) => boolean;

/**
 * Returns what `git status` and the attributes say about the work tree of a scratch repository, without files that file sync keeps at
 * a remote.
 */
export async function readStatus(git: Git, directory: string, isSynced?: IsSynced): Promise<Status> {
  const status = await readStatusRecords(git, directory, isSynced);
  const attributes = await readAttributes(git, status.changes);
  const changes = status.changes.map((change, index) => ({ ...change, attributes: attributes[index] ?? plain }));
  return { ...status, changes };
}

/** Returns what `git status` says about the work tree of a scratch repository, without files that file sync keeps at a remote. */
export async function readStatusRecords(
  git: Git,
  directory: string,
  isSynced: IsSynced = () => false,
): Promise<StatusRecords> {
  const result = await git(statusArguments, { encoding: 'latin1' });
  if (result.exitCode !== 0) throw new GitFailure(statusArguments, result);
  const changes: ChangeRecord[] = [];
  const nested: RepositoryPath[] = [];
  const ignored: RepositoryPath[] = [];
  for (const [index, record] of result.stdout.split('\0').entries()) {
    if (index % 1000 === 999) await nextTurn();
    const path = pathIn(record);
    if (path === undefined) continue;
    if (path.endsWith('/') && !record.startsWith('!')) nested.push(path);
    else if (!path.endsWith('/') && !hasOwnIndexEntry(record) && isSynced(path)) continue;
    else if (record.startsWith('!')) ignored.push(path);
    else changes.push(changeOf(record, path, directory));
  }
  return {
    changes,
    nested,
    ignored,
    unreadable: [...result.stderr.matchAll(/could not open directory '(.*)': Permission denied/g)].map(
      ([, path = '']) => path,
    ),
  };
}

/** Returns whether the index has content that neither the commit nor the work tree has: no remote has it. */
const hasOwnIndexEntry = ([kind, , index, workTree]: string): boolean =>
  kind === 'u' || (kind === '1' && index !== '.' && workTree !== '.');

/** The number of fields before the path in each kind of line. */
const fieldsBeforePath: Readonly<Record<string, number>> = { '1': 8, u: 10, '?': 1, '!': 1 };

function pathIn(record: string): RepositoryPath | undefined {
  let fields = fieldsBeforePath[record[0] ?? ''];
  if (fields === undefined) return undefined;
  let position = 0;
  for (; fields > 0; fields--) position = record.indexOf(' ', position) + 1;
  return record.slice(position);
}

function changeOf(record: string, path: RepositoryPath, directory: string): ChangeRecord {
  const [kind = '', state = '', submodule = ''] = record.split(' ', 3);
  const isUntracked = kind === '?';
  return {
    path,
    state: isUntracked ? '??' : state,
    isUnmerged: kind === 'u',
    isSubmodule: !isUntracked && submodule.startsWith('S'),
    // Git says of a file below a link to a folder that the file is deleted, and lstat would find another file.
    stat: !isUntracked && state[1] === 'D' && kind !== 'u' ? undefined : statOf(directory, path),
    record: record.slice(0, record.length - path.length),
  };
}

export function statOf(directory: string, path: RepositoryPath): FileStat | undefined {
  try {
    return describe(lstatSync(toFile(directory, path), { bigint: true }));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES')) return undefined;
    throw error;
  }
}

function describe(stats: BigIntStats): FileStat {
  const { size, mode, mtimeNs, ctimeNs, ino } = stats;
  return {
    kind: stats.isFile() ? 'file' : stats.isSymbolicLink() ? 'link' : stats.isDirectory() ? 'folder' : 'special',
    size: Number(size),
    mode: Number(mode) & 0o777,
    signature: `${mode} ${size} ${mtimeNs} ${ctimeNs} ${ino}`,
  };
}

type Attributes = Change['attributes'];
const attributeNames = ['filter', 'text', 'eol', 'ident', 'working-tree-encoding', 'crlf'];
const plain: Attributes = {
  filter: null,
  isConverted: false,
  line: attributeNames.map((name) => `!${name}`).join(' '),
};

/** Returns the attributes of the files, in their order. */
async function readAttributes(git: Git, changes: readonly { readonly path: RepositoryPath }[]): Promise<Attributes[]> {
  if (changes.length === 0) return [];
  const args = ['check-attr', '-z', '--stdin', ...attributeNames];
  const result = await git(args, { input: changes.map(({ path }) => `${path}\0`).join(''), encoding: 'latin1' });
  if (result.exitCode !== 0) throw new GitFailure(args, result);
  const fields = result.stdout.split('\0');
  const valueAt = (file: number, attribute: number) =>
    fields[3 * (file * attributeNames.length + attribute) + 2] ?? 'unspecified';
  return changes.map((_, index) => {
    const values = attributeNames.map((_name, attribute) => valueAt(index, attribute));
    const [filter = '', ...others] = values.map((value) => (isSet(value) ? value : null));
    return {
      filter,
      isConverted: others.some((value) => value !== null),
      line: attributeNames.map((name, attribute) => setting(name, values[attribute] ?? '')).join(' '),
    };
  });
}

const isSet = (value: string): boolean => value !== 'unspecified' && value !== 'unset';

function setting(name: string, value: string): string {
  if (value === 'set') return name;
  if (value === 'unset') return `-${name}`;
  return value === 'unspecified' ? `!${name}` : `${name}=${value}`;
}
