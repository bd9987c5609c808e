import type { CullingNotice } from '../../jupyter-server/culling-notice.ts';
import type { JupyterServerSpec, SessionState } from '../../jupyter-server/types.ts';
import type { Observation } from './activity-monitor.ts';

export interface CullingSettings {
  /** Longest time between two reads of a session's activity. */
  readonly checkIntervalMs: number;
  /** CPU usage of a session above which the session is active. */
  readonly idleCpuMillicores: number;
  /** Time before the end of a session at which the owner is warned. */
  readonly warningMs: number;
  /** Whether to delete sessions that have run, and so may have work that is not saved. */
  readonly deleteUnsaved: boolean;
}

/** What the decision depends on. Times are in milliseconds since the epoch, and undefined if unknown. */
export interface CullingInput {
  readonly thresholds: NonNullable<JupyterServerSpec['culling']>;
  readonly state: SessionState;
  readonly startingSince: number | undefined;
  readonly failedSince: number | undefined;
  readonly hibernatedSince: number | undefined;
  /** Start of the Jupyter process. */
  readonly jupyterStartedAt: number | undefined;
  /** Whether the files are on a volume claim, which remains when the pod is deleted. */
  readonly hasClaim: boolean;
  /** Whether the session has been `running`, or may have been. */
  readonly mayHaveRun: boolean;
  /** Whether the agent of the session can save its work in the repository. */
  readonly canSave: boolean;
  /** Whether the repository had all of the work when the session was hibernated. */
  readonly isSaved: boolean;
  /** When the work could not be saved before the end of the session. */
  readonly saveFailedAt: number | undefined;
  /** What the owner has been told about the end of the session. */
  readonly told: CullingNotice | undefined;
  readonly observation: Observation | undefined;
  /** When the first save before the end of the session has ended. */
  readonly firstSavedAt: number | undefined;
  readonly cpuMillicores: number | undefined;
  /** `status.lastActivity`. */
  readonly lastActivity: number | undefined;
  readonly now: number;
}

export interface CullingDecision {
  /** What to do now. */
  readonly action: { readonly is: 'hibernate' | 'delete'; readonly reason: CullingNotice['reason'] } | undefined;
  /** Whether the end is due, although the activity is read again before it. */
  readonly isDue: boolean;
  /** What to tell the owner. */
  readonly notice: CullingNotice | undefined;
  /** The new value of `status.lastActivity`; undefined without a change. */
  readonly lastActivity: number | undefined;
  /** Since when the session has been idle; undefined if the session is active, or the activity is unknown. */
  readonly idleSince: number | undefined;
  /** Whether to read the activity now. */
  readonly isCheckDue: boolean;
  /** Whether the activity has not been read yet: until then, what the owner has been told remains valid. */
  readonly isPending: boolean;
  /** Milliseconds until the next decision; undefined if only an event can change the decision. */
  readonly nextMs: number | undefined;
}

/** Longest age of an observation with which a session is hibernated. An older one is read again. */
const maxFreshMs = 30_000;
/** Longest time between two writes of the last activity of a session that is active. */
const maxActivityWriteMs = 900_000;

/**
 * Returns what to do with a session whose thresholds in `spec.culling` may have been exceeded. Pure. The rules are those of
 * Amalthea (docs/differences.md), with these differences:
 * - `startingSecondsThreshold` counts only while the session is starting: Amalthea deletes running sessions;
 * - a session without a volume claim is hibernated only if its work can be saved in the repository, because hibernation deletes its
 *   files: otherwise its owner gets the notice;
 * - a session that may have run is never deleted, unless `deleteUnsaved` is set or its work was saved when it was hibernated;
 * - a busy kernel and the input and output of a terminal are activity. If the activity is unknown, the session is not idle;
 * - no session is ended before its owner has been told, also if its threshold is exceeded when the operator sees it first.
 */
