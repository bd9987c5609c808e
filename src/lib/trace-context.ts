import { AsyncLocalStorage } from 'node:async_hooks';

/** W3C Trace Context, section 3.2: version, trace id, id of the caller's span, flags. Later versions may append fields. */
const pattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\x21-\x7e]{1,128})?$/;

const storage = new AsyncLocalStorage<string>();

/** Returns the value of a `traceparent` header; undefined if it is missing or invalid. */
export function readTraceparent(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string' || !pattern.test(header)) return undefined;
  return header.startsWith('00') && header.length !== 55 ? undefined : header;
}

/** Runs `work`, and everything that it starts, as part of a trace. */
export function withTraceparent<Result>(traceparent: string, work: () => Result): Result {
  return storage.run(traceparent, work);
}

/** Returns the trace of the request that the running code belongs to. Only for logs, and for headers of calls. */
export function currentTraceparent(): string | undefined {
  return storage.getStore();
}

/** Returns `callback` bound to the trace that is current now: callbacks of a stream run outside of the request's trace. */
export const inThisTrace: typeof AsyncLocalStorage.bind = AsyncLocalStorage.bind;
