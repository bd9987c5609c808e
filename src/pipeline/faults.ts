import { ApiError, errorKind } from '../errors.ts';
import { gitLabApiError } from '../gitlab-errors.ts';
import { DeadlineExceeded } from '../lib/deadline.ts';
import { KubernetesError, KubernetesUnavailable } from '../platform/kubernetes/types.ts';
import { AddressRefused, OutboundFailure } from '../platform/outbound-http/types.ts';

/**
 * Any error as one that the API can answer. What is outside is named, so that people know whom to ask; nothing of the
 * inside (addresses, names of resources, texts of libraries) is told.
 */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const ofGitLab = gitLabApiError(error);
  if (ofGitLab) return ofGitLab;
  if (error instanceof KubernetesUnavailable) {
    return new ApiError(errorKind.intermittent, 'The Kubernetes API does not give a usable answer.', passing(error));
  }
  if (error instanceof KubernetesError) {
    if (error.status === 401 || error.status === 403 || error.reason === 'NoSuchApi') {
      const what = error.reason === 'NoSuchApi' ? 'does not know sessions' : 'does not let this service do its work';
      return new ApiError(errorKind.misconfigured, `The Kubernetes API ${what}.`, { cause: error });
    }
    if (error.isStorageFull) {
      return new ApiError(errorKind.intermittent, 'The disk that holds the sessions is full.', {
        detail: 'Free some space, for example by stopping a session, and try again.',
        ...passing(error),
      });
    }
    return new ApiError(
      errorKind.intermittent,
      'The Kubernetes API refused what this service asked of it.',
      passing(error),
    );
  }
  // Both say what they have to say for people.
  if (error instanceof AddressRefused)
    return new ApiError(errorKind.invalidInput, `${error.message}.`, { cause: error });
  if (error instanceof OutboundFailure) {
    return new ApiError(
      errorKind.intermittent,
      `A server outside of the platform gave no usable answer: ${error.message}.`,
      { cause: error },
    );
  }
  if (error instanceof DeadlineExceeded) return timedOut(error.operation, error);
  // fetch's name for a signal of AbortSignal.timeout, which is what ends a Deadline.
  if (error instanceof Error && error.name === 'TimeoutError')
    return timedOut('something that this service waits for', error);
  return fromExpress(error) ?? new ApiError(errorKind.bug, 'An unexpected error.', { cause: error });
}

export function timedOut(operation: string, cause?: unknown): ApiError {
  const [first = '', ...rest] = operation;
  return new ApiError(errorKind.timedOut, `${first.toUpperCase()}${rest.join('')} did not finish in time.`, { cause });
}

function passing(error: KubernetesUnavailable | KubernetesError) {
  const seconds = 'retryAfterSeconds' in error ? error.retryAfterSeconds : undefined;
  return { cause: error, ...(seconds === undefined ? {} : { retryAfterSeconds: Math.max(1, seconds) }) };
}

/** What Express and its parts throw at a request that they cannot read. */
function fromExpress(error: unknown): ApiError | undefined {
  if (!(error instanceof Error) || !('status' in error)) return undefined;
  const { status } = error;
  const options = { cause: error };
  if (status === 404) return new ApiError(errorKind.missing, 'There is nothing here.', options);
  if (status === 413) return new ApiError(errorKind.bodyTooLarge, 'The body is too large.', options);
  if (status === 415) return new ApiError(errorKind.unsupportedMediaType, 'The body is not sent as JSON.', options);
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ApiError(errorKind.badRequest, 'The request cannot be read.', options);
  }
  return undefined;
}
