import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CollectSettings } from './collect-settings.ts';
import { fromText } from './paths.ts';
import { output } from './run.ts';
import type { Scratch } from './scratch.ts';

/** A part of the tree of a new commit: an existing tree or blob, or content as bytes (`latin1`). */
export type Entry =
  | { readonly path: string; readonly kind: 'tree' | 'blob'; readonly object: string }
  | { readonly path: string; readonly bytes: string };

/** A commit to create. Paths of entries have no characters that git quotes; '' is the whole tree. */
export interface NewCommit {
  readonly message: string;
  /** Ids of commits, or the number of an earlier one of the new commits. */
  readonly parents: readonly (string | number)[];
  readonly entries: readonly Entry[];
}

/** Creates commits with their blobs and trees with one process of git. Returns the ids of the commits. Throws GitFailure. */
export async function importCommits(
  { git, directory }: Scratch,
  commits: readonly NewCommit[],
  common: Pick<CollectSettings, 'author' | 'savedAt'>,
): Promise<string[]> {
  const marks = join(directory, 'marks');
  // A pack of its own: otherwise another process writes each object to a file.
  const args = [
    '-c',
    'fastimport.unpackLimit=1',
    'fast-import',
    '--quiet',
    '--force',
    '--done',
    `--export-marks=${marks}`,
  ];
  await output(git, args, { input: scriptOf(commits, common), encoding: 'latin1' });
  const lines = (await readFile(marks, 'utf8')).split('\n');
  return commits.map((_, number) => {
    const mark = `${markOf(number)} `;
    const id = lines.find((line) => line.startsWith(mark))?.slice(mark.length);
    if (id === undefined) throw new Error('git has not created a commit of the save');
    return id;
  });
}

/** Blobs have no marks: their content is where they are used. */
const markOf = (number: number): string => `:${number + 1}`;

/** Returns the commands for `git fast-import`, as bytes. */
function scriptOf(
  commits: readonly NewCommit[],
  { author, savedAt }: Pick<CollectSettings, 'author' | 'savedAt'>,
): string {
  // No commit is older than 1970.
  const time = Math.max(0, Math.floor(savedAt.getTime() / 1000));
  const person = fromText(`${plain(author.name) || 'unknown'} <${plain(author.email)}> ${time} +0000`);
  const script = commits.map(({ message, parents, entries }, number) => {
    const [first, ...others] = parents.map((parent) => (typeof parent === 'number' ? markOf(parent) : parent));
    return [
      `commit refs/notebook-sessions/import-${number}\nmark ${markOf(number)}\n`,
      `author ${person}\ncommitter ${person}\n${data(fromText(message))}`,
      ...(first === undefined ? [] : [`from ${first}\n`]),
      ...others.map((parent) => `merge ${parent}\n`),
      'deleteall\n',
      ...entries.map(change),
      '\n',
    ].join('');
  });
  return `${script.join('')}done\n`;
}

const change = (entry: Entry): string =>
  'bytes' in entry
    ? `M 100644 inline ${entry.path}\n${data(entry.bytes)}`
    : `M ${entry.kind === 'tree' ? '040000' : '100644'} ${entry.object} ${entry.path}\n`;

const data = (bytes: string): string => `data ${bytes.length}\n${bytes}\n`;

/** Returns the text without characters that separate the name and the address in a commit. */
const plain = (text: string): string => text.replaceAll(/[<>\p{Cc}]/gu, '').trim();
