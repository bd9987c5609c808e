import { ApiError, type ErrorKind, errorKind } from '../errors.ts';
import { KubernetesError, KubernetesUnavailable } from '../platform/kubernetes/types.ts';

interface Kinds {
  /** The object is not wanted as it is. */
  readonly refused: ErrorKind;
  /** Silence and overload. */
  readonly passing: ErrorKind;
  /** The service lacks a right. */
  readonly forbidden: ErrorKind;
}

const usual: Kinds = {
  refused: errorKind.intermittent,
  passing: errorKind.intermittent,
  forbidden: errorKind.misconfigured,
};

/**
 * What the API answers when the Kubernetes API refused or did not answer. Errors of another kind stay what they are.
 * @param what what could not be done, a sentence
 */
export function kubernetesTrouble(error: unknown, what: string, kinds: Partial<Kinds> = {}): unknown {
  const { refused, passing, forbidden } = { ...usual, ...kinds };
  if (error instanceof KubernetesUnavailable) {
    const detail = 'The Kubernetes API did not give a usable answer. Try again in a moment.';
    return new ApiError(passing, what, { detail, retryAfterSeconds: 5, cause: error });
  }
  if (!(error instanceof KubernetesError)) return error;
  if (error.status === 429 || error.status >= 500) {
    const detail = 'The Kubernetes API has passing trouble. Try again in a moment.';
    return new ApiError(passing, what, { detail, retryAfterSeconds: error.retryAfterSeconds ?? 5, cause: error });
  }
  if (isQuota(error)) {
    const detail = 'The resource quota of the platform is used up. Stop a session, or tell the administrator.';
    return new ApiError(refused, what, { detail, retryAfterSeconds: null, cause: error });
  }
  if (error.status === 401 || error.status === 403) {
    const detail = 'The service lacks a right in the cluster. Tell the administrator, with the request id.';
    return new ApiError(forbidden, what, { detail, retryAfterSeconds: null, cause: error });
  }
  const detail = `The Kubernetes API refused it (${error.reason}). Tell the administrator, with the request id.`;
  return new ApiError(refused, what, { detail, retryAfterSeconds: null, cause: error });
}

/** The API server wants this object never, so asking again is of no use. */
export const isFinalRefusal = (error: unknown): boolean =>
  error instanceof KubernetesError && error.status >= 400 && error.status < 500 && ![409, 429].includes(error.status);

export const isNotFound = (error: unknown): boolean => error instanceof KubernetesError && error.status === 404;

/** Another writer changed the object since it was read, or it is another object by now. */
export const isConflict = (error: unknown): boolean =>
  error instanceof KubernetesError && error.status === 409 && error.reason === 'Conflict';

/** 409 alone may also be a quota that somebody else changed at the same moment. */
export const alreadyExists = (error: unknown): boolean =>
  error instanceof KubernetesError && error.status === 409 && error.reason === 'AlreadyExists';

const isQuota = (error: KubernetesError): boolean => error.status === 403 && /exceeded quota/i.test(error.message);
