import type { Session } from '../../jupyter-server/session.ts';
import type { ReportedContainer, Termination } from '../../jupyter-server/session-pod.ts';
import { isMissingSecrets, wasInterrupted } from '../../jupyter-server/state.ts';
import { oneLine } from '../../platform/kubernetes/failures.ts';
import { findSessionContainer, sessionContainer } from '../../session-contract/containers.ts';
import { exitCodeMeaning, noShellMeaning, outOfMemoryMeaning, outOfMemoryReason } from './exit-codes.ts';

/** Returns why the session failed and what to do. As in renku-notebooks, the cause nearest to the cluster comes first. */
export function failureReason(session: Session, now: number): string {
  return (
    interruption(session, now) ??
    unschedulable(session) ??
    childFailure(session) ??
    eviction(session) ??
    failedContainer(session) ??
    startFailure(session) ??
    'The session failed, and the cluster does not say why. Its logs may have the reason. Restart it, and tell the administrator if it fails again.'
  );
}

/** Returns what keeps a starting session from running; undefined if no failure is known. */
export const startFailure = (session: Session): string | undefined =>
  imageFailure(session) ??
  crashing(session) ??
  containerFailure(session) ??
  unschedulable(session) ??
  childFailure(session) ??
  podFailure(session);

const interruption = (session: Session, now: number): string | undefined =>
  wasInterrupted(session, now)
    ? 'The launch was interrupted before the credentials of the session were stored. Launch the session again.'
    : undefined;

/** No node has room: the scheduler's most frequent reason, or its whole message if that has another form. */
function unschedulable(session: Session): string | undefined {
  const { pod } = session;
  if (pod?.phase !== 'Pending') return undefined;
  const time = (changedAt: string): number => Date.parse(changedAt) || 0;
  const [newest] = pod.conditions.toSorted((one, other) => time(other.changedAt) - time(one.changedAt));
  if (newest?.reason !== 'Unschedulable' || !newest.message) return undefined;
  if (isVolumeBeingMade(newest.message) || isMissingSecrets(session)) return undefined;
  const reason = mostFrequentReason(newest.message);
  if (reason === undefined) return oneLine(newest.message, 500);
  const remedy = reason.startsWith('Insufficient')
    ? 'Wait until others have stopped their sessions, or launch it again with less of that resource.'
    : 'Wait until others have stopped their sessions; tell the administrator if that does not help.';
  return `The session cannot be scheduled because of: ${oneLine(reason, 300)}. ${remedy}`;
}

/**
 * Returns the reason that most nodes have: `0/3 nodes are available: 1 node(s) had taints, 2 Insufficient cpu.` leads to
 * `Insufficient cpu`. Returns undefined if the message has another form.
 */
export function mostFrequentReason(message: string): string | undefined {
  const own = (message.split(/\s+preemption:/)[0] ?? '').trim().replace(/\.+$/, '');
  if (!/^\d+\/\d+ nodes are available/.test(own)) return undefined;
  const [, ...reasons] = own.split(/(?:, |: )(?=\d)/);
  const [first] = reasons.sort((one, other) => Number.parseInt(other, 10) - Number.parseInt(one, 10));
  return first?.replace(/^[\d\s]+/, '');
}

/** The operator's message about a child other than the pod, for example that a quota is exceeded. */
function childFailure({ messages }: Session): string | undefined {
  const children = Object.keys(messages).sort();
  const message = messages[children.find((child) => child !== 'pod') ?? ''];
  if (message === undefined) return undefined;
  const remedy = /quota/i.test(message) ? ' Stop another session, or wait until others have stopped theirs.' : '';
  return oneLine(message, 500) + remedy;
}

/** The operator's message about the pod. */
function podFailure(session: Session): string | undefined {
  const message = session.messages['pod'];
  if (message === undefined || isVolumeBeingMade(message) || isMissingSecrets(session)) return undefined;
  return `The cluster reports: ${withoutStop(oneLine(message, 500))}.`;
}

/** The volume is made right after the pod: at every start, the scheduler misses it for a moment. */
const isVolumeBeingMade = (message: string): boolean => message.toLowerCase().includes('persistentvolumeclaim');

