import { reasonOf } from '../git-clone/failure.ts';
import type { Git, GitResult, GitRunOptions } from '../git-clone/git.ts';

/** A git command that failed. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  readonly stderr: string;
  /** Whether a signal, also that of a time limit, ended git. */
  readonly wasKilled: boolean;
  constructor(args: readonly string[], { exitCode, stderr }: GitResult) {
    const reason = exitCode === null ? 'a signal or its time limit ended the command' : reasonOf(stderr);
    super(`git ${commandOf(args)} failed: ${reason}`);
    this.stderr = stderr;
    this.wasKilled = exitCode === null;
  }
}

/** A git command that did not end within its time limit. */
export class GitTimeout extends Error {
  override readonly name = 'GitTimeout';
}

/** Returns the subcommand: the first argument that is neither an option of git nor its value. */
export function commandOf(args: readonly string[]): string {
  let index = 0;
  while (args[index]?.startsWith('-')) index += /^-[cC]$/.test(args[index] ?? '') ? 2 : 1;
  return args[index] ?? '';
}

/** Runs git and returns its standard output. Throws GitFailure. */
export async function output(git: Git, args: readonly string[], options?: GitRunOptions): Promise<string> {
  const result = await git(args, options);
  if (result.exitCode !== 0) throw new GitFailure(args, result);
  return result.stdout;
}

/** Returns the standard output as bytes (`latin1`), split at NUL. */
export async function records(git: Git, args: readonly string[], options?: GitRunOptions): Promise<string[]> {
  const text = await output(git, args, { ...options, encoding: 'latin1' });
  return text.split('\0').filter((record) => record !== '');
}

/** Returns the kinds of the objects that exist: `commit`, `tree`, `blob` or `tag`. */
export async function describeObjects(git: Git, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const text = await output(git, ['cat-file', '--batch-check'], { input: `${ids.join('\n')}\n` });
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, id, kind] = /^([0-9a-f]+) (\w+) \d+$/.exec(line) ?? [];
      return id && kind ? [[id, kind] as const] : [];
    }),
  );
}

/** Returns which of the objects are here: a partial clone does not fetch the others for this. */
export async function findPresent(git: Git, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const args = ['rev-list', '--no-walk', '--objects', '--ignore-missing', '--missing=print', '--stdin'];
  const text = await output(git, args, { input: `${[...new Set(ids)].join('\n')}\n` });
  return new Set(text.split('\n').flatMap((line) => /^[0-9a-f]+/.exec(line)?.[0] ?? []));
}

/**
 * Returns the contents of objects, as bytes (`latin1`): undefined for missing ones. `names` are names of objects without
 * line breaks (`<commit>:<path>`).
 */
export async function readObjects(git: Git, names: readonly string[]): Promise<(string | undefined)[]> {
  if (names.length === 0) return [];
  const text = await output(git, ['cat-file', '--batch'], { input: `${names.join('\n')}\n`, encoding: 'latin1' });
  let position = 0;
  return names.map(() => {
    const end = text.indexOf('\n', position);
    const size = /^[0-9a-f]+ \w+ (\d+)$/.exec(text.slice(position, end))?.[1];
    position = end + 1;
    if (size === undefined) return undefined;
    const content = text.slice(position, position + Number(size));
    position += Number(size) + 1;
    return content;
  });
}
