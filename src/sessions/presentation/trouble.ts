import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { oneLine } from '../../platform/kubernetes/failures.ts';
import type { ContainerState, ContainerStatus, PodCondition } from '../../platform/kubernetes/objects.ts';
import { findSessionContainer, sessionContainer } from '../../session-contract/containers.ts';
import { exitCodeMeaning, noShellMeaning, outOfMemoryMeaning, outOfMemoryReason } from './exit-codes.ts';
import { allContainers, isMissingCredentials, wasInterrupted } from './state.ts';

/** Why the session failed, and what to do about it. The order is 1.18.1's: the cause nearest to the cluster first. */
export function whyFailed(server: JupyterServer, now: number): string {
  return (
    interruption(server, now) ??
    unschedulable(server) ??
    childTrouble(server) ??
    eviction(server) ??
    failedContainer(server) ??
    trouble(server) ??
    'The session failed, and the cluster does not say why. Its logs may. Restart it; tell the administrator if it fails again.'
  );
}

/** What holds up a session that is still starting; undefined: nothing that is known. */
export const trouble = (server: JupyterServer): string | undefined =>
  imageTrouble(server) ??
  crashing(server) ??
  containerTrouble(server) ??
  unschedulable(server) ??
  childTrouble(server) ??
  podTrouble(server);

const interruption = (server: JupyterServer, now: number): string | undefined =>
  wasInterrupted(server, now)
    ? 'The launch was interrupted before the credentials of the session were stored. Launch the session again.'
    : undefined;

/** No machine has room: the scheduler's message in words, or as it is where it has another form. */
function unschedulable(server: JupyterServer): string | undefined {
  const pod = server.status?.mainPod?.status;
  if (pod?.phase !== 'Pending') return undefined;
  const [newest] = [...(pod.conditions ?? [])].sort((one, other) => transitionTime(other) - transitionTime(one));
  if (newest?.reason !== 'Unschedulable' || !newest.message) return undefined;
  if (isVolumeOnItsWay(newest.message) || isMissingCredentials(server)) return undefined;
  const reason = mostFrequentReason(newest.message);
  if (reason === undefined) return oneLine(newest.message, 500);
  const remedy = reason.startsWith('Insufficient')
    ? 'Wait until others have stopped their sessions, or launch it again with less of that resource.'
    : 'Wait until others have stopped their sessions; tell the administrator if it stays so.';
  return `The session cannot be scheduled because of: ${oneLine(reason, 300)}. ${remedy}`;
}

const transitionTime = (condition: PodCondition): number => Date.parse(condition.lastTransitionTime ?? '') || 0;

/**
 * `0/3 nodes are available: 1 node(s) had taints, 2 Insufficient cpu. preemption: ...` -> `Insufficient cpu`.
 * undefined when the message has another form.
 */
export function mostFrequentReason(message: string): string | undefined {
  const own = (message.split(/\s+preemption:/)[0] ?? '').trim().replace(/\.+$/, '');
  if (!/^\d+\/\d+ nodes are available/.test(own)) return undefined;
  const [, ...reasons] = own.split(/(?:, |: )(?=\d)/);
  const [first] = reasons.sort((one, other) => Number.parseInt(other, 10) - Number.parseInt(one, 10));
  return first?.replace(/^[\d\s]+/, '');
}

