import type { Deadline } from '../../deadline.ts';

/** `promise`, or the signal's reason as soon as it aborts: for work that does not look at the signal all the time. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Why a deadline that has aborted did: its time is over (DeadlineExceeded), or its owner's reason. */
export function endOf(deadline: Deadline, operation: string): unknown {
  const reason: unknown = deadline.signal.reason;
  const isTimeout = reason instanceof DOMException && reason.name === 'TimeoutError';
  return isTimeout ? deadline.exceeded(operation) : reason;
}
