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

/** What git's messages (LC_ALL=C) and libcurl's mean. The order matters: the cause is named beside its consequences. */
const signs: readonly (readonly [FailureKind, RegExp])[] = [
  // A checkout that cannot write a file gives no reason ("unable to write file a.txt"): nothing else is likely.
  ['disk-full', /no space left on device|disk quota exceeded|out of disk ?space|unable to write (?:file|new index)/i],
  ['certificate', /certificate (?:verification|problem|subject name)|SSL certificate|unable to get local issuer/i],
  // The server has begun to answer and finds that it lacks objects: a damaged repository or a partial clone.
  [
    'damaged',
    /corruption on the remote side|from promisor remote|remote: (?:fatal|error): (?:unable to read|bad (?:object|tree)|missing)|did not send all necessary objects/i,
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
  return signs.find(([, pattern]) => pattern.test(stderr))?.[0] ?? 'other';
}

/** What git says after it has said why a transfer ended. */
const consequence = /RPC failed|early EOF|invalid index-pack output|hung up unexpectedly/;

/** The line of git's output that says most, without its prefix: the last `fatal:` or `error:`, else the last line. */
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

const maxSaidLength = 300;
/** What every git server prints while it works. */
const progress = /^(?:Enumerating|Counting|Compressing|Finding|Reusing|Total|Resolving)\b|^warning:|^(?:fatal|error):/;

/** What the git server itself says for people (`remote: ...`), as one line of plain text; undefined: nothing. */
export function serverSays(stderr: string): string | undefined {
  const said = linesOf(stderr)
    .flatMap((line) => /^remote: (.*)$/.exec(line)?.[1] ?? [])
    .filter((line) => !progress.test(line) && /[^\W_]/.test(line));
  // git repeats what a second attempt was answered.
  const text = [...new Set(said)]
    .join(' ')
    .replaceAll(/<[^<>]*>/g, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  return text === '' ? undefined : text.slice(0, maxSaidLength).toWellFormed();
}

function linesOf(stderr: string): string[] {
  return stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** git's reason and, where it says something, the server's. */
export function reasonOf(stderr: string): string {
  const said = serverSays(stderr);
  const reason = decisiveLine(stderr);
  return said === undefined || reason.includes(said) ? reason : `${reason}; it says: "${said}"`;
}

/** The failure for a git command that could not do its work. `host`: of the git server. */
export function failureOf(stderr: string, host: string, signedIn: boolean): CloneFailure {
  const reason = reasonOf(stderr);
  const failure = (message: string, exitCode: number = cloneExitCode.gitError) => new CloneFailure(exitCode, message);
  switch (failureKindOf(stderr)) {
    case 'disk-full':
      return diskFull();
    case 'certificate':
      return failure(
        `The certificate of the git server ${host} is not trusted (${reason}). An administrator has to add its certificate authority.`,
      );
    case 'damaged':
      return failure(
        `The repository on ${host} lacks objects that its branches need (${damageIn(stderr) ?? reason}): it is damaged, or a partial clone. It has to be mended there; "git fsck" names what is missing.`,
      );
    case 'no-such-object':
      return failure(
        `The git server ${host} does not have what its list of branches names (${reason}). If it changed meanwhile, launch the session again; else the repository there is damaged, and "git fsck" names what is missing.`,
      );
    case 'unavailable':
      return failure(
        `The git server ${host} is not available (${reason}). Launch the session again when it is back.`,
        cloneExitCode.gitServerUnavailable,
      );
    case 'broken-transfer':
      return failure(
        `The git server ${host} broke off the transfer (${reason}). Launch the session again; if it stays so, tell the administrator of the git server.`,
        cloneExitCode.gitServerUnavailable,
      );
    case 'refused':
      return failure(refusal(stderr, host, reason, signedIn));
    case 'not-found':
      return failure(
        `The git server ${host} has no such repository for you (${reason}). It may have been renamed, deleted or made private.`,
      );
    case 'protocol':
      return failure(
        `${host} does not answer as a git server (${reason}). Check the address of the repository; a sign-in page or a proxy may stand before it.`,
      );
    case 'other':
      return failure(`git could not clone the repository: ${reason}`);
  }
}

/** A 403 with a sentence (terms not accepted, account blocked) is not about the token, and signing in again is no remedy. */
function refusal(stderr: string, host: string, reason: string, signedIn: boolean): string {
  const said = serverSays(stderr);
  if (said !== undefined && /(?:error:|HTTP) 403\b/.test(stderr)) {
    return `The git server ${host} refuses to give you the repository. It says: "${said}". Do what it says, then launch the session again; an administrator of the git server can help.`;
  }
  return signedIn
    ? `The git server ${host} refuses the session's access token (${reason}). Sign in again and launch a new session.`
    : `The repository on ${host} is not public (${reason}). Sign in and launch a new session.`;
}

function damageIn(stderr: string): string | undefined {
  return /^remote: (?:fatal|error): (.*?) *$/m.exec(stderr)?.[1];
}

export function diskFull(): CloneFailure {
  return new CloneFailure(
    cloneExitCode.noDiskSpace,
    'There is no space left on the disk of the session. Launch it with more storage, or without fetching LFS files.',
  );
}
