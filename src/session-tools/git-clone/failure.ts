import { cloneExitCode } from '../../session-contract/clone.ts';

/** An error that ends the program. The message has the reason and the remedy for the session's owner. */
export class CloneFailure extends Error {
  override readonly name = 'CloneFailure';
  readonly exitCode: number;
  constructor(exitCode: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export type FailureKind =
  | 'disk-full'
  | 'certificate'
  | 'damaged'
  | 'no-such-object'
  | 'refused'
  | 'not-found'
  | 'unavailable'
  | 'broken-transfer'
  | 'protocol'
  | 'other';

/** The meaning of messages of git (LC_ALL=C) and libcurl. The order matters: the output also has consequences of the error. */
const patterns: readonly (readonly [FailureKind, RegExp])[] = [
  // A checkout gives no reason ("unable to write file a.txt"); other reasons than a full disk are unlikely.
  ['disk-full', /no space left on device|disk quota exceeded|out of disk ?space|unable to write (?:file|new index)/i],
  ['certificate', /certificate (?:verification|problem|subject name)|SSL certificate|unable to get local issuer/i],
  // The server has started to respond and misses objects: a damaged repository or a partial clone.
  [
    'damaged',
    /corruption on the remote side|remote: .*from promisor remote|remote: (?:fatal|error): (?:unable to read|bad (?:object|tree)|missing)|did not send all necessary objects/i,
  ],
  ['no-such-object', /not our ref|unadvertised object|couldn't find remote ref|no such remote ref/i],
  [
    'refused',
    /authentication failed|could not read (?:username|password)|access denied|requested URL returned error: (?:401|403)|HTTP (?:401|403)\b/i,
  ],
  ['not-found', /repository '.*' not found|requested URL returned error: (?:404|410)/i],
  [
    'unavailable',
    /could not resolve (?:host|proxy)|failed to connect|couldn't connect|connection (?:refused|reset|timed out)|timed out|too slow|recv failure|send failure|empty reply|handshake|SSL_ERROR_SYSCALL|requested URL returned error: (?:408|429|5\d\d)|HTTP (?:429|5\d\d)/i,
  ],
  [
    'broken-transfer',
    /early EOF|unexpected disconnect|hung up|RPC failed|transfer closed|invalid index-pack output|inflate|pack (?:has|is) (?:bad|corrupted)/i,
  ],
  [
    'protocol',
    /not valid: is this a git repository|invalid server response|protocol error|bad line length|update url base from redirection|mismatched algorithms/i,
  ],
];

export function failureKindOf(stderr: string): FailureKind {
  return patterns.find(([, pattern]) => pattern.test(stderr))?.[0] ?? 'other';
}

/** Messages that git prints after the reason for the end of a transfer, the last one in a partial clone. */
const consequence =
  /RPC failed(?!; HTTP [45])|expected 'packfile'|early EOF|invalid index-pack output|hung up unexpectedly|from promisor remote/;

/** Returns the most informative line of git's output, without its prefix: the last `fatal:` or `error:`, else the last line. */
export function decisiveLine(stderr: string): string {
  const lines = linesOf(stderr);
  const marked = lines.filter((text) => /^(?:fatal|error|remote):/.test(text));
  const line =
    marked.findLast((text) => !consequence.test(text) && !text.startsWith('remote:')) ??
    marked.at(-1) ??
    lines.at(-1) ??
    'git gave no reason';
  return line.replace(/^(?:fatal|error): /, '');
}

const maxMessageLength = 300;
/** Lines that every git server prints. */
const progress = /^(?:Enumerating|Counting|Compressing|Finding|Reusing|Total|Resolving)\b|^warning:|^(?:fatal|error):/;

/** Returns the git server's message for users (`remote: ...`), as one line of plain text; undefined if there is none. */
export function serverMessage(stderr: string): string | undefined {
  const lines = linesOf(stderr)
    .flatMap((line) => /^remote: (.*)$/.exec(line)?.[1] ?? [])
    .filter((line) => !progress.test(line) && /[^\W_]/.test(line));
  // git repeats the message after a second attempt.
  const text = [...new Set(lines)]
    .join(' ')
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return text === '' ? undefined : text.slice(0, maxMessageLength).toWellFormed();
}

function linesOf(stderr: string): string[] {
  return stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Returns git's reason, and the server's message if there is one. */
export function reasonOf(stderr: string): string {
  const message = serverMessage(stderr);
  const reason = decisiveLine(stderr);
  return message === undefined || reason.includes(message) ? reason : `${reason}; the server's message: "${message}"`;
}

/** Returns the failure for a failed git command. `host` is that of the git server. */
export function failureOf(stderr: string, host: string, signedIn: boolean): CloneFailure {
  const reason = reasonOf(stderr);
  const failure = (message: string, exitCode: number = cloneExitCode.gitError) => new CloneFailure(exitCode, message);
  switch (failureKindOf(stderr)) {
    case 'disk-full':
      return diskFull();
    case 'certificate':
      return failure(
        `The certificate of the git server ${host} is not trusted (${reason}). An administrator must add its certificate authority.`,
      );
    case 'damaged':
      return failure(
        `The repository on ${host} is missing objects that its branches need (${damageIn(stderr) ?? reason}): it is damaged, or a partial clone. The repository must be repaired there; "git fsck" lists the missing objects.`,
      );
    case 'no-such-object':
      return failure(
        `The git server ${host} does not have a commit in its list of branches (${reason}). If the repository has just changed, launch the session again; otherwise the repository is damaged, and "git fsck" there lists the missing objects.`,
      );
    case 'unavailable':
      return failure(
        `The git server ${host} is not available (${reason}). Launch the session again when it is back.`,
        cloneExitCode.gitServerUnavailable,
      );
    case 'broken-transfer':
      return failure(
        `The git server ${host} interrupted the transfer (${reason}). Launch the session again; if the error persists, contact the administrator of the git server.`,
        cloneExitCode.gitServerUnavailable,
      );
    case 'refused':
      return failure(refusedMessage(stderr, host, reason, signedIn));
    case 'not-found':
      return failure(
        `The repository does not exist on the git server ${host}, or you do not have access (${reason}). It may have been renamed, deleted or made private.`,
      );
    case 'protocol':
      return failure(
        `${host} does not respond like a git server (${reason}). Check the URL of the repository; the response may be that of a sign-in page or a proxy.`,
      );
    case 'other':
      return failure(`git could not clone the repository: ${reason}`);
  }
}

/**
 * A 403 with a message (terms not accepted, account blocked) is not an error of the token, and another sign-in would not help.
 */
function refusedMessage(stderr: string, host: string, reason: string, signedIn: boolean): string {
  const message = serverMessage(stderr);
  if (message !== undefined && /(?:error:|HTTP) 403\b/.test(stderr)) {
    return `The git server ${host} denies access to the repository, with the message: "${message}". Follow the message, then launch the session again; an administrator of the git server can help.`;
  }
  return signedIn
    ? `The git server ${host} rejects the session's access token (${reason}). Sign in again and launch a new session.`
    : `The repository on ${host} is not public (${reason}). Sign in and launch a new session.`;
}

function damageIn(stderr: string): string | undefined {
  return /^remote: (?:fatal|error): (.*?) *$/m.exec(stderr)?.[1];
}

export function diskFull(): CloneFailure {
  return new CloneFailure(
    cloneExitCode.noDiskSpace,
    'There is no space left on the disk of the session. Launch the session with more storage, or without fetching LFS files.',
  );
}
