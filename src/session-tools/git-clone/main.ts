/**
 * The first step of a session: clones the project's repository into the session's volume. Variables and exit codes are those
 * of session-contract/clone.ts. The log on standard output is for the session's owner; its last line is the result. The
 * program has few imports, because every launch waits for this program.
 */
import { hasCode } from '../../lib/error-code.ts';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { cloneRepository } from './clone.ts';
import { gitEnvironment } from './environment.ts';
import { CloneFailure, diskFull } from './failure.ts';
import { createGit } from './git.ts';
import { writePrivateFiles } from './private-folder.ts';
import { readSettings } from './settings.ts';
import { copySupervisorPrograms } from './supervisor-programs.ts';

/** 128 + 15, the exit code in a shell for a program that SIGTERM has ended. */
const terminated = 143;

let token: string | null = null;

/**
 * Writes a line without control characters and credentials: it may contain messages of the git server and URLs of the
 * repository.
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
    token = settings.token;
    if (settings.privateFolder) await writePrivateFiles(settings.privateFolder, settings.repositoryUrl);
    if (settings.supervisorPrograms) await copySupervisorPrograms(settings.supervisorPrograms);
    const git = createGit(gitEnvironment(settings, process.env), log, stop.signal);
    await cloneRepository(settings, { git, log, stop: stop.signal });
    return cloneExitCode.success;
  } catch (error) {
    if (stop.signal.aborted) {
      log('The clone was stopped, and its files were removed.');
      return terminated;
    }
    const failure = toFailure(error);
    log(failure.message);
    return failure.exitCode;
  }
}

function toFailure(error: unknown): CloneFailure {
  if (error instanceof CloneFailure) return error;
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) return diskFull();
  const message = error instanceof Error ? error.message : String(error);
  if (hasCode(error, 'ENOENT') && message.includes('spawn git')) {
    return new CloneFailure(cloneExitCode.gitError, 'git, which clones the repository, is not installed.');
  }
  return new CloneFailure(cloneExitCode.gitError, `The repository could not be cloned: ${message}`);
}

process.exitCode = await run();
