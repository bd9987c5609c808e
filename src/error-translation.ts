import { ApiError, type ErrorKind, errorKind } from './errors.ts';
import { type Deadline, DeadlineExceeded } from './lib/deadline.ts';
import { GitLabRefused, GitLabUnauthorized, GitLabUnavailable } from './platform/gitlab/types.ts';
import { isQuotaExceeded } from './platform/kubernetes/predicates.ts';
import { KubernetesError, KubernetesUnavailable } from './platform/kubernetes/types.ts';
import { AddressRefused, OutboundFailure } from './platform/outbound-http/types.ts';
import { ResourceClassesUnauthorized, ResourceClassesUnavailable } from './platform/resource-classes/types.ts';
import { AgentFailure } from './platform/session-agent/types.ts';

/** Context of an error from the code that catches it. */
export interface TranslationContext {
  /** A sentence: what could not be done. It becomes the message; the cause moves to the detail. */
  readonly message?: string;
  /** Sentences: what the caller can do. They replace those of the cause. */
  readonly advice?: string;
  /** The server that was called, as the subject of a sentence: a deadline that expires is its timeout. */
  readonly server?: string;
  /** The deadline of the call: an outage after its end is a timeout of `server`. */
  readonly deadline?: Deadline;
  /** Error kinds for failures of the Kubernetes API: some operations have codes of their own. */
  readonly kinds?: Partial<Kinds>;
}

interface Kinds {
  /** The API server rejects the request, and would reject it again. */
  readonly rejected: ErrorKind;
  /** The API server does not respond, or is overloaded. */
  readonly unavailable: ErrorKind;
  /** The service lacks a permission, or the cluster a resource definition. */
  readonly forbidden: ErrorKind;
}

const defaultKinds: Kinds = {
  rejected: errorKind.intermittent,
  unavailable: errorKind.intermittent,
  forbidden: errorKind.misconfigured,
};

/** What one cause means for the caller. */
interface Translation {
  readonly kind: ErrorKind;
  /** A sentence: what happened. */
  readonly reason: string;
  /** The error message of the other server. */
  readonly quote?: string | undefined;
  /** What the caller can do; by default the advice of the kind. */
  readonly advice?: string;
  /** Seconds; by default those of the kind. null if a second attempt would fail in the same way. */
  readonly retryAfterSeconds?: number | null | undefined;
}

/**
 * Returns the error that the API answers with for an error of another server or of a deadline, or undefined for any
 * other error. The server that failed is named and its own words are passed on; addresses, names of internal resources
 * and messages of libraries are not.
 */
export function translateError(cause: unknown, context: TranslationContext = {}): ApiError | undefined {
  if (cause instanceof ApiError) return cause;
  const translation =
    ofGitLab(cause) ??
    ofKubernetes(cause, context) ??
    ofAgent(cause) ??
    ofOtherServers(cause) ??
    ofDeadline(cause, context);
  if (!translation) return undefined;
  const isLate = context.deadline?.expired === true && context.server !== undefined;
  if (isLate && translation.kind === errorKind.intermittent) return toError(timeoutOf(context.server), cause, context);
  return toError(translation, cause, context);
}

/** Returns the error that the API answers with for any error; an unknown one is a bug of the service. */
export function toApiError(error: unknown): ApiError {
  return (
    translateError(error) ??
    ofExpress(error) ??
    new ApiError(errorKind.bug, 'An unexpected error occurred.', { cause: error })
  );
}

/** Returns the error for an operation, named as the subject of a sentence, that did not finish before its deadline. */
export function timedOut(operation: string, cause?: unknown): ApiError {
  return new ApiError(errorKind.timedOut, unfinished(operation), { cause });
}

function unfinished(operation: string): string {
  const [first = '', ...rest] = operation;
  return `${first.toUpperCase()}${rest.join('')} did not finish in time.`;
}

function toError(translation: Translation, cause: unknown, { message, advice }: TranslationContext): ApiError {
  const { kind, reason, quote, retryAfterSeconds } = translation;
  const sentences = [
    // A message with advice says what happened already.
    ...(message !== undefined && advice === undefined ? [reason] : []),
    ...(quote === undefined ? [] : [quote]),
    advice ?? translation.advice ?? kind.detail,
  ];
  const options = { detail: sentences.join(' '), cause };
  return new ApiError(
    kind,
    message ?? reason,
    retryAfterSeconds === undefined ? options : { ...options, retryAfterSeconds },
  );
}

function ofGitLab(cause: unknown): Translation | undefined {
  if (cause instanceof GitLabUnauthorized) {
    return {
      kind: errorKind.unauthenticated,
      reason: 'GitLab does not accept your credentials.',
      quote: gitLabQuote(cause.reason) ?? 'They have expired or were revoked.',
      advice: 'Sign out of the platform and sign in again.',
    };
  }
  if (cause instanceof GitLabRefused) {
    return {
      kind: errorKind.forbidden,
      reason: 'GitLab denies you this request.',
      quote: gitLabQuote(cause.reason),
      advice:
        'Sign in to GitLab with a browser to see what your account requires, then try again. An administrator of GitLab can help.',
    };
  }
  if (cause instanceof GitLabUnavailable) {
    return {
      kind: errorKind.intermittent,
      reason: 'GitLab is temporarily unavailable.',
      quote: gitLabQuote(cause.reason),
      retryAfterSeconds: cause.retryAfterSeconds,
    };
  }
  return undefined;
}

const gitLabQuote = (reason: string | undefined): string | undefined =>
  reason === undefined ? undefined : `GitLab says: "${reason}"`;

