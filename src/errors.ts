/**
 * Every error that the API can answer with. Codes and statuses are those of renku-notebooks 1.18.1, because clients
 * depend on them. Codes from 1000: the caller can correct the request; from 2000: a bug or a configuration error of the
 * service; from 3000: a temporary failure, with the time after which to try again.
 */
export interface FieldError {
  /** The field: `body.serverOptions.cpu_request`, `query.max_lines`, `header.Renku-Auth-Id-Token`. */
  path: string;
  message: string;
}

export interface ErrorKind {
  readonly code: number;
  readonly status: number;
  /** When the API answers with this error; for the list of all errors (docs/errors.md). */
  readonly when: string;
  /** A message of this error; for the same list. */
  readonly example: string;
  /** What the caller can do: the default `detail` of a response. */
  readonly detail: string;
  /** The default Retry-After header, in seconds; null if a second attempt would fail in the same way. */
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
  'Try again after the number of seconds in the Retry-After header. If the error persists, contact the administrator.';

/** All errors, in the order of their codes. */
export const errorKind = {
  invalidInput: kind(1000, 422, {
    when: 'The request is well formed, but a value cannot be used: no resource class is large enough for `serverOptions`, a storage size is outside of the range of the default class, or an image is at an address that the service may not call.',
    example: 'No resource class is large enough for the server options.',
    detail: 'Change the values that the fields list.',
  }),
  invalidImageReference: kind(1002, 422, {
    when: 'The name of an image is invalid.',
    example: 'The image name ":::" is not valid.',
    detail:
      'Name an image as [host[:port]/]path[:tag][@digest], for example registry.example.org/group/project:1a2b3c4.',
  }),
  invalidStorageAddress: kind(1003, 422, {
    when: 'The launch requests a cloud storage with a secret key only, which means Azure Blob, at an address that is not an Azure address.',
    example: 'The address of the cloud storage is not an Azure address.',
    detail:
      'The address of an Azure storage is <account>.blob.core.windows.net. The account has 3 to 24 lower-case letters and digits.',
  }),
  reservedVariable: kind(1004, 422, {
    when: 'An environment variable of the launch has the name of a variable that the session sets itself.',
    example: 'The session sets CI_COMMIT_SHA itself.',
    detail: 'The session sets this environment variable itself. Omit it or give it another name.',
  }),
  invalidResources: kind(1005, 422, {
    when: 'The resource class does not exist, the caller may not use it, or it does not offer the storage size.',
    example: 'The resource class or the storage size is not offered.',
    detail: 'Choose a resource class and a storage size that the platform offers.',
  }),
  badRequest: kind(1400, 400, {
    when: 'The request cannot be read: invalid JSON or invalid HTTP.',
    example: 'The body is not JSON.',
    detail: 'The API is documented at /docs below the address of the service.',
  }),
  unauthenticated: kind(1401, 401, {
    when: 'The caller is not signed in, or the headers of the gateway, the cookie, or the credentials for GitLab or the resource class service are invalid or have expired.',
    example: 'You are not signed in.',
    detail:
      'Sign in again. Programs send the gateway headers Renku-Auth-Access-Token, Renku-Auth-Id-Token and Renku-Auth-Git-Credentials; anonymous users send Renku-Auth-Anon-Id.',
  }),
  forbidden: kind(1403, 403, {
    when: 'A page of another site (for example a notebook) sent the request, or GitLab denies it to this user: the terms of service are not accepted, the account is blocked, or the branch is protected.',
    example: 'Requests from https://evil.example are not allowed.',
    detail: 'In a browser, only pages of this service can use it.',
  }),
  missing: kind(1404, 404, {
    when: 'The session, project, branch, commit, image or address does not exist, or the caller does not have access to it. The error of a launch lists everything that is missing.',
    example: 'Cannot launch the session: branch "mian" does not exist.',
    detail: 'Check the spelling, and that you have access.',
  }),
  methodNotAllowed: kind(1405, 405, {
    when: 'The address does not support this method.',
    example: 'This address does not support PUT.',
    detail: 'The Allow header lists the supported methods.',
  }),
  notAcceptable: kind(1406, 406, {
    when: 'The Accept header excludes every content type of the response.',
    example: 'The response is not available in a content type that you accept.',
    detail: 'Send Accept: application/json, or omit the header.',
  }),
  conflict: kind(1409, 409, {
    when: 'The session is not in the state that the request requires. For a restart: the session has not failed, is being stopped, has no pod, or would lose its files with the pod. For an access token: the session has 20 access tokens already, is being stopped, or is opened with the sign-in of the platform. For a save, a stop or a hibernation: the session has no agent, does not run, is being stopped, has no volume for its files, or its work could not be saved. For a Jupyter server or a kernel: the session has no supervisor, a kernel is busy, or Jupyter rejects the request. For a snapshot: it cannot be taken of this kernel, is damaged, or is not of this session. For a synchronized folder: it would be inside another one, or a conflict cannot be resolved as requested.',
    example: 'The session john-doe-my-project-3rdkwftvh3lixjsc is running. Only a failed session can be restarted.',
    detail: 'The session must be in another state. If you stop it, work that cannot be saved first is lost.',
  }),
  bodyTooLarge: kind(1413, 413, {
    when: 'The body is larger than `request.body_limit_bytes`.',
    example: 'The body is larger than 1048576 bytes.',
    detail: 'Send a smaller body.',
  }),
  unsupportedMediaType: kind(1415, 415, {
    when: 'The body is not sent as JSON, or has a content encoding that is not supported.',
    example: 'The body has the content type text/plain.',
    detail: 'Send the body as JSON, with Content-Type: application/json.',
  }),
  misdirected: kind(1421, 421, {
    when: 'The Host header names a host that is not in `request.allowed_hosts`.',
    example: 'This service does not serve this host name.',
    detail: 'Use the address that the platform publishes.',
  }),
  validation: kind(1422, 422, {
    when: 'Parameters or the body do not match the API document. `fields` lists every invalid field.',
    example: '2 fields of the request are not valid.',
    detail: 'The API is documented at /docs below the address of the service.',
  }),
  tooManyRequests: kind(
    1429,
    429,
    {
      when: 'The user, or the anonymous users at one address together, have too many requests, launches and dry runs, image checks or streams in progress (`limits`), or a replica of the service has as many streams of events as it can serve.',
      example: 'You have 20 launches or dry runs in progress already.',
      detail: 'Try again after the number of seconds in the Retry-After header.',
    },
    soon,
  ),
  noSpace: kind(3507, 507, {
    when: 'The volume of the session, or the quota of its snapshots, has no space for what was requested.',
    example: 'The snapshots of the session use 21474836480 bytes, and 21474836480 are allowed.',
    detail: 'Delete files or older snapshots in the session, then try again.',
  }),
  tooManySessions: kind(
    1430,
    429,
    {
      when: 'The user has as many sessions as `limits.sessions_per_user` allows.',
      example: 'You have 3 sessions, and the platform allows 3 for each user.',
      detail: 'Stop one of your sessions first.',
    },
    60,
  ),
  headersTooLarge: kind(1431, 431, {
    when: 'The headers and the address together are larger than 64 KiB.',
    example: 'The headers are larger than 65536 bytes.',
    detail: 'Delete the cookies of this host, or send shorter headers and a shorter address.',
  }),
  bug: kind(2000, 500, {
    when: 'The service has a bug.',
    example: 'An unexpected error occurred.',
    detail: 'This is a bug in the service. Report it, with the request id.',
  }),
  misconfigured: kind(2001, 500, {
    when: 'The configuration of the platform is incomplete: no default resource class, a missing permission in the cluster, or a cluster without the JupyterServer resource.',
    example: 'The platform has no default resource class.',
    detail: 'The platform has a configuration error. Contact the administrator, with the request id.',
  }),
  intermittent: kind(
    3000,
    500,
    {
      when: 'GitLab, an image registry, the resource class service, the Kubernetes API, or the agent or the supervisor of a session is down or overloaded, or sends invalid responses. The message names the server.',
      example: 'GitLab is temporarily unavailable.',
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
    when: 'The Kubernetes API rejected the session, for example because a quota is exhausted. The response has a Retry-After header if a second attempt can succeed.',
    example: 'The session could not be created.',
    detail: 'A second attempt fails in the same way. Contact the administrator, with the request id.',
  }),
  timedOut: kind(
    3004,
    500,
    {
      when: 'GitLab, an image registry, the resource class service, the Kubernetes API or the agent of a session did not respond within the time limit of a request (`request.deadline_ms`). The message names the server.',
      example: 'GitLab did not respond in time.',
      detail: tryAgain,
    },
    soon,
  ),
  cannotChange: kind(
    3005,
    500,
    {
      when: 'The Kubernetes API did not change the session.',
      example: 'The session john-doe-my-project-3rdkwftvh3lixjsc could not be changed.',
      detail: tryAgain,
    },
    soon,
  ),
  noVolumes: kind(3006, 500, {
    when: 'The platform has no volumes for sessions (`sessions.storage.pvs_enabled`), so a hibernated session would lose its files.',
    example: 'Sessions cannot be hibernated, because the platform has no volumes for them.',
    detail: 'Push your work, then stop the session.',
  }),
  anonymousHibernation: kind(3007, 422, {
    when: 'An anonymous user hibernates, resumes or resizes a session.',
    example: 'Sessions of anonymous users cannot be hibernated or resumed.',
    detail: 'Sign in, then launch a session.',
  }),
  requestTimeout: kind(3408, 408, {
    when: 'The request did not arrive within a minute, or its headers did not arrive within 20 seconds.',
    example: 'The request did not arrive in time.',
    detail: 'Send the whole request without a pause.',
  }),
  beingDeleted: kind(
    3409,
    409,
    {
      when: 'The former session of the same name is being deleted, and the deletion takes longer than the launch can wait.',
      example: 'The session john-doe-my-project-3rdkwftvh3lixjsc is being deleted.',
      detail:
        'The former session of this name is still being deleted. Try again after the number of seconds in the Retry-After header.',
    },
    soon,
  ),
} as const satisfies Record<string, ErrorKind>;

export interface ErrorOptions {
  detail?: string | null;
  fields?: FieldError[];
  /** Seconds for the Retry-After header; by default those of the kind; null for no header. */
  retryAfterSeconds?: number | null;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** An error with a response of its own. Any code can throw it; only `app.ts` sends it. */
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
