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
  /** Called with each part of the output. Then the result has no output, and its size is not limited. */
  readonly consume?: (chunk: Buffer) => void;
  /** If git prints more, it is killed. 32 MiB by default. */
  readonly maxOutputBytes?: number;
  /** Exit codes besides 0 that are not failures. */
  readonly accept?: readonly number[];
}

const maxErrorBytes = 8 * 1024;

/** Runs git without a shell. Throws GitFailed for exit codes other than 0 and those in `accept`. */
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
  // git may end before it has read all input. Its exit code shows the reason.
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
 * Settings for every repository, which override its own configuration. They are passed in the environment, so that no
 * configuration file is changed.
 *
 * No hooks: a session can push any content, and with a `core.hooksPath` inside the working tree (as husky sets it) git would
 * run pushed programs. fsmonitor is a program that the repository chooses, too. Only branches, tags and notes are served: a
 * user's own repository also has stashes and remote-tracking branches, and GitLab's own refs (`refs/merge-requests`,
 * `refs/keep-around`) must not be pushed. Push options (`-o ci.skip`) are accepted and ignored. No garbage collection, which
 * would continue in the background.
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

/** Returns the environment of git for a repository of the forge: no configuration of a user applies. */
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
 * Returns the environment of git for a repository of the user. The user's configuration applies, because a push may update
 * the working tree (line endings, LFS). `safe.directory`: the user named this directory on the command line, so it is served
 * even if another operating-system user owns the files (a mounted volume, a container). A push to the checked-out branch
 * updates the working tree if it is clean, and is rejected otherwise.
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

/** Returns `git -c` as environment variables (git >= 2.31), which git's child processes inherit. Keys may be repeated. */
function configuration(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(pairs.length) };
  for (const [index, [key, value]] of pairs.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}
