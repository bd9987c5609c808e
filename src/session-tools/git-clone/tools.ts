import type { Git } from './git.ts';
import type { Log } from './log.ts';

/** What the steps of a clone need. */
export interface CloneTools {
  readonly git: Git;
  readonly log: Log;
  /** Stops the clone when it aborts. */
  readonly stop: AbortSignal;
}
