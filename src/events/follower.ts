import type { Session } from '../jupyter-server/session.ts';
import type { StreamEnding } from '../pipeline/event-stream.ts';
import { decodeStates, encodeStates, isNewer, isSameState, type KnownState, uidOf } from './known-sessions.ts';
import { deletedEvent, endEvent, type SessionEvent, sessionEvent, snapshotEvent } from './stream-events.ts';

/** The sessions that a stream is about, in their current state. */
export interface FollowedSessions {
  all(): Session[];
  get(name: string): Session | undefined;
  /** The name of the only session; undefined if the stream is about all sessions of its user. */
  readonly only?: string;
}

/** Functions that all streams share. */
export interface FollowerParts {
  /** Returns the response for a session as JSON. */
  readonly json: (session: Session) => string;
  readonly stateOf: (session: Session) => KnownState;
}

/** Milliseconds between two comparisons of all sessions: some states and warnings depend on the time. */
const recheckMs = 10_000;

/**
 * Computes the events for one client: the differences between the states that the client has and the current states. A client
 * that reads slowly therefore gets only the newest state of each session. The id of an event is the list of all states that
 * the client then has, so any replica can continue the stream without a history of changes.
 */
export class SessionFollower {
  readonly #sessions: FollowedSessions;
  readonly #parts: FollowerParts;
  /** The states that the client has, by name. */
  readonly #known = new Map<string, KnownState>();
  /** Names of sessions whose state may differ from that in `#known`. */
  readonly #changed = new Set<string>();
  #needsSnapshot = true;
  #wake = Promise.withResolvers<void>();

  constructor(sessions: FollowedSessions, parts: FollowerParts) {
    this.#sessions = sessions;
    this.#parts = parts;
  }

  /**
   * Takes the states from the id of the last event that the client has received. Returns false if the id has states that the
   * current ones do not have: a session was deleted, or this replica does not have the newest states yet. After an id that
   * cannot be parsed, the stream starts from the beginning.
   */
  resume(lastEventId: string): boolean {
    const states = decodeStates(lastEventId);
    this.#known.clear();
    let matching = 0;
    let isCurrent = true;
    for (const session of this.#sessions.all()) {
      this.#changed.add(session.name);
      const state = states?.get(uidOf(session));
      if (!state) continue;
      matching += 1;
      this.#known.set(session.name, state);
      isCurrent &&= !isNewer(state, session);
    }
    const hasAll = matching === states?.size;
    this.#needsSnapshot = !hasAll;
    return states === undefined || (hasAll && isCurrent);
  }

  /** Is called after each change of a session. */
  readonly changed = (name: string): void => {
    this.#changed.add(name);
    this.#wake.resolve();
  };

  /**
   * Yields batches of events until the only session is deleted or `ending` aborts, with a last `end` event, or until `gone`
   * aborts. Call it once.
   */
  async *events(gone: AbortSignal, ending: StreamEnding): AsyncGenerator<SessionEvent[]> {
    const signal = AbortSignal.any([gone, ending.signal]);
    signal.addEventListener('abort', () => this.#wake.resolve());
    const timer = setInterval(() => {
      for (const { name } of this.#sessions.all()) this.changed(name);
    }, recheckMs);
    try {
      if (this.#needsSnapshot && this.#sessions.only === undefined) yield [this.#snapshot()];
      while (!signal.aborted) {
        this.#wake = Promise.withResolvers();
        const events = this.#take();
        if (events.length > 0) yield events;
        else if (this.#isGone()) return yield [endEvent('deleted')];
        else if (!signal.aborted) await this.#wake.promise;
      }
      if (!gone.aborted) yield [endEvent(ending.reason)];
    } finally {
      clearInterval(timer);
    }
  }

  #isGone(): boolean {
    const { only } = this.#sessions;
    return only !== undefined && this.#sessions.get(only) === undefined;
  }

  #snapshot(): SessionEvent {
    this.#known.clear();
    this.#changed.clear();
    const members = this.#sessions.all().map((session) => {
      this.#known.set(session.name, this.#parts.stateOf(session));
      return `${JSON.stringify(session.name)}:${this.#parts.json(session)}`;
    });
    return snapshotEvent(this.#id(), members);
  }

  /** Returns one event for each session whose state differs from the one that the client has. */
  #take(): SessionEvent[] {
    const events: SessionEvent[] = [];
    for (const name of this.#changed) {
      const session = this.#sessions.get(name);
      const known = this.#known.get(name);
      if (session) {
        const state = this.#parts.stateOf(session);
        this.#known.set(name, state);
        if (known && isSameState(known, state)) continue;
        events.push(sessionEvent(this.#id(), this.#parts.json(session)));
      } else if (known && this.#sessions.only === undefined) {
        this.#known.delete(name);
        events.push(deletedEvent(this.#id(), name));
      }
    }
    this.#changed.clear();
    return events;
  }

  #id(): string {
    return encodeStates(this.#known.values());
  }
}
