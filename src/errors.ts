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
  /** When it is answered; for the list of all errors (docs/errors.md). */
  readonly when: string;
  /** A message as it may stand in an answer; for the same list. */
  readonly example: string;
  /** What to do. Used where the place that throws knows nothing better. */
  readonly detail: string;
  /** When trying again makes sense, unless the place that throws knows better; null: a second try is the same again. */
  readonly retryAfterSeconds: number | null;
}

function kind(
  code: number,
  status: number,
  about: Omit<ErrorKind, 'code' | 'status' | 'retryAfterSeconds'>,
  retryAfterSeconds: number | null = null,
): ErrorKind {
  return Object.freeze({ code, status, ...about, retryAfterSeconds });
}

const soon = 5;
const tryAgain =
  'This is passing trouble on the side of the platform. Try again after the seconds that Retry-After names; if it stays, tell the administrator.';

/** All of them, by code. */
export const errorKind = {
  invalidInput: kind(1000, 422, {
    when: 'The request has the right form and asks for something that cannot be: no resource class is large enough for `serverOptions`, a storage size outside of the default class, an image at an address that may not be asked.',
    example: 'No resource class is large enough for the server options.',
    detail: 'Change what the fields name.',
  }),
  invalidImageReference: kind(1002, 422, {
    when: 'The name of an image cannot be read.',
    example: 'The image name ":::" is not valid.',
    detail:
      'An image is named as [host[:port]/]path[:tag][@digest], for example registry.example.org/group/project:1a2b3c4.',
  }),
  invalidStorageAddress: kind(1003, 422, {
    when: 'The launch names a cloud storage with a secret key alone, which means Azure Blob, at an address that is not Azure’s.',
    example: 'The address of the cloud storage is not one of Azure.',
    detail: 'Azure storage is at <account>.blob.core.windows.net, the account in 3 to 24 small letters and digits.',
  }),
  reservedVariable: kind(1004, 422, {
    when: 'An environment variable of the launch would change one that the session sets itself.',
    example: 'The session sets CI_COMMIT_SHA itself.',
    detail: 'The session sets this environment variable itself. Leave it out or give it another name.',
  }),
  invalidResources: kind(1005, 422, {
    when: 'The resource class does not exist or may not be used by this caller, or the storage size is not one of its.',
    example: 'The resource class or the storage size is not offered.',
    detail: 'Choose a resource class and a storage size that the platform offers.',
  }),
  badRequest: kind(1400, 400, {
    when: 'The request cannot be read: broken JSON, broken HTTP.',
    example: 'The body is not JSON.',
    detail: 'The API is described under docs.',
  }),
  unauthenticated: kind(1401, 401, {
    when: 'Nobody is signed in, or the gateway’s headers, the cookie, or the credentials for GitLab or the resource class service cannot be used (any more).',
    example: 'Nobody is signed in.',
    detail:
      'Sign in again. Programs send the gateway headers Renku-Auth-Access-Token, Renku-Auth-Id-Token and Renku-Auth-Git-Credentials; anonymous users send Renku-Auth-Anon-Id.',
  }),
  forbidden: kind(1403, 403, {
    when: 'A page of another site (a notebook is one) sent the request, or GitLab refuses it to this user: the terms of service are not accepted, the account is blocked, the branch is protected.',
    example: 'Requests from https://evil.example are refused.',
    detail: 'From a browser, only pages of this service may use it.',
  }),
  missing: kind(1404, 404, {
    when: 'The session, project, branch, commit, image or address does not exist, or not for this caller. A launch names everything that is missing.',
    example: 'Cannot launch the session: branch "mian" does not exist.',
    detail: 'Check the spelling, and that you have access to it.',
  }),
  methodNotAllowed: kind(1405, 405, {
    when: 'The address exists, but not for this method.',
    example: 'PUT is not possible here.',
    detail: 'The Allow header says which methods are possible.',
  }),
  notAcceptable: kind(1406, 406, {
    when: 'The Accept header allows no content type of the response.',
    example: 'The response is not available in a content type that you accept.',
    detail: 'Send Accept: application/json, or leave it out.',
  }),
  conflict: kind(1409, 409, {
    when: 'The session is not in the state that the request needs. A restart: the session has not failed, is being stopped, has no pod, or its files would be lost with the pod. An access token: the session has 20 of them, is being stopped, or is opened with the sign-in of the platform.',
    example: 'The session john-doe-my-project-3rdkwftvh3lixjsc is running. Only a failed session can be restarted.',
    detail: 'Stop the session and launch it again. Work that was not pushed is lost.',
  }),
  bodyTooLarge: kind(1413, 413, {
    when: 'The body is larger than `request.body_limit_bytes`.',
    example: 'The body is larger than 1048576 bytes.',
    detail: 'Send less.',
  }),
  unsupportedMediaType: kind(1415, 415, {
    when: 'The body is not sent as JSON, or packed in a way that is not understood.',
    example: 'The body has the content type text/plain.',
    detail: 'Send the body as JSON, with Content-Type: application/json.',
  }),
  misdirected: kind(1421, 421, {
    when: 'The Host header names a host that is not among `request.allowed_hosts`.',
    example: 'This service does not answer under this host name.',
    detail: 'Use the address that the platform publishes.',
  }),
  validation: kind(1422, 422, {
    when: 'Parameters or the body are not as the API document says. `fields` lists every wrong one.',
    example: '2 fields of the request are not valid.',
    detail: 'The API is described under docs.',
  }),
  tooManyRequests: kind(
    1429,
    429,
    {
      when: 'One user has too many launches and dry runs in progress, checks too many images, or follows too many logs, at the same time.',
      example: 'You have 20 launches or dry runs in progress already.',
      detail: 'Try again after the seconds that Retry-After names.',
    },
    soon,
  ),
  headersTooLarge: kind(1431, 431, {
    when: 'Headers and address together are larger than 64 KiB.',
    example: 'The headers are larger than 65536 bytes.',
    detail: 'Remove cookies of this host, or send shorter headers and a shorter address.',
  }),
  bug: kind(2000, 500, {
    when: 'Something happened that this service does not expect.',
    example: 'An unexpected error.',
    detail: 'This is a bug in the service. Report it together with the request id.',
  }),
  misconfigured: kind(2001, 500, {
    when: 'The set-up of the platform does not allow it: no default resource class, a missing right in the cluster, a cluster that knows no JupyterServers.',
    example: 'The platform has no default resource class.',
    detail: 'The platform is not set up right. Tell the administrator, with the request id.',
  }),
  intermittent: kind(
    3000,
    500,
    {
      when: 'GitLab, an image registry, the resource class service or the Kubernetes API is down, overloaded or answers with nonsense. The message names it.',
      example: 'GitLab did not give a usable answer.',
      detail: tryAgain,
    },
    soon,
  ),
  cannotDelete: kind(
    3001,
    500,
    {
      when: 'The Kubernetes API did not delete the session.',
      example: 'The session john-doe-my-project-3rdkwftvh3lixjsc could not be deleted.',
      detail: tryAgain,
    },
    soon,
  ),
  cannotStart: kind(3002, 500, {
    when: 'The Kubernetes API refused the session, for example because a quota is used up. Retry-After is there where a second try may succeed.',
    example: 'The session could not be made.',
    detail: 'A second try is the same again. Tell the administrator, with the request id.',
  }),
  timedOut: kind(
    3004,
    500,
    {
      when: 'GitLab, an image registry, the resource class service or the Kubernetes API did not answer within the time that a request may take (`request.deadline_ms`). The message names it.',
      example: 'GitLab did not answer in time.',
      detail: tryAgain,
    },
    soon,
  ),
  requestTimeout: kind(3408, 408, {
    when: 'The request did not arrive within a minute, or its headers within 20 seconds.',
    example: 'The request did not arrive in time.',
    detail: 'Send the whole request without a pause.',
  }),
  beingDeleted: kind(
    3409,
    409,
    {
      when: 'The former session of the same name is still being deleted, and that takes longer than the launch may wait.',
      example: 'The session john-doe-my-project-3rdkwftvh3lixjsc is being deleted.',
      detail:
        'The former session of this name is still being deleted. Try again after the seconds that Retry-After names.',
    },
    soon,
  ),
} as const satisfies Record<string, ErrorKind>;

export interface ErrorOptions {
  detail?: string | null;
  fields?: FieldError[];
  /** Becomes the Retry-After header; the kind's own where it is left out; null: none. */
  retryAfterSeconds?: number | null;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** Thrown anywhere in the service; `app.ts` is the only place that turns it into a body. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly kind: ErrorKind;
  readonly detail: string | null;
  readonly fields: FieldError[] | undefined;
  readonly retryAfterSeconds: number | null;
  readonly headers: Record<string, string>;

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.detail = options.detail === undefined ? kind.detail : options.detail;
    this.fields = options.fields;
    const seconds = options.retryAfterSeconds === undefined ? kind.retryAfterSeconds : options.retryAfterSeconds;
    this.retryAfterSeconds = seconds === null ? null : Math.max(1, Math.ceil(seconds));
    this.headers = {
      ...options.headers,
      ...(this.retryAfterSeconds === null ? {} : { 'Retry-After': String(this.retryAfterSeconds) }),
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
