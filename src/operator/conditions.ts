import type { CullingNotice } from '../jupyter-server/culling-notice.ts';
import { annotation } from '../jupyter-server/labels.ts';
import { readSavedWork, whyUnsaved } from '../jupyter-server/saved-work.ts';
import { readStopRequest } from '../jupyter-server/stop-request.ts';
import type { JupyterServer, JupyterServerStatus, SessionCondition, SessionState } from '../jupyter-server/types.ts';
import { sessionContainer } from '../session-contract/containers.ts';
import type { MainPod } from './pod.ts';

type Conditions = readonly SessionCondition[];

interface SessionPods {
  readonly pod: MainPod | undefined;
  /** Whether this operator process has not seen the session before, so that an earlier pod may have ended unseen. */
  readonly isFirstLook?: boolean;
  /** When the session was created, RFC 3339. */
  readonly createdAt?: string | undefined;
  /** The pod in the written status, if it no longer exists and the operator has seen its end. */
  readonly former?: MainPod | undefined;
}

/**
 * Returns `status.conditions` for the other fields of the status. A condition keeps its time until its status changes. Pure.
 * @param desired the new status, without conditions
 */
export function conditionsOf(
  desired: JupyterServerStatus,
  current: JupyterServerStatus | undefined,
  pods: SessionPods,
  now: Date,
): SessionCondition[] {
  const before: Conditions = Array.isArray(current?.conditions) ? current.conditions : [];
  const state = desired.state ?? 'starting';
  const reason = reasons[state];
  const message = messageOf(desired);
  const condition = (
    type: SessionCondition['type'],
    status: SessionCondition['status'],
    why: string,
    text: string,
  ): SessionCondition => {
    const known = before.find((each) => each.type === type);
    const changed = known?.status !== status || typeof known.lastTransitionTime !== 'string';
    const lastTransitionTime = changed ? now.toISOString().replace(/\.\d+Z$/, 'Z') : known.lastTransitionTime;
    return { type, status, reason: why, message: text, lastTransitionTime };
  };
  const truth = (value: boolean) => (value ? 'True' : 'False');
  const hasRun = hasRunOf(state, current, pods);
  return [
    condition('Ready', truth(state === 'running'), reason, message),
    condition('Progressing', truth(state === 'starting' || state === 'stopping'), reason, message),
    condition('Degraded', truth(state === 'failed'), reason, state === 'failed' ? message : ''),
    condition('HasRun', hasRun, { True: 'HasRun', False: 'NotYet', Unknown: 'NotObserved' }[hasRun], ''),
  ];
}

/**
 * Returns the condition of a hibernated session whose threshold has passed and that is not deleted, because its work is not saved.
 * Other sessions do not have the condition. Pure.
 */
export function unsavedWork(notice: CullingNotice | undefined, server: JupyterServer, now: Date): SessionCondition[] {
  const current = server.status;
  if (notice?.action !== 'none' || notice.reason !== 'hibernated') return [];
  const known = Array.isArray(current?.conditions)
    ? current.conditions.find(({ type }) => type === 'UnsavedWork')
    : undefined;
  const lastTransitionTime = known?.lastTransitionTime ?? now.toISOString().replace(/\.\d+Z$/, 'Z');
  return [
    {
      type: 'UnsavedWork',
      status: 'True',
      reason: 'NotSaved',
      message: unsavedMessage(whyNotSaved(server)),
      lastTransitionTime,
    },
  ];
}

/** Returns why the work of a hibernated session is not saved; undefined if that is unknown. */
export const whyNotSaved = ({ metadata: { annotations = {} } }: JupyterServer): string | undefined =>
  whyUnsaved(readSavedWork(annotations[annotation.savedWork]), readStopRequest(annotations[annotation.stopRequest]));

/** @param why a sentence; undefined if the reason is unknown */
export const unsavedMessage = (why = 'It was hibernated without a save.'): string =>
  `The session is not deleted, because its work is not saved in the repository: ${why}`;

/** Returns whether the session may have been `running`, so that it may have work that is not saved. */
export const mayHaveRun = ({ conditions = [] }: JupyterServerStatus): boolean =>
  conditions.find(({ type }) => type === 'HasRun')?.status !== 'False';

const reasons: Record<SessionState, string> = {
  starting: 'Starting',
  running: 'Running',
  failed: 'Failed',
  hibernated: 'Hibernated',
  stopping: 'Stopping',
};

/** Returns the cause of a failure, or the container that a starting session waits for. */
function messageOf({ state, events = {}, containerStates }: JupyterServerStatus): string {
  if (state === 'running' || state === 'hibernated') return '';
  const cause = ['operator', 'statefulset', 'pod'].map((component) => events[component]?.message).find(Boolean);
  if (cause) return cause;
  const steps = Object.entries({ ...containerStates?.init, ...containerStates?.regular });
  const failed = steps.find(([, step]) => step === 'failed')?.[0];
  if (failed) return `The container ${failed} has ended too often.`;
  const next = steps.find(([, step]) => step !== 'ready')?.[0];
  return next ? `The container ${next} is not ready.` : '';
}

function hasRunOf(
  state: SessionState,
  current: JupyterServerStatus | undefined,
  { pod, former, isFirstLook = false, createdAt }: SessionPods,
): SessionCondition['status'] {
  const conditions: Conditions = Array.isArray(current?.conditions) ? current.conditions : [];
  const known = conditions.find(({ type }) => type === 'HasRun')?.status;
  if (known === 'True' || state === 'running' || wasReady(pod) || wasReady(former)) return 'True';
  const formerUid = current?.mainPod?.uid;
  const isEndUnseen =
    formerUid === undefined
      ? isFirstLook && current?.create_fn !== undefined && !isFirstPod(pod, createdAt)
      : formerUid !== pod?.uid && former === undefined;
  // While no operator ran, the former pod may have become ready.
  if (known === 'False' && isEndUnseen) return 'Unknown';
  if (known) return known;
  if (isFirstLook && pod && !isFirstPod(pod, createdAt)) return 'Unknown';
  return current?.state || current?.create_fn ? 'Unknown' : 'False';
}

/** No pod is created, becomes ready, and is replaced in less time after the creation of its session. */
const firstPodMs = 5_000;

const isFirstPod = (pod: MainPod | undefined, sessionCreatedAt = ''): boolean =>
  pod !== undefined && Date.parse(pod.createdAt) - Date.parse(sessionCreatedAt) <= firstPodMs;

/** Returns whether the pod has been ready at some time: then the condition Ready has changed since the start of the pod. */
function wasReady(pod: MainPod | undefined): boolean {
  const { conditions = [], startTime, containerStatuses = [] } = pod?.status ?? {};
  const changedAt = Date.parse(conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '');
  const jupyter = containerStatuses.find(({ name }) => name === sessionContainer.jupyter.name);
  return jupyter?.ready === true || changedAt > Date.parse(startTime ?? '') + 1_000;
}
