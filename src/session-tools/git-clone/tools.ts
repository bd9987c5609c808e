import type { Git } from './git.ts';
import type { Log } from './log.ts';
import type { Waiting } from './waiting.ts';

/** The functions and settings that all steps of a clone use. */
export interface CloneTools {
  readonly git: Git;
  readonly log: Log;
  /** Stops the clone when it aborts. */
  readonly stop: AbortSignal;
  readonly waiting: Waiting;
}
