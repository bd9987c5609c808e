import { readCullingNotice } from '../../jupyter-server/culling-notice.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { readSavedWork } from '../../jupyter-server/saved-work.ts';
import { readStopRequest } from '../../jupyter-server/stop-request.ts';
import type { JupyterServer, JupyterServerStatus } from '../../jupyter-server/types.ts';
import { agentSecretId } from '../../session-contract/agent-key.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import type { Child } from '../child.ts';
import { mayHaveRun } from '../conditions.ts';
import type { MainPod } from '../pod.ts';
import { sessionUrl } from '../session-url.ts';
import type { ActivityMonitor } from './activity-monitor.ts';
import { type CullingDecision, type CullingSettings, decideCulling } from './decide.ts';

/**
 * Returns the decision about the end of a session, and starts to read its activity if that is due.
 * @param desired the new status, with its conditions
 */
export function cull(
  session: {
    readonly key: string;
    readonly server: JupyterServer;
    readonly desired: JupyterServerStatus;
    readonly children: readonly Child[];
    readonly pod: MainPod | undefined;
    /** When the first save before the end of the session has ended, in milliseconds since the epoch. */
    readonly firstSavedAt: number | undefined;
    readonly now: Date;
  },
  monitor: ActivityMonitor,
  settings: { readonly culling: CullingSettings; readonly agentSecrets: readonly string[] },
): CullingDecision {
  const { key, server, desired, children, pod, firstSavedAt, now } = session;
  const { annotations } = server.metadata;
  const decision = decideCulling(
    {
      thresholds: server.spec?.culling ?? {},
      state: desired.state ?? 'starting',
      startingSince: timeOf(desired.startingSince),
      failedSince: timeOf(desired.failedSince),
      hibernatedSince: timeOf(server.metadata.annotations?.[annotation.hibernationDate]),
      jupyterStartedAt: jupyterStart(pod),
      hasClaim: hasClaim(server, children),
      mayHaveRun: mayHaveRun(desired),
      canSave: canSave(server, settings.agentSecrets),
      isSaved: readSavedWork(annotations?.[annotation.savedWork])?.isVerified === true,
      saveFailedAt: timeOf(readStopRequest(annotations?.[annotation.stopRequest])?.failure?.at),
      told: readCullingNotice(annotations?.[annotation.culling]),
      observation: pod && monitor.get(key, pod.uid),
      firstSavedAt,
      cpuMillicores: desired.mainPod?.resourceUsage?.cpuMillicores,
      lastActivity: timeOf(server.status?.lastActivity),
      now: now.getTime(),
    },
    settings.culling,
  );
  const ip = pod?.status.podIP;
  if (decision.isCheckDue && ip) {
    const { prefix } = sessionUrl(server);
    const token = server.spec?.auth?.token ?? '';
    monitor.request(key, pod.uid, { ip, port: sessionContainer.jupyter.port, prefix, token });
  }
  return decision;
}

/** Returns whether the agent of the session can save its work in the repository. Pure. */
export function canSave({ metadata: { annotations = {} } }: JupyterServer, secrets: readonly string[]): boolean {
  const id = annotations[annotation.agentSecret];
  if (id === undefined || annotations[annotation.mayPush] === 'false') return false;
  return secrets.some((secret) => agentSecretId(secret) === id);
}

/**
 * Returns whether the files of the session are on a volume claim, which remains when the pod is deleted. Pure. A patch can add other
 * claims, which do not have these files.
 */
export const hasClaim = (server: JupyterServer, children: readonly Child[]): boolean =>
  server.spec?.storage?.pvc?.enabled === true &&
  children.some(({ key, kind, terminating }) => key === 'pvc' && kind === 'PersistentVolumeClaim' && !terminating);

const timeOf = (text: string | undefined): number | undefined => {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : time;
};

/** Returns the start of the running Jupyter process. */
function jupyterStart(pod: MainPod | undefined): number | undefined {
  const jupyter = pod?.status.containerStatuses?.find(({ name }) => name === sessionContainer.jupyter.name);
  return timeOf(jupyter?.state?.running?.startedAt);
}