/** What the operator has noted of anything but the pod, for example that a quota is exceeded. */
function childTrouble(server: JupyterServer): string | undefined {
  const events = Object.entries(server.status?.events ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  const message = events.find(([component, { message }]) => component !== 'pod' && message)?.[1].message;
  if (message === undefined) return undefined;
  const remedy = /quota/i.test(message) ? ' Stop another session, or wait until others have stopped theirs.' : '';
  return oneLine(message, 500) + remedy;
}

/** What the operator has noted of the pod, where nothing better is known. */
function podTrouble(server: JupyterServer): string | undefined {
  const message = server.status?.events?.['pod']?.message;
  if (!message || isVolumeOnItsWay(message) || isMissingCredentials(server)) return undefined;
  return `The cluster says: ${withoutStop(oneLine(message, 500))}.`;
}

/** The volume is made right after the pod: the scheduler misses it for a moment at every start. */
const isVolumeOnItsWay = (message: string): boolean => message.toLowerCase().includes('persistentvolumeclaim');

const withoutStop = (message: string): string => message.replace(/[.\s]+$/, '');

function eviction(server: JupyterServer): string | undefined {
  const { phase, reason, message } = server.status?.mainPod?.status ?? {};
  if (phase !== 'Failed' || !reason) return undefined;
  const because = message ? `: ${withoutStop(oneLine(message, 300))}` : '';
  return `The cluster stopped the session (${oneLine(reason, 60)})${because}. Launch it again, with more memory or storage if it ran out of them.`;
}

/** Of the end that counts: where the container has just ended, that one, else the one before its restart. */
const endOf = ({ state, lastState }: ContainerStatus): ContainerState['terminated'] =>
  state?.terminated ?? lastState?.terminated;
const exitCodeOf = (container: ContainerStatus): number | undefined => endOf(container)?.exitCode;

const meaningOf = (server: JupyterServer, container: ContainerStatus): string =>
  container.name === sessionContainer.jupyter.name && endOf(container)?.reason === outOfMemoryReason
    ? outOfMemoryMeaning(server)
    : exitCodeMeaning(server, container.name, exitCodeOf(container));

function failedContainer(server: JupyterServer): string | undefined {
  const failed = allContainers(server).filter((container) => (exitCodeOf(container) ?? 0) !== 0);
  const decisive = failed.find(
    ({ name }) => name === sessionContainer.gitClone.name || name === sessionContainer.jupyter.name,
  );
  if (decisive) return meaningOf(server, decisive);
  if (failed.some(({ name }) => name === sessionContainer.imageDownload.name)) return noShellMeaning(server);
  if (failed.length === 0) return undefined;
  return failed.length === 1
    ? 'An auxiliary container of the session failed. That is a fault of the platform: restart the session, and tell the administrator if it happens often.'
    : `${failed.length} auxiliary containers of the session failed. That is a fault of the platform: restart the session, and tell the administrator if it happens often.`;
}

const waitingFor = (server: JupyterServer, reasons: readonly string[]): ContainerStatus | undefined =>
  allContainers(server).find(({ state }) => reasons.includes(state?.waiting?.reason ?? ''));

function imageTrouble(server: JupyterServer): string | undefined {
  const waiting = waitingFor(server, ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
  if (!waiting) return undefined;
  const own = waiting.name === sessionContainer.jupyter.name || waiting.name === sessionContainer.imageDownload.name;
  const which = own
    ? `The image ${server.spec?.jupyterServer?.image ?? ''}`
    : `An image of the platform (${waiting.name})`;
  const isPrivate = own && server.metadata.annotations?.[annotation.pullSecret];
  const perhaps = isPrivate
    ? 'your sign-in for this private image may have ended. Stop the session and launch it again if this stays so.'
    : 'it may not exist, or not be public.';
  return `${which} cannot be downloaded; ${perhaps} ${said(waiting, whyNotPulled(server, waiting))}It is tried again.`;
}

/** `ImagePullBackOff` itself says only that it waits; the operator keeps what the last attempt said. */
function whyNotPulled(server: JupyterServer, { name, state }: ContainerStatus): string | undefined {
  const [, why] = (server.status?.events?.['pod']?.message ?? '').split(`${name}: ImagePullBackOff: `);
  return why ?? state?.waiting?.message;
}

function crashing(server: JupyterServer): string | undefined {
  const waiting = waitingFor(server, ['CrashLoopBackOff']);
  if (!waiting) return undefined;
  const step = (findSessionContainer(waiting.name)?.step ?? waiting.name).toLowerCase();
  return `The step "${step}" stopped and is tried again. ${meaningOf(server, waiting)}`;
}

/** A Secret that is on its way is no trouble; one that does not come is `interruption`. */
function containerTrouble(server: JupyterServer): string | undefined {
  if (isMissingCredentials(server)) return undefined;
  const waiting = waitingFor(server, ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);
  return waiting ? `A container of the session cannot be started. ${said(waiting)}It is tried again.` : undefined;
}

function said(container: ContainerStatus, message = container.state?.waiting?.message ?? ''): string {
  const clean = withoutStop(oneLine(message, 300));
  return clean === '' ? '' : `The cluster says: ${clean}. `;
}