const withoutStop = (message: string): string => message.replace(/[.\s]+$/, '');

function eviction({ pod }: Session): string | undefined {
  if (pod?.phase !== 'Failed' || !pod.reason) return undefined;
  const because = pod.message ? `: ${withoutStop(oneLine(pod.message, 300))}` : '';
  return `The cluster stopped the session (${oneLine(pod.reason, 60)})${because}. Launch it again, with more memory or storage if it ran out of them.`;
}

/** Main containers first, as in renku-notebooks. */
const mainFirst = ({ containers }: Session): ReportedContainer[] => [
  ...containers.filter(({ kind }) => kind === 'main'),
  ...containers.filter(({ kind }) => kind === 'init'),
];

/** The current run's end; for a container that was started again, the end of the run before. */
const endOf = ({ ended, endedBefore }: ReportedContainer): Termination | undefined => ended ?? endedBefore;

const meaningOf = (session: Session, container: ReportedContainer): string =>
  container.name === sessionContainer.jupyter.name && endOf(container)?.reason === outOfMemoryReason
    ? outOfMemoryMeaning(session)
    : exitCodeMeaning(session, container.name, endOf(container)?.exitCode);

function failedContainer(session: Session): string | undefined {
  const failed = mainFirst(session).filter((container) => (endOf(container)?.exitCode ?? 0) !== 0);
  const { gitClone, imageDownload, jupyter } = sessionContainer;
  const decisive = failed.find(({ name }) => name === gitClone.name || name === jupyter.name);
  if (decisive) return meaningOf(session, decisive);
  if (failed.some(({ name }) => name === imageDownload.name)) return noShellMeaning(session);
  if (failed.length === 0) return undefined;
  const what =
    failed.length === 1
      ? 'An auxiliary container of the session failed.'
      : `${failed.length} auxiliary containers of the session failed.`;
  return `${what} That is an error of the platform: restart the session, and tell the administrator if it happens often.`;
}

const waitingFor = (session: Session, reasons: readonly string[]): ReportedContainer | undefined =>
  mainFirst(session).find(({ waiting }) => waiting !== undefined && reasons.includes(waiting.reason));

function imageFailure(session: Session): string | undefined {
  const container = waitingFor(session, ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
  if (!container) return undefined;
  const { jupyter, imageDownload } = sessionContainer;
  const isOwn = container.name === jupyter.name || container.name === imageDownload.name;
  const which = isOwn ? `The image ${session.image}` : `An image of the platform (${container.name})`;
  const perhaps =
    isOwn && session.secrets.pull
      ? 'your sign-in for this private image may have expired. If this does not change, stop the session and launch it again.'
      : 'it may not exist, or it may not be public.';
  return `${which} cannot be downloaded; ${perhaps} ${reported(pullFailure(session, container))}The cluster tries again.`;
}

/** The reason of `ImagePullBackOff` says only that the kubelet waits; the operator keeps the last attempt's message. */
function pullFailure({ messages }: Session, { name, waiting }: ReportedContainer): string {
  const [, why] = (messages['pod'] ?? '').split(`${name}: ImagePullBackOff: `);
  return why ?? waiting?.message ?? '';
}

function crashing(session: Session): string | undefined {
  const container = waitingFor(session, ['CrashLoopBackOff']);
  if (!container) return undefined;
  const step = (findSessionContainer(container.name)?.step ?? container.name).toLowerCase();
  return `The step "${step}" failed, and the cluster tries again. ${meaningOf(session, container)}`;
}

/** A Secret that is made a moment after the object is not a failure; one that is never made is an `interruption`. */
function containerFailure(session: Session): string | undefined {
  if (isMissingSecrets(session)) return undefined;
  const container = waitingFor(session, ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);
  if (!container) return undefined;
  return `A container of the session cannot be started. ${reported(container.waiting?.message ?? '')}The cluster tries again.`;
}

/** Returns a sentence with the cluster's own message and a space behind it; empty without a message. */
function reported(message: string): string {
  const clean = withoutStop(oneLine(message, 300));
  return clean === '' ? '' : `The cluster reports: ${clean}. `;
}
