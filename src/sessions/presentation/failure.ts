import { nodeLostSince, sinceText } from '../../jupyter-server/machine.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { sessionPath } from '../../jupyter-server/session-path.ts';
import type { ReportedContainer, Termination } from '../../jupyter-server/session-pod.ts';
import {
  ageSeconds,
  isMissingSecrets,
  isOtherPlatform,
  missingSecrets,
  scaleUpPrefix,
  wasInterrupted,
} from '../../jupyter-server/state.ts';
import { oneLine } from '../../platform/kubernetes/failures.ts';
import { findSessionContainer, sessionContainer } from '../../session-contract/containers.ts';
import {
  exitMeaning,
  noShellMeaning,
  outOfMemoryMeaning,
  outOfMemoryReason,
  platformContainerMeaning,
  startErrorMeaning,
} from './exit-codes.ts';
import { causeOf } from './stopped-pod.ts';
import { unschedulableReason } from './unschedulable.ts';

/** Returns why the session failed and what to do. Errors of the cluster precede errors of containers, as in renku-notebooks. */
export function failureReason(session: Session, now: number): string {
  return (
    interruption(session, now) ??
    unschedulable(session) ??
    childFailure(session) ??
    eviction(session) ??
    failedContainer(session) ??
    startFailure(session, now) ??
    'The session failed, and the cluster does not say why. Its logs may have the reason. Restart it, and tell the administrator if it fails again.'
  );
}

/** Returns the failure that delays a starting session; undefined if no failure is known. */
export const startFailure = (session: Session, now: number): string | undefined =>
  machineLost(session) ??
  eviction(session) ??
  imageFailure(session) ??
  crashing(session) ??
  containerFailure(session) ??
  unschedulable(session) ??
  childFailure(session) ??
  podFailure(session) ??
  missingVolume(session, now) ??
  silentServer(session, now) ??
  retrying(session) ??
  slowClone(session, now);

/** Returns the cluster's message about a volume that it has not created for a minute. */
function missingVolume(session: Session, now: number): string | undefined {
  const message = session.messages['pod'];
  if (message === undefined || !isVolumeBeingCreated(message) || ageSeconds(session, now) < slowVolumeSeconds)
    return undefined;
  return `The volume of the session is not available yet. ${reported(message)}Tell the administrator if this does not change.`;
}

const slowVolumeSeconds = 60;

/** Seconds after which a clone, or a Jupyter server that does not respond, is mentioned. */
const slowStartSeconds = 60;

/** Returns what the session waits for if its container runs, but no Jupyter server responds. */
function silentServer({ containers, routing, name }: Session, now: number): string | undefined {
  const { jupyter } = sessionContainer;
  const container = containers.find((each) => each.name === jupyter.name);
  const seconds = runningSeconds(container, now);
  if (!container || container.step === 'ready' || !(seconds >= slowStartSeconds)) return undefined;
  const line = container.previousEnded?.lastLine;
  const before = line ? ` The log of the attempt before ends with: "${line}"` : '';
  return `The session waits for its Jupyter server, which has run for ${seconds} seconds and does not respond yet. The image must start it on port ${jupyter.port}, below the path ${routing.path ?? sessionPath(name)}. The log of the session may have the reason; the cluster starts the container again after 5 minutes.${before}`;
}

/** Returns since when the repository is being cloned, after the time that most repositories need. */
function slowClone({ containers }: Session, now: number): string | undefined {
  const container = containers.find((each) => each.name === sessionContainer.gitClone.name);
  const seconds = runningSeconds(container, now);
  if (container?.step === 'ready' || !(seconds >= slowStartSeconds)) return undefined;
  return `The clone of the repository has been running for ${seconds} seconds. The log of the session shows how far the clone is, or what it waits for.`;
}

/** Returns the seconds since the start of the container; NaN if it does not run. */
const runningSeconds = (container: ReportedContainer | undefined, now: number): number =>
  Math.floor((now - Date.parse(container?.runningSince ?? '')) / 1000);

const interruption = (session: Session, now: number): string | undefined =>
  wasInterrupted(session, now)
    ? `A Secret of the session does not exist (${missingSecrets(session).join(', ')}): it was deleted, or the launch was interrupted before it was stored. Launch the session again, with the same project, branch and commit: that creates it.`
    : undefined;

