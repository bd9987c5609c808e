import type { Response } from 'express';
import type { Logger } from 'pino';
import type { Deadline } from './deadline.ts';
import type { Identity } from './identity/types.ts';

/** What the pipeline has established before a route runs; kept on `res.locals`. */
export interface RequestContext {
  readonly id: string;
  readonly log: Logger;
  readonly deadline: Deadline;
  /** Present on every route behind identity. */
  readonly identity: Identity;
}

export function contextOf(res: Response): RequestContext {
  const context = res.locals['context'] as RequestContext | undefined;
  if (!context) throw new Error('a route ran before the pipeline had made its context');
  return context;
}
