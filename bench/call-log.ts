import type { IncomingMessage, ServerResponse } from 'node:http';

export interface RecordedCall {
  readonly backEnd: string;
  readonly method: string;
  readonly path: string;
  /** Milliseconds of one clock for all back ends. */
  readonly begun: number;
  ended: number;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/**
 * Records the start and the end of each call to a back end, and delays the end of each response to `delayMs` after the start
 * of its request, like a distant back end. Watches are recorded but not delayed.
 */
export class CallLog {
  readonly calls: RecordedCall[] = [];
  delayMs = 0;

  around(backEnd: string, handler: Handler): Handler {
    return (req, res) => {
      const call: RecordedCall = {
        backEnd,
        method: req.method ?? '',
        path: (req.url ?? '').split('?', 1)[0] ?? '',
        begun: performance.now(),
        ended: Number.POSITIVE_INFINITY,
      };
      this.calls.push(call);
      // All back ends here write the body with `end`, so nothing is sent before.
      const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
      res.end = ((...args: unknown[]) => {
        const rest = call.begun + this.delayMs - performance.now();
        const finish = () => {
          call.ended = performance.now();
          end(...args);
        };
        if (rest <= 0) finish();
        else setTimeout(finish, rest);
        return res;
      }) as typeof res.end;
      return handler(req, res);
    };
  }
}

/**
 * Returns the length of the longest sequence of calls in which each call began after the end of the previous one, even if it
 * did not depend on it.
 */
export function depth(calls: readonly RecordedCall[]): number {
  const sorted = [...calls].sort((one, other) => one.begun - other.begun);
  const depths: number[] = [];
  for (const [index, call] of sorted.entries()) {
    const before = depths.filter((_depth, earlier) => (sorted[earlier]?.ended ?? 0) <= call.begun);
    depths[index] = 1 + Math.max(0, ...before);
  }
  return Math.max(0, ...depths);
}
