import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import type { Deadline } from '../../lib/deadline.ts';

export class GitFailed extends Error {
  override readonly name = 'GitFailed';
  readonly exitCode: number | null;
  readonly stderr: string;
  constructor(subcommand: string, exitCode: number | null, stderr: string) {
    super(`git ${subcommand} failed${exitCode === null ? '' : ` with exit code ${exitCode}`}: ${stderr.trim()}`);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export interface GitOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly deadline: Deadline;
  readonly input?: string | Buffer;
  /** Takes what git prints as it comes; nothing of it is in the answer, and it has no limit. */
  readonly consume?: (chunk: Buffer) => void;
  /** git is ended when it prints more. 32 MiB unless told. */
  readonly maxOutputBytes?: number;
  /** Exit codes that are answers rather than failures. */
  readonly accept?: readonly number[];
}

const maxErrorBytes = 8 * 1024;

/** Runs git without a shell. Throws GitFailed on any other exit code than 0 and those in `accept`. */
export async function git(args: readonly string[], options: GitOptions): Promise<{ exitCode: number; stdout: Buffer }> {
  const limit = options.maxOutputBytes ?? 32 * 1024 * 1024;
  const subcommand = args.find((argument) => !argument.startsWith('-') && !argument.includes('/')) ?? 'git';
  const child = spawn('git', [...args], {
    env: { ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: options.deadline.signal,
    killSignal: 'SIGKILL',
  });
  const output: Buffer[] = [];
  let size = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (options.consume) return options.consume(chunk);
    size += chunk.length;
    if (size > limit) child.kill('SIGKILL');
    else output.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < maxErrorBytes) stderr += chunk.toString('utf8');
  });
  // A git that ends before it has read everything closes the pipe; its exit code tells why.
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(options.input);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) =>
      reject(options.deadline.expired ? options.deadline.exceeded(`git ${subcommand}`) : error),
    );
    child.on('close', resolve);
  });
  if (size > limit) throw new GitFailed(subcommand, null, `more than ${limit} bytes of output`);
  if (exitCode === null || (exitCode !== 0 && !options.accept?.includes(exitCode))) {
    throw new GitFailed(subcommand, exitCode, stderr);
  }
  return { exitCode, stdout: Buffer.concat(output) };
}

/**
 * Settings that hold for every repository, whatever its own configuration says. They travel in the environment, so
 * that nobody's configuration file is changed.
 *
 * No hooks: a session can push anything, and a `core.hooksPath` inside the working tree (as husky sets it) would run
 * what was pushed. fsmonitor is a program of the repository's choice too. Only branches, tags and notes are served: a
 * user's own repository also has stashes and remote-tracking branches, and GitLab's own refs (`refs/merge-requests`,
 * `refs/keep-around`) are not for pushes. Push options (`-o ci.skip`) are taken and mean nothing. No housekeeping, which
 * would go on in the background.
 */
const always: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['receive.autogc', 'false'],
  ['transfer.hideRefs', 'refs'],
  ['transfer.hideRefs', '!refs/heads'],
  ['transfer.hideRefs', '!refs/tags'],
  ['transfer.hideRefs', '!refs/notes'],
  ['receive.advertisePushOptions', 'true'],
  ['uploadpack.allowFilter', 'true'],
  ['http.uploadpack', 'true'],
  ['http.getanyfile', 'false'],
];

/** The whole environment of a git that works on a repository which the forge has made: nobody's configuration counts. */
export function forgeEnvironment(extra: readonly (readonly [string, string])[] = []): Record<string, string> {
  return {
    ...minimal(),
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    ...configuration([...always, ...extra]),
  };
}

/**
 * The whole environment of a git that works on the user's own repository. Their configuration counts, because a push
 * may update their working tree (line endings, LFS). `safe.directory`: they have named this directory on the command
 * line, so it is theirs to serve even where another system user owns the files (a mounted volume, a container). A push
 * to the branch that is checked out updates the working tree if it is clean, and is refused if not.
 */
export function ownEnvironment(extra: readonly (readonly [string, string])[] = []): Record<string, string> {
  const xdg = process.env['XDG_CONFIG_HOME'];
  return {
    ...minimal(),
    HOME: homedir(),
    ...(xdg ? { XDG_CONFIG_HOME: xdg } : {}),
    GIT_OPTIONAL_LOCKS: '0',
    ...configuration([...always, ['safe.directory', '*'], ['receive.denyCurrentBranch', 'updateInstead'], ...extra]),
  };
}

function minimal(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
  };
}

/** `git -c` as environment variables (git >= 2.31): repeatable keys, inherited by git's own children. */
function configuration(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(pairs.length) };
  for (const [index, [key, value]] of pairs.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}
