/**
 * Every error that the API can answer. Code and status are 1.18.1's (clients depend on them); `message` says what
 * happened, `detail` whose fault it is and what to do. 1xxx: the caller can mend it; 2xxx: a bug or a misconfiguration
 * of this service; 3xxx: passing trouble, saying when to try again.
 */
export interface FieldError {
  /** Where: `body.serverOptions.cpu_request`, `query.max_lines`, `header.Renku-Auth-Id-Token`. */
  path: string;
  message: string;
}

export interface ErrorKind {
  readonly code: number;
  readonly status: number;
  /** Used where the place that throws has nothing better to say. */
  readonly detail: string | null;
}

const kind = (code: number, status: number, detail: string | null = null): ErrorKind =>
  Object.freeze({ code, status, detail });

const tryAgain =
  'This is passing trouble on the side of the platform. Try again in a moment; if it stays, tell the administrator.';

export const errorKind = {
  invalidInput: kind(1000, 422),
  invalidImageReference: kind(
    1002,
    422,
    'An image is named as [host[:port]/]path[:tag][@digest], for example registry.example.org/group/project:1a2b3c4.',
  ),
  invalidStorageAddress: kind(
    1003,
    422,
    'Azure storage is at <account>.blob.core.windows.net, the account in 3 to 24 small letters and digits.',
  ),
  reservedVariable: kind(
    1004,
    422,
    'The session sets this environment variable itself. Leave it out or give it another name.',
  ),
  invalidResources: kind(1005, 422, 'Choose a resource class and a storage size that the platform offers.'),
  badRequest: kind(1400, 400, 'The API is described under docs.'),
  unauthenticated: kind(
    1401,
    401,
    'Sign in again. Programs send the gateway headers Renku-Auth-Access-Token, Renku-Auth-Id-Token and Renku-Auth-Git-Credentials; anonymous users send Renku-Auth-Anon-Id.',
  ),
  forbidden: kind(1403, 403, 'From a browser, only pages of this service may use it.'),
  missing: kind(1404, 404, 'Check the spelling, and that you have access to it.'),
  methodNotAllowed: kind(1405, 405),
  notAcceptable: kind(1406, 406),
  bodyTooLarge: kind(1413, 413, 'Send less.'),
  unsupportedMediaType: kind(1415, 415, 'Send the body as JSON, with Content-Type: application/json.'),
  misdirected: kind(1421, 421),
  validation: kind(1422, 422, 'The API is described under docs.'),
  tooManyRequests: kind(1429, 429, 'Wait for the seconds that Retry-After names.'),
  headersTooLarge: kind(1431, 431, 'Remove cookies of this host, or send shorter headers and a shorter address.'),
  bug: kind(2000, 500, 'This is a bug in the service. Report it together with the request id.'),
  misconfigured: kind(2001, 500, 'The platform is not set up right. Tell the administrator, with the request id.'),
  intermittent: kind(3000, 500, tryAgain),
  cannotDelete: kind(3001, 500, tryAgain),
  cannotStart: kind(3002, 500, tryAgain),
  timedOut: kind(3004, 500, tryAgain),
  requestTimeout: kind(3408, 408, 'Send the whole request without a pause.'),
  beingDeleted: kind(
    3409,
    409,
    'The former session of this name is still being deleted. Try again after the seconds that Retry-After names.',
  ),
} as const satisfies Record<string, ErrorKind>;

export interface ErrorOptions {
  detail?: string | null;
  fields?: FieldError[];
  /** Seconds; becomes the Retry-After header. */
  retryAfterSeconds?: number;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** Thrown anywhere in the service; `app.ts` is the only place that turns it into a body. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly kind: ErrorKind;
  readonly detail: string | null;
  readonly fields: FieldError[] | undefined;
  readonly headers: Record<string, string>;

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.detail = options.detail === undefined ? kind.detail : options.detail;
    this.fields = options.fields;
    this.headers = {
      ...options.headers,
      ...(options.retryAfterSeconds === undefined
        ? {}
        : { 'Retry-After': String(Math.ceil(options.retryAfterSeconds)) }),
    };
  }
}

export interface ErrorBody {
  error: {
    message: string;
    detail: string | null;
    code: number;
    fields?: FieldError[];
    requestId: string;
  };
}

export function errorBody(error: ApiError, requestId: string): ErrorBody {
  return {
    error: {
      message: error.message,
      detail: error.detail,
      code: error.kind.code,
      ...(error.fields ? { fields: error.fields } : {}),
      requestId,
    },
  };
}
