import type { IncomingMessage, ServerResponse } from 'node:http';

export interface RecordedCall {
  readonly backEnd: string;
  readonly method: string;
  readonly path: string;
  /** Milliseconds, of one clock for all back ends. */
  readonly begun: number;
  ended: number;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/**
 * Writes down when a back end was asked and when it had answered, and lets no answer end before `delayMs` after its
 * question: a back end that is that far away. Watches are written down, too, and never held up.
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
      // Nothing of an answer is sent before its end where the body goes along with it, as it does in all back ends here.
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
 * How many of these calls were made one after the other: the length of the longest row of calls of which each began when
 * the one before had been answered. Calls that did not wait for each other but happened so count as well.
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
