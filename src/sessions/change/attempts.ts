import type { Deadline } from '../../lib/deadline.ts';

const maxAttempts = 10;

/**
 * Yields the numbers of the attempts to change a session, from 1, until the deadline or the maximum number. Another attempt follows if
 * another client, usually the operator, has changed the session since it was read.
 */
export function* attempts(deadline: Deadline): Generator<number> {
  for (let attempt = 1; attempt <= maxAttempts && !deadline.expired; attempt += 1) yield attempt;
}
