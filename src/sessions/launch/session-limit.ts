import { ApiError, errorKind } from '../../errors.ts';
import { ownerKey } from '../../identity/owner.ts';
import type { Identity } from '../../identity/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { createConcurrencyLimit } from '../../lib/concurrency-limit.ts';

/** Limits the sessions of each user. Launches on different replicas at the same moment can exceed the limit. */
export interface SessionLimit {
  /** Returns the error of a launch of another session; undefined if it is allowed. @param own the user's sessions */
  errorOf(identity: Identity, own: readonly Session[]): ApiError | undefined;
  /**
   * Reserves one more session, until the returned function is called: then the new session is in the cache. Throws ApiError
   * 1430.
   */
  reserve(identity: Identity, own: readonly Session[]): () => void;
}

/** @param limits null: no limit */
export function createSessionLimit(limits: Readonly<Record<Identity['kind'], number | null>>): SessionLimit {
  const reserved = createConcurrencyLimit();

  function errorOf(identity: Identity, own: readonly Session[]): ApiError | undefined {
    const limit = limits[identity.kind];
    // A session that is being deleted does not count.
    const count = own.filter((session) => !session.isBeingDeleted).length + reserved.of(ownerKey(identity));
    if (limit === null || count < limit) return undefined;
    return new ApiError(
      errorKind.tooManySessions,
      `You have ${count} ${count === 1 ? 'session' : 'sessions'}, and the platform allows ${limit} for each user.`,
    );
  }

  return {
    errorOf,
    reserve(identity, own) {
      const error = errorOf(identity, own);
      if (error) throw error;
      return reserved.acquire(ownerKey(identity), Number.POSITIVE_INFINITY) ?? (() => undefined);
    },
  };
}