export function decideCulling(input: CullingInput, settings: CullingSettings): CullingDecision {
  const { state, now } = input;
  const idle = idleness(input, settings);
  const planned = state === 'running' ? earliest([idleEnd(input, idle), ageEnd(input)]) : deletion(input, settings);
  const end = planned && announced(planned, input, settings);
  const due = end !== undefined && end.at <= now ? toAction(end) : undefined;
  // The user may have returned since the last read of the activity.
  const isStale = due?.reason === 'idle' && !isFresh(input);
  // A session that will not be stopped has a notice only when its threshold is exceeded.
  const noticeAt = end && (end.action === 'none' ? end.at : end.at - settings.warningMs);
  return {
    action: isStale ? undefined : due,
    isDue: due !== undefined,
    notice: end && noticeAt !== undefined && noticeAt <= now ? toNotice(end) : undefined,
    lastActivity: idle.write,
    idleSince: idle.since,
    isCheckDue: idle.isCheckDue || isStale,
    isPending: idle.isCheckDue && input.observation === undefined,
    nextMs: soonest([end?.at, noticeAt, idle.nextCheckAt].map((at) => (at === undefined ? undefined : at - now))),
  };
}

interface End {
  readonly action: CullingNotice['action'];
  readonly reason: CullingNotice['reason'];
  readonly thresholdMs: number;
  readonly at: number;
}

/**
 * Returns the end at the time that the owner has been told. If the owner has not been told yet, at least the time of the warning is
 * left, or half of a threshold that is shorter than twice this time.
 */
function announced(end: End, { told, now }: CullingInput, { warningMs }: CullingSettings): End {
  if (end.action === 'none') return end;
  const earliestMs = now + Math.min(warningMs, end.thresholdMs / 2);
  const toldMs = told?.action === end.action && told.reason === end.reason ? Date.parse(told.at) : 0;
  const isValid = toldMs >= end.at && toldMs <= earliestMs;
  return { ...end, at: isValid ? toldMs : Math.max(end.at, earliestMs) };
}

const toNotice = ({ action, reason, at }: End): CullingNotice => ({ action, reason, at: new Date(at).toISOString() });

const toAction = ({ action, reason }: End): CullingDecision['action'] =>
  action === 'none' ? undefined : { is: action, reason };

const millisecondsOf = (seconds: number | undefined): number | undefined =>
  typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;

interface Idleness {
  readonly since: number | undefined;
  readonly write: number | undefined;
  readonly isCheckDue: boolean;
  readonly nextCheckAt: number | undefined;
}

const notChecked: Idleness = { since: undefined, write: undefined, isCheckDue: false, nextCheckAt: undefined };

/** Returns the time between two reads of the activity: shorter for a short threshold, so that the session ends in time. */
function checkIntervalMs(threshold: number, { checkIntervalMs: longest }: CullingSettings): number {
  return Math.min(longest, Math.max(1_000, threshold / 2));
}

function idleness(input: CullingInput, settings: CullingSettings): Idleness {
  const threshold = millisecondsOf(input.thresholds.idleSecondsThreshold);
  if (input.state !== 'running' || threshold === undefined) return notChecked;
  const { observation, now } = input;
  const intervalMs = checkIntervalMs(threshold, settings);
  const nextCheckAt = observation === undefined ? now : observation.at + intervalMs;
  const isCheckDue = nextCheckAt <= now;
  const check = { isCheckDue, nextCheckAt: isCheckDue ? now + intervalMs : nextCheckAt };
  const activity = observation?.activity;
  if (!activity) return { ...check, since: undefined, write: undefined };
  // A few writes per threshold: while the session is active, the stored time is at most this much too early.
  const stepMs = Math.min(threshold / 20, maxActivityWriteMs);
  const stored = input.lastActivity ?? 0;
  if (activity.isActive || (input.cpuMillicores ?? 0) > settings.idleCpuMillicores) {
    const write = observation.at - stored > stepMs ? observation.at : undefined;
    return { ...check, since: undefined, write };
  }
  const reported = Math.max(activity.lastAt, input.jupyterStartedAt ?? 0);
  const since = Math.max(reported, stored > reported ? Math.min(stored + stepMs, now) : 0);
  const isIdle = now - since > Math.min(intervalMs, threshold / 2);
  const write = reported > stored && (isIdle || reported - stored > stepMs) ? reported : undefined;
  return { ...check, since: isIdle ? since : undefined, write };
}

