import { KubernetesError } from './types.ts';

/** Returns whether the object does not exist. */
export const isNotFound = (error: unknown): boolean => error instanceof KubernetesError && error.status === 404;

/** Returns whether another writer changed or replaced the object since it was read. */
export const isConflict = (error: unknown): boolean =>
  error instanceof KubernetesError && error.status === 409 && error.reason === 'Conflict';

/** Returns whether the name is already in use. A 409 with another reason may be, for example, a conflict in a quota. */
export const alreadyExists = (error: unknown): boolean =>
  error instanceof KubernetesError && error.status === 409 && error.reason === 'AlreadyExists';

/** Returns whether the request exceeds a ResourceQuota. */
export const isQuotaExceeded = (error: unknown): boolean =>
  error instanceof KubernetesError && error.status === 403 && /exceeded quota/i.test(error.message);

/** Returns whether the API server rejects the object itself, so that a retry would fail, too. */
export const isFinalRejection = (error: unknown): boolean =>
  error instanceof KubernetesError && error.status >= 400 && error.status < 500 && ![409, 429].includes(error.status);
