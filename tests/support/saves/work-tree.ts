import { execFile } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createGit, type Git } from '../../../src/session-tools/git-clone/git.ts';
import { saveEnvironment } from '../../../src/session-tools/saves/environment.ts';
import { restoreSave } from '../../../src/session-tools/saves/restore.ts';
import type { SaveSettings, SaveTools } from '../../../src/session-tools/saves/save.ts';
import { gitEnvironment } from '../local/forge/served-forge.ts';

/** The state of a work tree: files and what git says about them. */
export interface State {
  /** Kind, permissions and content of each file. */
  readonly files: Readonly<Record<string, string>>;
  readonly branches: string;
  readonly index: string;
  /** The branch and the commit that are checked out, too. */
  readonly status: string;
  readonly stashes: string;
}

const tracked = '--porcelain=v2 -z --branch --untracked-files=all --no-ahead-behind'.split(' ');

/** Returns the state of a work tree. */
export async function stateOf(directory: string): Promise<State> {
  const read = async (...args: string[]) => {
    const options = {
      cwd: directory,
      env: { ...gitEnvironment(), GIT_OPTIONAL_LOCKS: '0' },
      encoding: 'latin1',
    } as const;
    try {
      return (await promisify(execFile)('git', args, { ...options, maxBuffer: 1e9 })).stdout;
    } catch (error) {
      return `failed: ${(error as { stderr?: string }).stderr}`;
    }
  };
  // Few processes: the property test reads hundreds of states.
  const [branches, index, status, stashes] = await Promise.all([
    read('for-each-ref', '--format=%(refname) %(objectname) %(upstream)', 'refs/heads'),
    read('ls-files', '--stage', '-z'),
    read('status', ...tracked),
    read('stash', 'list', '--format=%H %gs'),
  ]);
  // Another clone may have other remote branches.
  return { files: filesIn(directory), branches, index, status: status.replace(/# branch\.ab .*?\0/, ''), stashes };
}

/** Returns kind, permissions and content of all files outside of git directories. Names are bytes. */
export function filesIn(directory: string): Record<string, string> {
  const files: Record<string, string> = {};
  const walk = (folder: Buffer, prefix: string) => {
    for (const name of readdirSync(folder, { encoding: 'buffer' })) {
      if (name.toString() === '.git') continue;
      const path = Buffer.concat([folder, Buffer.from('/'), name]);
      const key = `${prefix}${name.toString('latin1')}`;
      const stat = lstatSync(path);
      if (stat.isDirectory()) walk(path, `${key}/`);
      else if (stat.isSymbolicLink())
        files[key] = `link ${readlinkSync(path, { encoding: 'buffer' }).toString('latin1')}`;
      else if (stat.isFile()) files[key] = `${(stat.mode & 0o777).toString(8)} ${readFileSync(path, 'latin1')}`;
    }
  };
  walk(Buffer.from(directory), '');
  return files;
}

/** Everything in the git directory that a save must not touch, byte by byte. */
export const gitFilesIn = (directory: string): Record<string, string> => filesIn(join(directory, '.git'));

/** Git as the agent runs it, which may use the other variables, too. */
export const agentGit = (
  variables: Record<string, string> = {},
  stop: AbortSignal = new AbortController().signal,
): Git => createGit({ ...saveEnvironment({ PATH: process.env['PATH'] ?? '' }), ...variables }, () => undefined, stop);

/** Remote repositories in folders: the property test makes many. */
export const folderGit = (): Git => agentGit({ GIT_ALLOW_PROTOCOL: 'file' });

export const saveTools = (git: Git): SaveTools => ({ git, now: Date.now, progress: () => undefined });

export const settingsFor = (directory: string, url: string, more: Partial<SaveSettings> = {}): SaveSettings => ({
  directory,
  folder: join(directory, '..', '.notebook-sessions'),
  remote: { url, environment: {} },
  mayPush: true,
  username: 'ada',
  branch: 'main',
  rootCommit: '0123456789012345678901234567890123456789',
  lfsMinimumBytes: undefined,
  ...more,
});

/** Clones the repository, and restores the save in the clone. Returns what the program logs. */
export async function cloneAndRestore(
  git: Git,
  url: string,
  directory: string,
  save: { branch: string; commit: string },
  submodules = false,
): Promise<{ log: string[]; isComplete: boolean }> {
  const log: string[] = [];
  const run = async (where: string, ...args: string[]) => {
    const { exitCode, stderr } = await git(['-C', where, ...args]);
    if (exitCode !== 0) log.push(stderr);
    return exitCode;
  };
  await run('/', 'clone', '--quiet', '--template=', '--', url, directory);
  const inside: Git = (args, options) => git(['-C', directory, ...args], options);
  const { failures } = await restoreSave(
    {
      git: inside,
      repository: directory,
      log: (line) => log.push(line),
      prepareLfs: async () => undefined,
      updateSubmodules: async () => {
        if (submodules) await run(directory, 'submodule', '--quiet', 'update', '--init', '--force', '--recursive');
      },
    },
    save,
  );
  return { log, isComplete: failures.length === 0 };
}
