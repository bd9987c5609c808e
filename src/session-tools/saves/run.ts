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

/** Returns the subcommand: the first argument that is neither an option of git nor its value. */
function commandOf(args: readonly string[]): string {
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
