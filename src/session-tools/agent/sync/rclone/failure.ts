import { RemoteError, type RemoteErrorReason } from '../remote.ts';

/** rclone answered with an error, or did not answer. */
export class RcloneFailure extends Error {
  override readonly name = 'RcloneFailure';
  /** The HTTP status of rclone's answer; undefined without one. */
  readonly status: number | undefined;
  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

interface Cause {
  readonly pattern: RegExp;
  readonly reason: RemoteErrorReason;
  readonly message: string;
  /** What the owner can do. */
  readonly advice: string;
}

const causes: readonly Cause[] = [
  {
    pattern:
      /\b401\b|unauthori[sz]ed|unable to authenticate|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|invalid credentials|ssh: cannot decode|passphrase/i,
    reason: 'unauthorized',
    message: 'The remote rejects the credentials',
    advice:
      'Enter the user and the password again. Some servers, for example Nextcloud with two factors, require an app password.',
  },
  {
    pattern: /couldn't parse host_keys/,
    reason: 'rejected',
    message: 'The host key of the remote is not valid',
    advice: 'Enter the key as `ssh-keyscan HOST` prints it, without the name of the host.',
  },
  {
    pattern: /key mismatch|host key|no matching host key|pinned/i,
    reason: 'rejected',
    message: 'The server has another host key than the remote names',
    advice:
      'Nothing was sent. Ask the operator of the server whether its key has changed, and enter the new one only then.',
  },
  {
    pattern: /certificate|x509|tls:/i,
    reason: 'rejected',
    message: 'The certificate of the remote is not trusted',
    advice: 'Check the address. If it is right, the operator of the server must install a valid certificate.',
  },
  {
    pattern: /no space left|insufficient storage|\b507\b|quota|\b413\b/i,
    reason: 'quota',
    message: 'There is no space',
    advice:
      'Delete files at the remote, also old backups in .notebook-sessions-sync, or ask its operator for more space.',
  },
  {
    pattern: /\b403\b|forbidden|permission denied|AccessDenied|access denied|read-only/i,
    reason: 'forbidden',
    message: 'The remote does not permit this',
    advice: 'The user of the remote needs the permission to read and write this folder.',
  },
  {
    pattern: /directory not found|object not found|NoSuchBucket|NoSuchKey|no such file|\b404\b|couldn't find/i,
    reason: 'not-found',
    message: 'The folder or the file does not exist at the remote',
    advice: 'Check the address and the folder of the remote. Nothing was deleted in the session.',
  },
  {
    pattern:
      /invalid (?:file ?)?name|illegal|not a valid (?:file|path)|filename too long|file name too long|bad filename/i,
    reason: 'unsupported-name',
    message: 'The remote cannot have a file with this name',
    advice: 'Rename the file.',
  },
  {
    pattern: /not supported|can't move|can't copy - incompatible|unsupported/i,
    reason: 'unsupported',
    message: 'The remote cannot do this',
    advice: '',
  },
  {
    pattern: /source file is being updated|max transfer limit|corrupted on transfer|sizes differ|directory not empty/i,
    reason: 'changed',
    message: 'The file changed meanwhile',
    advice: '',
  },
];

/** Returns the error of a remote, with rclone's own reason. Pure. `redact` removes credentials from a text. */
export function toRemoteError(error: unknown, redact: (text: string) => string): RemoteError {
  if (error instanceof RemoteError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const detail = shorten(redact(message));
  const cause = causes.find(({ pattern }) => pattern.test(message));
  if (!cause) {
    const text = `The remote is unavailable: ${detail}. It is tried again. If this lasts, check its address, and ask its operator.`;
    return new RemoteError('unavailable', text, { cause: error });
  }
  return new RemoteError(cause.reason, `${cause.message}: ${detail}. ${cause.advice}`.trimEnd(), { cause: error });
}

/** Returns a text on one line, without a full stop at its end. */
function shorten(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  return (line.length > 400 ? `${line.slice(0, 400)}...` : line).replace(/\.$/, '');
}

/** Returns a function that replaces these texts, in the forms in which they can be part of a message. */
export function createRedaction(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .filter((each) => each.length >= 3)
    .flatMap((each) => [each, encodeURIComponent(each), Buffer.from(each).toString('base64')])
    .sort((a, b) => b.length - a.length);
  return (text) =>
    forms.reduce((redacted, form) => redacted.replaceAll(form, '***'), text.replace(/(?<=:\/\/)[^\s/@'"]*@/g, ''));
}