/**
 * Milliseconds after a failed save until the work of a session without a volume claim is saved again because of a threshold. An
 * attempt whose first save succeeds ends the kernels of the session, so it is not repeated more often than once a day.
 */
const saveAgainMs = 86_400_000;

/** Returns how a session that runs ends. The work is saved first, and a failed save of a session without a claim ends nothing. */
function endOfRunning({ hasClaim, canSave, saveFailedAt, now }: CullingInput): End['action'] {
  if (hasClaim) return 'hibernate';
  const failedRecently = saveFailedAt !== undefined && now - saveFailedAt < saveAgainMs;
  return canSave && !failedRecently ? 'hibernate' : 'none';
}

function idleEnd(input: CullingInput, { since }: Idleness): End | undefined {
  const threshold = millisecondsOf(input.thresholds.idleSecondsThreshold);
  if (threshold === undefined || since === undefined) return undefined;
  return { action: endOfRunning(input), reason: 'idle', thresholdMs: threshold, at: since + threshold };
}

function ageEnd(input: CullingInput): End | undefined {
  const { thresholds, jupyterStartedAt } = input;
  const threshold = millisecondsOf(thresholds.maxAgeSecondsThreshold);
  if (threshold === undefined || jupyterStartedAt === undefined) return undefined;
  return { action: endOfRunning(input), reason: 'age', thresholdMs: threshold, at: jupyterStartedAt + threshold };
}

/** Returns the deletion of a session that is not running; undefined if the session is not deleted. */
function deletion(input: CullingInput, { deleteUnsaved }: CullingSettings): End | undefined {
  const { state, thresholds } = input;
  if (state === 'running' || state === 'stopping') return undefined;
  const isUnsaved = input.mayHaveRun && !deleteUnsaved && !(state === 'hibernated' && input.isSaved);
  if (isUnsaved && state !== 'hibernated') return undefined;
  const [seconds, since] = (
    {
      starting: [thresholds.startingSecondsThreshold, input.startingSince],
      failed: [thresholds.failedSecondsThreshold, input.failedSince],
      hibernated: [thresholds.hibernatedSecondsThreshold, input.hibernatedSince],
    } as const
  )[state];
  const threshold = millisecondsOf(seconds);
  if (threshold === undefined || since === undefined) return undefined;
  return { action: isUnsaved ? 'none' : 'delete', reason: state, thresholdMs: threshold, at: since + threshold };
}

/** Returns the earlier end. An end that stops the session comes before a notice. */
function earliest(ends: readonly (End | undefined)[]): End | undefined {
  return ends
    .filter((end) => end !== undefined)
    .toSorted((a, b) => Number(a.action === 'none') - Number(b.action === 'none') || a.at - b.at)[0];
}

/** Returns whether the observation is so recent, and after the first save, that the user can hardly have returned since. */
function isFresh({ observation, firstSavedAt = 0, thresholds, now }: CullingInput): boolean {
  const freshMs = Math.min(maxFreshMs, Math.max(2_000, (thresholds.idleSecondsThreshold ?? 0) * 100));
  return observation !== undefined && now - observation.at <= freshMs && observation.at >= firstSavedAt;
}

/** Returns the shortest of the delays that are not over. */
function soonest(delays: readonly (number | undefined)[]): number | undefined {
  const left = delays.flatMap((ms) => (ms !== undefined && ms > 0 ? [ms] : []));
  return left.length > 0 ? Math.min(...left) : undefined;
}
