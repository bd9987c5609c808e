import type { Response } from 'express';
import type { Logger } from 'pino';
import type { Identity } from './identity/types.ts';
import type { Deadline } from './lib/deadline.ts';

/** What the pipeline has established before a route runs; kept on `res.locals`. */
export interface RequestContext {
  readonly id: string;
  /** Its lines carry the request's id. */
  readonly log: Logger;
  readonly deadline: Deadline;
  /** Present on every route behind identity. */
  readonly identity: Identity;
}

/** The beginning of a context: `setIdentity` completes it. */
export function createContext(id: string, log: Logger, deadline: Deadline): Omit<RequestContext, 'identity'> {
  let own: Logger | undefined;
  return {
    id,
    // Made when it is asked for: most requests have nothing to say but their line in the access log.
    get log() {
      own ??= log.child({ requestId: id });
      return own;
    },
    deadline,
  };
}

export function setIdentity(res: Response, identity: Identity): void {
  Object.assign(contextOf(res), { identity });
}

export function contextOf(res: Response): RequestContext {
  const context = res.locals['context'] as RequestContext | undefined;
  if (!context) throw new Error('a route ran before the pipeline had made its context');
  return context;
}
