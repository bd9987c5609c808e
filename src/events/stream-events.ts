import type { EventsEnd, SessionDeleted } from '../generated/openapi.ts';
import type { ServerSentEvent } from '../lib/server-sent-events.ts';
import { endMessages, endOf } from '../pipeline/event-stream.ts';

/** An event of a stream of sessions. */
export interface SessionEvent extends ServerSentEvent {
  readonly event: 'snapshot' | 'session' | 'deleted' | 'end';
}

/** @param members of a JSON object, by the name of the session */
export const snapshotEvent = (id: string, members: readonly string[]): SessionEvent => ({
  event: 'snapshot',
  id,
  data: `{"servers":{${members.join(',')}}}`,
});

/** @param data the response for the session as JSON */
export const sessionEvent = (id: string, data: string): SessionEvent => ({ event: 'session', id, data });

export const deletedEvent = (id: string, name: string): SessionEvent => ({
  event: 'deleted',
  id,
  data: JSON.stringify({ name } satisfies SessionDeleted),
});

export const endEvent = (reason: EventsEnd['reason']): SessionEvent => endOf(reason, endMessages[reason]);
