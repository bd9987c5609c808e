/**
 * The first step of a session: clones the project's repository into the session's volume. Variables and exit codes are
 * those of session-contract/clone.ts; the log on standard output is for the session's owner, and its last line says
 * what happened. It imports little, because every launch waits for it.
 */
import { cloneExitCode, cloneVariable } from '../../session-contract/clone.ts';
import { cloneRepository } from './clone.ts';
import { gitEnvironment } from './environment.ts';
import { CloneFailure, diskFull } from './failure.ts';
import { createGit } from './git.ts';
import { readSettings } from './settings.ts';

/** 128 + 15, as a shell reports a program that SIGTERM has ended. */
const terminated = 143;

const token = process.env[cloneVariable.oauthToken];

/**
 * What a git server says, and addresses that a repository names, may be part of a line: control characters are not for
 * the reader's terminal, and credentials are for no log.
 */
const log = (line: string) => {
  const plain = line.replace(/\p{Cc}+/gu, ' ').replace(/(?<=:\/\/)[^\s/@'"]*@/g, '');
  process.stdout.write(`${token ? plain.replaceAll(token, '[token]') : plain}\n`);
};

async function run(): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  try {
    const settings = readSettings(process.env);
    const git = createGit(gitEnvironment(settings, process.env), log, stop.signal);
    await cloneRepository(settings, { git, log, stop: stop.signal });
    return cloneExitCode.success;
  } catch (error) {
    if (stop.signal.aborted) {
      log('The clone was stopped; nothing of it is left.');
      return terminated;
    }
    const failure = toFailure(error);
    log(failure.message);
    return failure.exitCode;
  }
}

function toFailure(error: unknown): CloneFailure {
  if (error instanceof CloneFailure) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull();
  if (code === 'ENOENT' && message.includes('spawn git')) {
    return new CloneFailure(cloneExitCode.gitError, 'git is not installed where the repository is to be cloned.');
  }
  return new CloneFailure(cloneExitCode.gitError, `The repository could not be cloned: ${message}`);
}

process.exitCode = await run();
