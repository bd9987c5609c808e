import { ApiError, errorKind } from '../errors.ts';
import type { Session } from '../jupyter-server/session.ts';

/** The pod whose logs are a session's. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export const podOf = ({ name, namespace, pod }: Session): PodName => ({ namespace, name: pod?.name ?? `${name}-0` });

/** Returns the names of the session's containers, init containers first. */
export const containersOf = ({ containers }: Session): string[] => [...new Set(containers.map(({ name }) => name))];

/**
 * All containers, or the one that is wanted. A session that has no pod yet may get the one that is wanted; otherwise
 * throws ApiError 1422 that lists those that there are.
 */
export function chosenContainers(session: Session, wanted: string | undefined): string[] {
  const known = containersOf(session);
  if (wanted === undefined) return known;
  if (known.length === 0 || known.includes(wanted)) return [wanted];
  const list = known.join(', ');
  throw new ApiError(errorKind.validation, `The session has no container ${wanted}.`, {
    detail: `Its containers are ${list}.`,
    fields: [{ path: 'query.container', message: `must be one of ${list}` }],
  });
}

/** What a container does, as far as its log is concerned. */
export interface Activity {
  /** Its log is complete: it has ended, and was not started again. */
  readonly hasEnded: boolean;
  /** Changes when the container does: begins, ends, begins again. */
  readonly key: string;
}

export function activityOf({ containers }: Session, container: string): Activity {
  const { activity = 'unknown', restartCount = 0 } = containers.find(({ name }) => name === container) ?? {};
  return { hasEnded: activity === 'ended', key: `${activity} ${restartCount}` };
}
