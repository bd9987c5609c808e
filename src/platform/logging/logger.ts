import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

export interface LoggingOptions {
  /** The program. */
  name: string;
  /** `info` unless told. */
  level?: string | undefined;
  /** A file of its own, for the owner only; standard output unless told. */
  file?: string;
  /** Anything else that takes lines. */
  destination?: DestinationStream;
}

const levels = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/** Names under which credentials travel; removed where they stand at the top or one level deep in what is logged. */
const secretKeys = [
  'authorization',
  'cookie',
  'set-cookie',
  'token',
  'accessToken',
  'refreshToken',
  'idToken',
  'password',
  'client_secret',
  'cookie_secret',
  'renku-auth-access-token',
  'renku-auth-id-token',
  'renku-auth-refresh-token',
  'renku-auth-git-credentials',
  'renku-auth-anon-id',
];
const redactedPaths = secretKeys.flatMap((key) => [`["${key}"]`, `*["${key}"]`]);

/** Characters that wait for a log that cannot be written at the moment. */
const maxWaiting = 1024 * 1024;

/**
 * JSON lines. Nothing that looks like a credential passes, wherever it stands in an error. A disk that is full ends no
 * program: lines wait, up to a limit, and those that were lost are counted.
 */
export function createLogger({ name, level, file, destination }: LoggingOptions): Logger {
  const options: LoggerOptions = {
    name,
    level: level !== undefined && levels.has(level) ? level : 'info',
    redact: { paths: redactedPaths, censor: '[removed]' },
    serializers: { err: describeError, error: describeError },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (destination) return pino(options, destination);
  const stream = pino.destination({ dest: file ?? 1, mode: 0o600, maxLength: maxWaiting });
  const log = pino(options, stream);
  // The lines are kept and tried again with the next one; there is no other place to tell of it.
  stream.on('error', () => undefined);
  let lost = 0;
  stream.on('drop', () => {
    lost += 1;
  });
  stream.on('write', () => {
    if (lost === 0) return;
    const lines = lost;
    lost = 0;
    log.warn({ lines }, 'lines of this log were lost: it could not be written');
  });
  return log;
}

interface DescribedError {
  type: string;
  message: string;
  stack?: string;
  code?: string;
  cause?: DescribedError;
}

const maxCauses = 5;

/**
 * An error with its causes, and nothing else of it: libraries hang requests with their headers, answers with their
 * bodies and whole configurations onto errors.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: withoutCredentials(String(error)) };
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number')
      ? String(error.code)
      : undefined;
  return {
    type: error.name,
    message: withoutCredentials(error.message),
    ...(error.stack === undefined ? {} : { stack: withoutCredentials(error.stack) }),
    ...(code === undefined ? {} : { code }),
    ...(error.cause === undefined || depth >= maxCauses ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

const credentials: readonly [RegExp, string][] = [
  [/\b(bearer|basic|token)(\s+|["']?\s*[:=]\s*["']?)[-A-Za-z0-9._~+/]{8,}=*/gi, '$1 [removed]'],
  [/\beyJ[-\w]{10,}\.[-\w]*(\.[-\w]*)?/g, '[removed]'],
  [/\bgl[a-z]{2,8}-[-\w]{16,}/g, '[removed]'],
  [/(:\/\/)[^/\s@]+@/g, '$1[removed]@'],
  [/([?&](?:token|private_token|access_token|code)=)[^&\s"']+/gi, '$1[removed]'],
];

export function withoutCredentials(text: string): string {
  return credentials.reduce((clean, [pattern, replacement]) => clean.replaceAll(pattern, replacement), text);
}
