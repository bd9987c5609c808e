import { ApiError, errorKind } from '../errors.ts';
import type { Session } from '../jupyter-server/session.ts';

/** The pod that a session's logs come from. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Returns the session's pod, by the name that the operator gives it if the pod is not reported yet. */
export const podOf = ({ name, namespace, pod }: Session): PodName => ({ namespace, name: pod?.name ?? `${name}-0` });

/** Returns the names of the session's containers, init containers first. */
export const containersOf = ({ containers }: Session): string[] => [...new Set(containers.map(({ name }) => name))];

/**
 * Returns the requested container, or all containers if none is requested. Throws ApiError 1422 with the list of
 * containers if the session has no such container. A session without a pod has no known containers, so any name is valid.
 */
export function chosenContainers(session: Session, requested: string | undefined): string[] {
  const known = containersOf(session);
  if (requested === undefined) return known;
  if (known.length === 0 || known.includes(requested)) return [requested];
  const list = known.join(', ');
  throw new ApiError(errorKind.validation, `The session has no container ${requested}.`, {
    detail: `Its containers are ${list}.`,
    fields: [{ path: 'query.container', message: `must be one of ${list}` }],
  });
}

/** The state of a container, as far as it matters for its log. */
export interface Activity {
  /** The container has ended and was not restarted, so its log is complete. */
  readonly hasEnded: boolean;
  /** Changes when the container starts, ends or restarts. */
  readonly key: string;
}

export function activityOf({ containers }: Session, container: string): Activity {
  const { activity = 'unknown', restartCount = 0 } = containers.find(({ name }) => name === container) ?? {};
  return { hasEnded: activity === 'ended', key: `${activity} ${restartCount}` };
}
