import { openSync } from 'node:fs';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';

export interface LoggingOptions {
  /** The name of the program. */
  name: string;
  /** `info` by default, and for an unknown level. */
  level?: string | undefined;
  /** A log file, readable by its owner only; standard output by default. */
  file?: string;
  /** Milliseconds after which lines are written in any case; 200 by default. */
  batchMs?: number;
  /** Another destination for the lines. */
  destination?: DestinationStream;
}

const levels = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/** Names of credentials. Their values are removed from logged objects, at the top level and one level below. */
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

/** Maximum number of bytes to buffer while the log cannot be written. */
const maxBuffered = 1024 * 1024;
/** Bytes that are written together. A write for each line would cost a large part of a request. */
const batchBytes = 4096;
/** Milliseconds after which lines are written in any case. */
const defaultBatchMs = 200;
/** Lines of this level and above are written at once, with all lines before them. */
const errorLevel = pino.levels.values['error'] ?? 50;

/**
 * Returns a logger that writes JSON lines, with credentials removed from objects and errors. Lines are written in batches, at
 * the latest after 0.2 s, at once after an error, and when the process exits or crashes; only SIGKILL loses lines. A full disk does not end
 * the program: lines are buffered up to a limit, and the number of lost lines is logged later.
 */
export function createLogger({ name, level, file, destination, batchMs }: LoggingOptions): Logger {
  const options: LoggerOptions = {
    name,
    level: level !== undefined && levels.has(level) ? level : 'info',
    redact: { paths: redactedPaths, censor: '[removed]' },
    serializers: { err: describeError, error: describeError },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (destination) return pino(options, destination);
  const stream = pino.destination({
    // Opened here: a stream that opens the file itself would lose the lines of a crash at the start.
    dest: file === undefined ? 1 : openSync(file, 'a', 0o600),
    minLength: batchBytes,
    maxLength: maxBuffered,
    periodicFlush: batchMs ?? defaultBatchMs,
  });
  const hooks: LoggerOptions['hooks'] = {
    logMethod(args, method, level) {
      method.apply(this, args);
      if (level >= errorLevel) stream.flush();
    },
  };
  const log = pino({ ...options, hooks }, stream);
  // The lines stay in the buffer, and the next line writes them again. There is no other log for this error.
  stream.on('error', () => undefined);
  let lost = 0;
  stream.on('drop', () => {
    lost += 1;
  });
  stream.on('write', () => {
    if (lost === 0) return;
    const lines = lost;
    lost = 0;
    log.warn({ lines }, 'lines of this log were lost because it could not be written');
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
 * Returns an error and its causes for the log, without other properties: libraries attach requests with headers,
 * responses with bodies and whole configurations to errors.
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

/** Returns `text` with everything that looks like a credential replaced by `[removed]`. */
export function withoutCredentials(text: string): string {
  return credentials.reduce((clean, [pattern, replacement]) => clean.replaceAll(pattern, replacement), text);
}
