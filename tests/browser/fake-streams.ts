import type { Response } from 'express';
import {
  deletedEvent,
  endEvent,
  type SessionEvent,
  sessionEvent,
  snapshotEvent,
} from '../../src/events/stream-events.ts';
import { defaultTiming, sendEvents } from '../../src/lib/server-sent-events.ts';

/** Returns the sessions by name, as the API shows them. */
type Sessions = () => (readonly [name: string, session: unknown])[];

/** No replica of the service can resume a stream at this id, so that each stream begins with all sessions. */
const id = '1:-';

/** The streams of session events of the fake API. */
export class FakeStreams {
  readonly #open = new Map<Response, AbortController>();

  /** Number of open streams. */
  get open(): number {
    return this.#open.size;
  }

  /** Sends the sessions and their changes until `end`. @param only the name, if the stream is about one session */
  async follow(res: Response, sessions: Sessions, only?: string): Promise<void> {
    const ending = new AbortController();
    this.#open.set(res, ending);
    res.once('close', () => this.#open.delete(res));
    const timing = { ...defaultTiming, stopping: ending.signal };
    await sendEvents(res, (gone) => events(sessions, only, ending.signal, gone), timing);
  }

  /** Ends all open streams with this reason; without one, as if the connections broke. */
  end(reason?: 'shutdown' | 'expired'): void {
    for (const [res, ending] of this.#open) {
      if (reason === undefined) res.destroy();
      else ending.abort(reason);
    }
  }
}

async function* events(
  sessions: Sessions,
  only: string | undefined,
  ending: AbortSignal,
  gone: AbortSignal,
): AsyncGenerator<SessionEvent[]> {
  const current = () => new Map(sessions().map(([name, session]) => [name, JSON.stringify(session)]));
  const sent = only === undefined ? current() : new Map<string, string>();
  if (only === undefined)
    yield [
      snapshotEvent(
        id,
        Array.from(sent, ([name, json]) => `${JSON.stringify(name)}:${json}`),
      ),
    ];
  while (!ending.aborted && !gone.aborted) {
    const now = current();
    if (only !== undefined && !now.has(only)) return yield [endEvent('deleted')];
    const changed = [...now].filter(([name, json]) => sent.get(name) !== json);
    const deleted = [...sent.keys()].filter((name) => !now.has(name));
    for (const [name, json] of changed) sent.set(name, json);
    for (const name of deleted) sent.delete(name);
    yield [...changed.map(([, json]) => sessionEvent(id, json)), ...deleted.map((name) => deletedEvent(id, name))];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (ending.reason === 'expired' || ending.reason === 'shutdown') yield [endEvent(ending.reason)];
}
