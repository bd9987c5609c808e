import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer, SessionState } from '../../jupyter-server/types.ts';
import type { ContainerStatus } from '../../platform/kubernetes/objects.ts';

/** How long the Secret with the credentials may come after the object before the launch counts as interrupted. */
export const credentialsGraceSeconds = 60;

/**
 * What the session is doing. An object that is being deleted is `stopping` whatever its operator wrote last, and so is
 * a hibernated one `hibernated`: both fields are the truth, while `status` may be old or missing.
 */
export function sessionState(server: JupyterServer, now: number): SessionState {
  if (server.metadata.deletionTimestamp !== undefined) return 'stopping';
  if (server.spec?.jupyterServer?.hibernated) return 'hibernated';
  if (isMissingCredentials(server)) return wasInterrupted(server, now) ? 'failed' : 'starting';
  return server.status?.state ?? 'starting';
}

/** The service ended between making the object and making its Secret, and nobody has asked for the session again. */
export const wasInterrupted = (server: JupyterServer, now: number): boolean =>
  isMissingCredentials(server) && ageSeconds(server, now) > credentialsGraceSeconds;

/** The cluster says that the pod waits for a Secret of the launch: a container for its variables, or a volume. */
export function isMissingCredentials(server: JupyterServer): boolean {
  const { annotations = {} } = server.metadata;
  const secrets = [annotations[annotation.credentialsSecret], annotations[annotation.variablesSecret]].filter(Boolean);
  if (secrets.length === 0) return false;
  const conditions = server.status?.mainPod?.status?.conditions ?? [];
  // An event may be old news: it counts only as long as the pod's volumes are not there.
  const hasVolumes = conditions.some(({ type, status }) => type === 'PodReadyToStartContainers' && status === 'True');
  const said = [
    ...allContainers(server).flatMap(({ state }) =>
      state?.waiting?.reason === 'CreateContainerConfigError' ? [state.waiting.message] : [],
    ),
    ...conditions.map(({ message }) => message),
    ...(hasVolumes ? [] : [server.status?.events?.['pod']?.message]),
  ];
  return said.some((message) => secrets.some((secret) => message?.includes(`"${secret}" not found`)));
}

/** Whether a failed session can be restarted with its files, as far as it says itself: there is a volume, and a pod. */
export const isRestartable = ({ spec, status }: JupyterServer): boolean =>
  spec?.storage?.pvc?.enabled === true && status?.mainPod?.uid !== undefined;

/** Seconds since the object was made; 0 where it does not say. */
export function ageSeconds(server: JupyterServer, now: number): number {
  const created = Date.parse(server.metadata.creationTimestamp ?? '');
  return Number.isNaN(created) ? 0 : (now - created) / 1000;
}

/** Regular containers first, as 1.18.1 looks for what failed. */
export function allContainers(server: JupyterServer): ContainerStatus[] {
  const pod = server.status?.mainPod?.status;
  return [...(pod?.containerStatuses ?? []), ...(pod?.initContainerStatuses ?? [])];
}
