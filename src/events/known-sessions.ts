import type { NotebookResponse } from '../generated/openapi.ts';
import type { Session } from '../jupyter-server/session.ts';
import { digest } from '../lib/digest.ts';
import { compareResourceVersions } from '../platform/kubernetes/resource-version.ts';

/** The state of a session that a client has. All replicas compute the same from the same object. */
export interface KnownState {
  /** The digest of the session's uid. */
  readonly uid: string;
  readonly resourceVersion: string;
  /** The digest of the response for the session. */
  readonly content: string;
}

/** Responses for sessions. They are cached, so that all streams share them. */
export interface SessionResponses {
  (session: Session): NotebookResponse;
  /** Returns the response as JSON. */
  json(session: Session): string;
  /** Returns the response for the beginning of the current minute. */
  byMinute(session: Session): NotebookResponse;
}

/** Returns the function that computes the state of a session. The state is computed once for each response. */
export function createStates(responses: SessionResponses): (session: Session) => KnownState {
  const known = new WeakMap<NotebookResponse, KnownState>();
  return (session) => {
    const response = responses(session);
    const before = known.get(response);
    if (before) return before;
    const { uid, resourceVersion } = session;
    const state = {
      uid: uidOf({ uid }),
      resourceVersion,
      content: digest(contentOf(session, response, responses), 40),
    };
    known.set(response, state);
    return state;
  };
}

/** Returns the texts whose change is a new state. Critical warnings count seconds, so with them the texts change once a minute. */
function contentOf(session: Session, { status }: NotebookResponse, responses: SessionResponses): string[] {
  if (!status.warnings.some(({ critical }) => critical)) return [responses.json(session)];
  return [status.state, status.message ?? '', JSON.stringify(responses.byMinute(session))];
}

export const uidOf = ({ uid }: Pick<Session, 'uid'>): string => digest([uid], 32);

export const isSameState = (one: KnownState, other: KnownState): boolean =>
  one.uid === other.uid && one.content === other.content;

/** Returns whether the client has a newer state of the session than `session`. */
export const isNewer = ({ resourceVersion }: KnownState, session: Session): boolean =>
  (compareResourceVersions(resourceVersion, session.resourceVersion) ?? 0) > 0;

const start = '1:';
/** The maximum length of `Last-Event-ID` in openapi.yaml. */
const maxChars = 8_192;
const part = /^([a-z2-7]{1,16})\.([\w-]{1,64})\.([a-z2-7]{1,16})$/;

/**
 * Returns the states that a client has as an event id: `1:k3f7qaz.81234.b2x4m7tqm7tq,...`. If there are too many states for an id, it
 * cannot be parsed, and the client gets a snapshot when it connects again.
 */
export function encodeStates(states: Iterable<KnownState>): string {
  const parts = Array.from(states, ({ uid, resourceVersion, content }) => `${uid}.${resourceVersion}.${content}`);
  const id = start + parts.join(',');
  return id.length > maxChars ? `${start}-` : id;
}

/** Parses an event id. Returns the states by the digest of the uid; undefined for a text that is not such an id. */
export function decodeStates(id: string): Map<string, KnownState> | undefined {
  if (!id.startsWith(start)) return undefined;
  const states = new Map<string, KnownState>();
  for (const text of id.length === start.length ? [] : id.slice(start.length).split(',')) {
    const [, uid, resourceVersion, content] = part.exec(text) ?? [];
    if (uid === undefined || resourceVersion === undefined || content === undefined) return undefined;
    states.set(uid, { uid, resourceVersion, content });
  }
  return states;
}
