import { cloneExitCode } from '../../session-contract/clone.ts';

/** Ends the program. The message is one sentence or two for the session's owner: what happened and what to do. */
export class CloneFailure extends Error {
  override readonly name = 'CloneFailure';
  readonly exitCode: number;
  constructor(exitCode: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export type GitTrouble = 'disk-full' | 'certificate' | 'unavailable' | 'refused' | 'not-found' | 'other';

/** What kind of trouble git reports, by the messages of git (LC_ALL=C) and libcurl. The order matters. */
const signs: readonly (readonly [GitTrouble, RegExp])[] = [
  // A checkout that cannot write a file gives no reason ("unable to write file a.txt"): nothing else is likely.
  ['disk-full', /no space left on device|disk quota exceeded|out of disk ?space|unable to write (?:file|new index)/i],
  ['certificate', /certificate (?:verification|problem|subject name)|SSL certificate|unable to get local issuer/i],
  [
    'refused',
    /authentication failed|could not read (?:username|password)|access denied|requested URL returned error: (?:401|403)|HTTP (?:401|403)\b/i,
  ],
  ['not-found', /repository '.*' not found|requested URL returned error: 404/i],
  [
    'unavailable',
    /could not resolve (?:host|proxy)|failed to connect|couldn't connect|connection (?:refused|reset|timed out)|timed out|too slow|recv failure|send failure|empty reply|early EOF|unexpected disconnect|hung up|RPC failed|transfer closed|handshake|SSL_ERROR_SYSCALL|requested URL returned error: (?:408|429|5\d\d)|HTTP 5\d\d/i,
  ],
];

export function troubleOf(stderr: string): GitTrouble {
  return signs.find(([, pattern]) => pattern.test(stderr))?.[0] ?? 'other';
}

/** The line of git's output that says most, without its prefix: the last `fatal:` or `error:`, else the last line. */
export function decisiveLine(stderr: string): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const line = lines.findLast((text) => /^(?:fatal|error|remote):/.test(text)) ?? lines.at(-1) ?? 'git gave no reason';
  return line.replace(/^(?:fatal|error): /, '');
}

/** The failure for a git command that could not do its work. `host`: of the git server. */
export function failureOf(stderr: string, host: string, signedIn: boolean): CloneFailure {
  const reason = decisiveLine(stderr);
  switch (troubleOf(stderr)) {
    case 'disk-full':
      return diskFull();
    case 'certificate':
      return new CloneFailure(
        cloneExitCode.gitError,
        `The certificate of the git server ${host} is not trusted (${reason}). An administrator has to add its certificate authority.`,
      );
    case 'unavailable':
      return new CloneFailure(
        cloneExitCode.gitServerUnavailable,
        `The git server ${host} is not available (${reason}). Launch the session again when it is back.`,
      );
    case 'refused':
      return new CloneFailure(
        cloneExitCode.gitError,
        signedIn
          ? `The git server ${host} refuses the session's access token (${reason}). Sign in again and launch a new session.`
          : `The repository on ${host} is not public (${reason}). Sign in and launch a new session.`,
      );
    case 'not-found':
      return new CloneFailure(
        cloneExitCode.gitError,
        `The git server ${host} has no such repository for you (${reason}). It may have been renamed, deleted or made private.`,
      );
    case 'other':
      return new CloneFailure(cloneExitCode.gitError, `git could not clone the repository: ${reason}`);
  }
}

export function diskFull(): CloneFailure {
  return new CloneFailure(
    cloneExitCode.noDiskSpace,
    'There is no space left on the disk of the session. Launch it with more storage, or without fetching LFS files.',
  );
}