/** Advice and Retry-After for an outage, which is temporary even if its error has another kind. */
const tryAgain = {
  advice: errorKind.intermittent.detail,
  retryAfterSeconds: errorKind.intermittent.retryAfterSeconds,
};

function ofKubernetes(cause: unknown, context: TranslationContext): Translation | undefined {
  const { rejected, unavailable, forbidden } = { ...defaultKinds, ...context.kinds };
  if (cause instanceof KubernetesUnavailable) {
    return { kind: unavailable, reason: 'The Kubernetes API is temporarily unavailable.', ...tryAgain };
  }
  if (!(cause instanceof KubernetesError)) return undefined;
  const { status, reason, retryAfterSeconds } = cause;
  if (cause.isStorageFull) {
    return {
      kind: unavailable,
      reason: 'The disk that stores the sessions is full.',
      advice: 'Free some space, for example by stopping a session, and try again.',
      retryAfterSeconds: retryAfterSeconds ?? 30,
    };
  }
  if (status === 429 || status >= 500) {
    return {
      kind: unavailable,
      reason: 'The Kubernetes API is overloaded.',
      ...tryAgain,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    };
  }
  if (isQuotaExceeded(cause)) {
    return {
      kind: rejected,
      reason: 'The resource quota of the platform is exhausted.',
      advice: 'Stop a session, or contact the administrator.',
      retryAfterSeconds: null,
    };
  }
  if (status === 401 || status === 403 || reason === 'NoSuchApi') {
    return {
      kind: forbidden,
      reason:
        reason === 'NoSuchApi'
          ? 'The Kubernetes API has no resource for sessions.'
          : 'The Kubernetes API denies the service a permission that it needs.',
      advice: errorKind.misconfigured.detail,
      retryAfterSeconds: null,
    };
  }
  return {
    kind: rejected,
    reason: `The Kubernetes API rejected the request (${reason}).`,
    advice: 'Contact the administrator, with the request id.',
    retryAfterSeconds: null,
  };
}

/** Whose turn it is depends on the reason: the caller's, the git server's, or the platform's. */
function ofAgent(cause: unknown): Translation | undefined {
  if (!(cause instanceof AgentFailure)) return undefined;
  const { reason } = cause;
  // Messages that name an invalid member have no full stop, and the advice follows them.
  const message = /[.!?]$/.test(cause.message) ? cause.message : `${cause.message}.`;
  switch (reason) {
    case 'timeout':
      return timeoutOf('The agent of the session');
    case 'not-found':
      return { kind: errorKind.missing, reason: message };
    case 'no-repository':
    case 'push-rejected':
    case 'credentials':
    case 'git':
    case 'cancelled':
    case 'kernel':
    case 'jupyter':
      return { kind: errorKind.conflict, reason: message, advice: 'Correct this in the session, then try again.' };
    case 'disk-full':
      return { kind: errorKind.noSpace, reason: message };
    case 'conflict':
      return { kind: errorKind.conflict, reason: message, advice: 'Nothing was changed.' };
    case 'unavailable':
      return {
        kind: errorKind.conflict,
        reason: message,
        advice: 'The menus of JupyterLab can restart and end kernels.',
      };
    case 'invalid':
      return { kind: errorKind.invalidInput, reason: message };
    default:
      return { kind: errorKind.intermittent, reason: message };
  }
}

function ofOtherServers(cause: unknown): Translation | undefined {
  if (cause instanceof ResourceClassesUnauthorized) {
    return cause.hasToken
      ? {
          kind: errorKind.unauthenticated,
          reason: 'The resource class service does not accept your access token.',
          advice: 'It has expired or was revoked. Sign in again.',
        }
      : {
          kind: errorKind.unauthenticated,
          reason: 'The resource class service serves signed-in users only.',
          advice: 'Sign in to launch a session.',
        };
  }
  if (cause instanceof ResourceClassesUnavailable) {
    return {
      kind: errorKind.intermittent,
      reason: `The resource class service ${cause.message}.`,
      retryAfterSeconds: cause.retryAfterSeconds,
    };
  }
  // The messages of these two are written for users.
  if (cause instanceof AddressRefused) return { kind: errorKind.invalidInput, reason: `${cause.message}.` };
  if (cause instanceof OutboundFailure) {
    return {
      kind: errorKind.intermittent,
      reason: `A server outside of the platform did not give a usable response: ${cause.message}.`,
    };
  }
  return undefined;
}

function ofDeadline(cause: unknown, { server }: TranslationContext): Translation | undefined {
  if (cause instanceof DeadlineExceeded) {
    return server === undefined ? { kind: errorKind.timedOut, reason: unfinished(cause.operation) } : timeoutOf(server);
  }
  // The error of `fetch` for a signal of AbortSignal.timeout.
  if (!(cause instanceof Error) || cause.name !== 'TimeoutError') return undefined;
  return timeoutOf(server ?? 'A server that this service calls');
}

const timeoutOf = (server: string | undefined): Translation => ({
  kind: errorKind.timedOut,
  reason: `${server} did not respond in time.`,
});

/** Errors of Express and its parsers for a request that they cannot read. */
function ofExpress(error: unknown): ApiError | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  const { status } = error;
  const options = { cause: error };
  if (status === 404) return new ApiError(errorKind.missing, 'This address does not exist.', options);
  if (status === 413) return new ApiError(errorKind.bodyTooLarge, 'The body is too large.', options);
  if (status === 415) return new ApiError(errorKind.unsupportedMediaType, 'The body is not sent as JSON.', options);
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ApiError(errorKind.badRequest, 'The request cannot be read.', options);
  }
  return undefined;
}
