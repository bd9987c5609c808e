import type { Session } from '../../jupyter-server/session.ts';
import type { ReportedContainer, Termination } from '../../jupyter-server/session-pod.ts';
import { isMissingSecrets, wasInterrupted } from '../../jupyter-server/state.ts';
import { oneLine } from '../../platform/kubernetes/failures.ts';
import { findSessionContainer, sessionContainer } from '../../session-contract/containers.ts';
import { exitCodeMeaning, noShellMeaning, outOfMemoryMeaning, outOfMemoryReason } from './exit-codes.ts';

/** Returns why the session failed and what to do. Errors of the cluster precede errors of containers, as in renku-notebooks. */
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

/** Returns the failure that delays a starting session; undefined if no failure is known. */
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

/** Returns why no node fits: the scheduler's most frequent reason, or its whole message if the message has another form. */
function unschedulable(session: Session): string | undefined {
  const { pod } = session;
  if (pod?.phase !== 'Pending') return undefined;
  const time = (changedAt: string): number => Date.parse(changedAt) || 0;
  const [newest] = pod.conditions.toSorted((one, other) => time(other.changedAt) - time(one.changedAt));
  if (newest?.reason !== 'Unschedulable' || !newest.message) return undefined;
  if (isVolumeBeingCreated(newest.message) || isMissingSecrets(session)) return undefined;
  const reason = mostFrequentReason(newest.message);
  if (reason === undefined) return oneLine(newest.message, 500);
  const remedy = reason.startsWith('Insufficient')
    ? 'Wait until others have stopped their sessions, or launch it again with less of that resource.'
    : 'Wait until others have stopped their sessions; tell the administrator if that does not help.';
  return `The session cannot be scheduled because of: ${oneLine(reason, 300)}. ${remedy}`;
}

/**
 * Returns the reason for most of the nodes, for example `Insufficient cpu` for the message `0/3 nodes are available: 1 node(s)
 * had taints, 2 Insufficient cpu.` Returns undefined if the message has another form.
 */
export function mostFrequentReason(message: string): string | undefined {
  const own = (message.split(/\s+preemption:/)[0] ?? '').trim().replace(/\.+$/, '');
  if (!/^\d+\/\d+ nodes are available/.test(own)) return undefined;
  const [, ...reasons] = own.split(/(?:, |: )(?=\d)/);
  const [first] = reasons.sort((one, other) => Number.parseInt(other, 10) - Number.parseInt(one, 10));
  return first?.replace(/^[\d\s]+/, '');
}

/** Returns the operator's message about a child other than the pod, for example about an exceeded quota. */
function childFailure({ messages }: Session): string | undefined {
  const children = Object.keys(messages).sort();
  const message = messages[children.find((child) => child !== 'pod') ?? ''];
  if (message === undefined) return undefined;
  const remedy = /quota/i.test(message) ? ' Stop another session, or wait until others have stopped theirs.' : '';
  return oneLine(message, 500) + remedy;
}

/** Returns the operator's message about the pod. */
function podFailure(session: Session): string | undefined {
  const message = session.messages['pod'];
  if (message === undefined || isVolumeBeingCreated(message) || isMissingSecrets(session)) return undefined;
  return `The cluster reports: ${withoutStop(oneLine(message, 500))}.`;
}

/** The volume is created after the pod, so at every start the scheduler first reports a missing volume, which is no failure. */
const isVolumeBeingCreated = (message: string): boolean => message.toLowerCase().includes('persistentvolumeclaim');

const withoutStop = (message: string): string => message.replace(/[.\s]+$/, '');

function eviction({ pod }: Session): string | undefined {
  if (pod?.phase !== 'Failed' || !pod.reason) return undefined;
  const because = pod.message ? `: ${withoutStop(oneLine(pod.message, 300))}` : '';
  return `The cluster stopped the session (${oneLine(pod.reason, 60)})${because}. Launch it again, with more memory or storage if it ran out of them.`;
}

/** Returns all containers, main containers first, as in renku-notebooks. */
const mainFirst = ({ containers }: Session): ReportedContainer[] => [
  ...containers.filter(({ kind }) => kind === 'main'),
  ...containers.filter(({ kind }) => kind === 'init'),
];

/** Returns the end of the current run or, for a restarted container, of the previous run. */
const endOf = ({ ended, previousEnded }: ReportedContainer): Termination | undefined => ended ?? previousEnded;

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

/** Returns why the last pull failed, from the operator's message: the message of `ImagePullBackOff` has no reason. */
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

/** A missing Secret is no failure here: the launch creates the Secrets after the object. See `interruption`. */
function containerFailure(session: Session): string | undefined {
  if (isMissingSecrets(session)) return undefined;
  const container = waitingFor(session, ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);
  if (!container) return undefined;
  return `A container of the session cannot be started. ${reported(container.waiting?.message ?? '')}The cluster tries again.`;
}

/** Returns a sentence with the cluster's message, followed by a space; an empty text without a message. */
function reported(message: string): string {
  const clean = withoutStop(oneLine(message, 300));
  return clean === '' ? '' : `The cluster reports: ${clean}. `;
}
