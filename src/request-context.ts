import type { Response } from 'express';
import type { Logger } from 'pino';
import type { Identity } from './identity/types.ts';
import type { Deadline } from './lib/deadline.ts';
import { currentTraceparent } from './lib/trace-context.ts';

/** What the pipeline knows about a request before its route runs; stored in `res.locals`. */
export interface RequestContext {
  readonly id: string;
  /** Adds the request's id, and the id of its trace if the caller sent one, to its lines. */
  readonly log: Logger;
  readonly deadline: Deadline;
  /** Present in routes of operations that need an identity. */
  readonly identity: Identity;
  /** When the caller's credentials expire, in milliseconds since the epoch; undefined if they have no known end. */
  readonly identityExpiresAt?: number;
}

/** Returns a context without identity, which `setIdentity` adds. */
export function createContext(id: string, log: Logger, deadline: Deadline): Omit<RequestContext, 'identity'> {
  let own: Logger | undefined;
  const traceparent = currentTraceparent();
  return {
    id,
    // Created at first use: most requests write no line besides the access log.
    get log() {
      own ??= log.child({ requestId: id, ...(traceparent !== undefined && { traceparent }) });
      return own;
    },
    deadline,
  };
}

/** Adds the caller's identity, and the end of its credentials, to the context of the request. */
export function setIdentity(res: Response, identity: Identity, expiresAt?: number): void {
  Object.assign(contextOf(res), { identity, identityExpiresAt: expiresAt });
}

/** Returns the context of the request. Throws an Error if the pipeline has not created it. */
export function contextOf(res: Response): RequestContext {
  const context: RequestContext | undefined = res.locals['context'];
  if (!context) throw new Error('the request has no context yet');
  return context;
}
