import { ApiError, errorKind } from '../../errors.ts';
import { ownerKey } from '../../identity/owner.ts';
import type { Identity } from '../../identity/types.ts';
import { isEnding } from '../../jupyter-server/agent.ts';
import type { Session } from '../../jupyter-server/session.ts';

/** Limits the sessions of each user. Launches on different replicas at the same moment can exceed the limit. */
export interface SessionLimit {
  /** Returns the error of a launch of another session; undefined if it is allowed. @param own the user's sessions */
  errorOf(identity: Identity, own: readonly Session[]): ApiError | undefined;
  /**
   * Reserves the session `name`, until the returned function is called: then the session is in the cache. A session of this name
   * that exists or is being created does not count, because the launch returns it. Throws ApiError 1430.
   */
  reserve(identity: Identity, own: readonly Session[], name: string): () => void;
}

/** @param limits null: no limit */
export function createSessionLimit(limits: Readonly<Record<Identity['kind'], number | null>>): SessionLimit {
  /** The names of the sessions that are being created, by owner. */
  const reserved = new Map<string, readonly string[]>();

  function errorFor(identity: Identity, count: number): ApiError | undefined {
    const limit = limits[identity.kind];
    if (limit === null || count < limit) return undefined;
    return new ApiError(
      errorKind.tooManySessions,
      `You have ${count} ${count === 1 ? 'session' : 'sessions'}, and the platform allows ${limit} for each user.`,
    );
  }

  return {
    errorOf: (identity, own) => errorFor(identity, namesOf(own).length),
    reserve(identity, own, name) {
      const owner = ownerKey(identity);
      const others = new Set([...namesOf(own), ...(reserved.get(owner) ?? [])]);
      others.delete(name);
      const error = errorFor(identity, others.size);
      if (error) throw error;
      reserved.set(owner, [...(reserved.get(owner) ?? []), name]);
      return () => {
        const names = reserved.get(owner) ?? [];
        const left = names.toSpliced(names.indexOf(name), 1);
        if (left.length > 0) reserved.set(owner, left);
        else reserved.delete(owner);
      };
    },
  };
}

/** Returns the names of the sessions that count: a session that is being deleted does not. */
const namesOf = (own: readonly Session[]): string[] =>
  own.flatMap((session) => (isEnding(session) ? [] : [session.name]));
