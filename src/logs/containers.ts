import { ApiError, errorKind } from '../errors.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';

/** The pod whose logs are a session's. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export function podOf({ metadata: { name = '', namespace = '' }, status }: JupyterServer): PodName {
  return { namespace, name: status?.mainPod?.name ?? `${name}-0` };
}

/** As the operator lists them, and what the pod has besides; init containers first. */
export function containersOf(server: JupyterServer): string[] {
  const { containerStates, mainPod } = server.status ?? {};
  const names = [
    ...Object.keys(containerStates?.init ?? {}),
    ...(mainPod?.status?.initContainerStatuses ?? []).map(({ name }) => name),
    ...Object.keys(containerStates?.regular ?? {}),
    ...(mainPod?.status?.containerStatuses ?? []).map(({ name }) => name),
  ];
  return [...new Set(names)].filter((name) => name !== '');
}

/**
 * All containers, or the one that is wanted. A session that has no pod yet may get the one that is wanted; otherwise
 * throws ApiError 1422 that lists those that there are.
 */
export function chosenContainers(server: JupyterServer, wanted: string | undefined): string[] {
  const known = containersOf(server);
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

export function activityOf(server: JupyterServer, container: string): Activity {
  const { initContainerStatuses = [], containerStatuses = [] } = server.status?.mainPod?.status ?? {};
  const status = [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === container);
  const { waiting, terminated } = status?.state ?? {};
  const state = terminated ? 'ended' : waiting ? 'waiting' : status ? 'running' : 'unknown';
  return { hasEnded: state === 'ended', key: `${state} ${status?.restartCount ?? 0}` };
}
