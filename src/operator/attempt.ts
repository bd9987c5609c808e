import type { Logger } from 'pino';
import type { Deadline } from '../lib/deadline.ts';

/** One reconcile of a session. */
export interface Attempt {
  readonly deadline: Deadline;
  /** Each line has the session and the id of the reconcile. */
  readonly log: Logger;
}