/** Returns why no node fits. */
function unschedulable(session: Session): string | undefined {
  const { pod } = session;
  if (pod?.phase !== 'Pending') return undefined;
  const time = (changedAt: string): number => Date.parse(changedAt) || 0;
  const [newest] = pod.conditions.toSorted((one, other) => time(other.changedAt) - time(one.changedAt));
  if (newest?.reason !== 'Unschedulable' || !newest.message) return undefined;
  if (isVolumeBeingCreated(newest.message) || isMissingSecrets(session)) return undefined;
  if (session.messages['pod']?.startsWith(scaleUpPrefix)) {
    return 'No machine has room for the session now. The cluster is adding a machine, which takes some minutes.';
  }
  return unschedulableReason(newest.message);
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

/** Returns why the cluster ended the pod, until a new pod replaces it. */
function eviction({ pod }: Session): string | undefined {
  if (pod?.phase !== 'Failed' || !pod.reason) return undefined;
  const [cause, remedy] = causeOf(pod);
  return `The cluster stopped the session because ${cause}. ${remedy || 'Launch it again if it does not start by itself.'}`;
}

/** Returns since when the machine does not respond, and how to end the session without it. */
export function machineLost(session: Session): string | undefined {
  const since = nodeLostSince(session);
  if (since === undefined) return undefined;
  return `The machine of the session has not responded ${sinceText(since)}. The session continues when the machine responds again. To give the session up, stop it with forced=true: what was not pushed is lost.`;
}

/** Returns all containers, main containers first, as in renku-notebooks. */
const mainFirst = ({ containers }: Session): ReportedContainer[] => [
  ...containers.filter(({ kind }) => kind === 'main'),
  ...containers.filter(({ kind }) => kind === 'init'),
];

/** Returns the end of the current run or, for a restarted container, of the previous run. */
const endOf = ({ ended, previousEnded }: ReportedContainer): Termination | undefined => ended ?? previousEnded;

function meaningOf(session: Session, container: ReportedContainer): string {
  const { jupyter, gitClone, imageDownload } = sessionContainer;
  const { name } = container;
  const end = endOf(container);
  if (name === jupyter.name && end?.reason === outOfMemoryReason) return outOfMemoryMeaning(session);
  if (name === imageDownload.name) return downloadMeaning(session, container);
  return name === jupyter.name || name === gitClone.name
    ? exitMeaning(session, name, end)
    : platformContainerMeaning(end ?? {});
}

function failedContainer(session: Session): string | undefined {
  const failed = mainFirst(session).filter((container) => (endOf(container)?.exitCode ?? 0) !== 0);
  const { gitClone, imageDownload, jupyter } = sessionContainer;
  const decisive = failed.find(({ name }) => name === gitClone.name || name === jupyter.name);
  if (decisive) return meaningOf(session, decisive);
  const download = failed.find(({ name }) => name === imageDownload.name);
  if (download) return meaningOf(session, download);
  if (failed.length === 0) return undefined;
  const what =
    failed.length === 1
      ? 'An auxiliary container of the session failed.'
      : `${failed.length} auxiliary containers of the session failed.`;
  return `${what} That is an error of the platform: restart the session, and tell the administrator if it happens often.`;
}

/** Returns why `download-image` failed, which runs `sh` in the image and exits. */
function downloadMeaning(session: Session, container: ReportedContainer): string {
  const { reason, lastLine = '' } = endOf(container) ?? {};
  const isUnclear = lastLine === '' || (reason !== 'StartError' && !/exec format error/.test(lastLine));
  return isUnclear ? noShellMeaning(session) : startErrorMeaning(session, container.name, lastLine);
}

const waitingFor = (session: Session, reasons: readonly string[]): ReportedContainer | undefined =>
  mainFirst(session).find(({ waiting }) => waiting !== undefined && reasons.includes(waiting.reason));

function imageFailure(session: Session): string | undefined {
  const container = waitingFor(session, ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
  if (!container) return undefined;
  const { jupyter, imageDownload } = sessionContainer;
  const isOwn = container.name === jupyter.name || container.name === imageDownload.name;
  const which = isOwn ? `The image ${session.image}` : `An image of the platform (${container.name})`;
  const why = pullFailure(session, container);
  if (isOtherPlatform(why)) {
    const remedy = isOwn ? 'Launch the session with an image for that architecture.' : 'Tell the administrator.';
    return `${which} is for another processor architecture than that of the cluster. ${remedy}`;
  }
  const perhaps =
    isOwn && session.secrets.pull
      ? 'your sign-in for this private image may have expired. If this does not change, stop the session and launch it again.'
      : 'it may not exist, or it may not be public.';
  return `${which} cannot be downloaded; ${perhaps} ${reported(why)}The cluster tries again.`;
}

/** Returns why the last pull failed, from the operator's message: the message of `ImagePullBackOff` has no reason. */
function pullFailure({ messages }: Session, { name, waiting }: ReportedContainer): string {
  const [, why] = (messages['pod'] ?? '').split(`${name}: ImagePullBackOff: `);
  return (why ?? waiting?.message ?? '').replace(pullErrors, '');
}

/** The errors with which the kubelet and containerd wrap the reason. Each of them repeats the name of the image. */
const pullErrors =
  /^(failed to pull image "[^"]*": )?(rpc error: code = \w+ desc = )?(failed to pull and unpack image "[^"]*": )?(failed to resolve (reference|image) "[^"]*": )?/i;

/** Returns why the current attempt of a container is not its first one. */
function retrying(session: Session): string | undefined {
  const container = mainFirst(session).find(
    ({ activity, step, previousEnded }) =>
      activity === 'running' && step !== 'ready' && (previousEnded?.exitCode ?? 0) !== 0,
  );
  return container && `${stepOf(container)} failed, and runs again. ${meaningOf(session, container)}`;
}

const stepOf = ({ name }: ReportedContainer): string =>
  `The step "${(findSessionContainer(name)?.step ?? name).toLowerCase()}"`;

function crashing(session: Session): string | undefined {
  const container = waitingFor(session, ['CrashLoopBackOff']);
  if (!container) return undefined;
  return `${stepOf(container)} failed, and the cluster tries again. ${meaningOf(session, container)}`;
}

/** A missing Secret is no failure here: the launch creates the Secrets after the object. See `interruption`. */
function containerFailure(session: Session): string | undefined {
  if (isMissingSecrets(session)) return undefined;
  const notStarted = waitingFor(session, ['RunContainerError']);
  if (notStarted?.waiting?.message) {
    return `${startErrorMeaning(session, notStarted.name, notStarted.waiting.message)} The cluster tries again.`;
  }
  const container = waitingFor(session, ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);
  if (!container) return undefined;
  return `A container of the session cannot be started. ${reported(container.waiting?.message ?? '')}The cluster tries again.`;
}

/** Returns a sentence with the cluster's message, followed by a space; an empty text without a message. */
function reported(message: string): string {
  const clean = withoutStop(oneLine(message, 300));
  return clean === '' ? '' : `The cluster reports: ${clean}. `;
}
