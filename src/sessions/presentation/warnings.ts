import type { Config, PresentationConfig } from '../../config/types.ts';
import type { SessionWarning } from '../../generated/openapi.ts';
import type { CullingNotice } from '../../jupyter-server/culling-notice.ts';
import { annotation, imageCondition } from '../../jupyter-server/labels.ts';
import { type SavedWork, whyUnsaved } from '../../jupyter-server/saved-work.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { ReportedCondition } from '../../jupyter-server/session-pod.ts';
import { ageSeconds } from '../../jupyter-server/state.ts';
import type { SessionState } from '../../jupyter-server/types.ts';
import { oneLine } from '../../platform/kubernetes/failures.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { notSavedWarnings } from './ending.ts';
import { outOfMemoryMeaning, outOfMemoryReason } from './exit-codes.ts';
import { machineLost } from './failure.ts';
import { stoppedPodWarning } from './stopped-pod.ts';

/** Returns the warnings for the owner of a working session: about its image, its memory, and the time of its end. */
export function warnings(
  session: Session,
  state: SessionState,
  config: PresentationConfig,
  now: number,
): SessionWarning[] {
  return [
    ...defaultImage(session, config),
    ...incompleteImage(session),
    ...outOfMemory(session),
    ...stoppedByCluster(session, state),
    ...notSavedWarnings(session, state, now),
    ...ending(session, state, config, now),
  ];
}

function ending(session: Session, state: SessionState, config: PresentationConfig, now: number): SessionWarning[] {
  const { culling } = session;
  const soon = (seconds: number | undefined, message: (when: string) => string): SessionWarning[] =>
    seconds === undefined || seconds >= config.sessions.termination_warning_duration_seconds
      ? []
      : [{ message: message(`in ${seconds} seconds`), critical: true }];
  if (state === 'stopping') return [];
  if (culling.isAnnounced) return culling.notice ? announced(culling.notice, session, config, now) : [];
  if (state === 'hibernated') {
    const hibernatedSeconds = secondsSince(session.annotations[annotation.hibernationDate], now);
    return soon(
      secondsLeft(culling.hibernatedSeconds, hibernatedSeconds),
      (when) =>
        `The hibernated session will be deleted ${when}, with all work that was not pushed. To keep it, launch it again.`,
    );
  }
  return [
    ...soon(
      secondsLeft(culling.idleSeconds, idleSeconds(session, now)),
      (when) => `The session will be stopped ${when} because it is not being used. Use it to keep it.`,
    ),
    ...soon(
      secondsLeft(culling.maxAgeSeconds, ageSeconds(session, now)),
      (when) => `The session will be stopped ${when} because it reaches its maximum age. Push your work before that.`,
    ),
  ];
}

/** Returns the warning for a notice of the operator. The operator ends a session only after a notice. */
function announced(
  { action, reason, at }: CullingNotice,
  { culling: { idleSeconds: idleThreshold }, savedWork, stopRequest, hasVolume }: Session,
  config: PresentationConfig,
  now: number,
): SessionWarning[] {
  if (action === 'none' && reason === 'hibernated') {
    const why = whyUnsaved(savedWork, stopRequest);
    const message = `The session has been hibernated for a long time. It is not deleted, because its work is not saved${why === undefined ? '.' : `: ${why}`} Stop it if you no longer need it.`;
    return [{ message, critical: false }];
  }
  if (action === 'none') {
    const since = new Date(Date.parse(at) - 1000 * (idleThreshold ?? 0));
    const unused = Number.isNaN(since.getTime())
      ? 'is not used'
      : `has not been used since ${since.toISOString().replace(/\.\d+Z$/, 'Z')}`;
    const why = reason === 'idle' ? unused : 'has reached its maximum age';
    const message = `The session ${why}. It is not stopped, because its files would be lost. Stop it if you no longer need it.`;
    return [{ message, critical: false }];
  }
  const seconds = Math.max(0, Math.floor((Date.parse(at) - now) / 1000));
  if (seconds >= config.sessions.termination_warning_duration_seconds) return [];
  return [
    {
      message: `The session will be ${noticeTexts(`in ${seconds} seconds`, hasVolume, savedWork)[reason]}`,
      critical: true,
    },
  ];
}

/** The operator hibernates a session without a volume only if the repository has all of its work. */
const whatIsKept = (hasVolume: boolean): string =>
  hasVolume ? 'Its files are kept' : 'Its work is saved in the repository before that';

const noticeTexts = (
  when: string,
  hasVolume: boolean,
  saved: SavedWork | undefined,
): Record<CullingNotice['reason'], string> => ({
  idle: `stopped ${when} because it is not being used. ${whatIsKept(hasVolume)}. Use it to keep it.`,
  age: `stopped ${when} because it reaches its maximum age. ${whatIsKept(hasVolume)}, and a launch resumes it.`,
  starting: `deleted ${when} because it does not start.`,
  failed: `deleted ${when} because it has failed.`,
  hibernated: `deleted ${when}${whatRemains(saved)} To keep it, launch it again.`,
});

function whatRemains(saved: SavedWork | undefined): string {
  if (!saved?.isVerified) return ', with all work that was not pushed.';
  return saved.branch === null ? '.' : `. Its work is saved in the branch ${saved.branch}.`;
}

export const usesDefaultImage = (
  { image }: Session,
  { sessions: { default_image } }: Pick<Config, 'sessions'>,
): boolean => image === default_image;

function defaultImage(session: Session, config: PresentationConfig): SessionWarning[] {
  const isRequested = session.requestedImage === config.sessions.default_image;
  if (!usesDefaultImage(session, config) || isRequested) return [];
  return [{ message: noProjectImage(config), critical: false }];
}

/** Returns the warning of the local platform if the image that it has built lacks something. */
function incompleteImage(session: Session): SessionWarning[] {
  const condition = imageConditionOf(session);
  return condition?.status === 'True' && condition.message ? [{ message: condition.message, critical: false }] : [];
}

/** Returns the progress of the image's build; undefined if no build is in progress. */
export function buildProgress(session: Session): string | undefined {
  const condition = imageConditionOf(session);
  return condition?.status === 'False' && condition.message
    ? `Installing packages: ${oneLine(condition.message, 200)}.`
    : undefined;
}

const imageConditionOf = ({ pod }: Session): ReportedCondition | undefined =>
  pod?.conditions.find(({ type }) => type === imageCondition);

function stoppedByCluster(session: Session, state: SessionState): SessionWarning[] {
  // A machine that does not respond cannot end the session, so the deletion waits for it.
  const message = state === 'stopping' ? machineLost(session) : stoppedPodWarning(session);
  return message === undefined ? [] : [{ message, critical: !session.hasVolume }];
}

/** Returns a warning after a restart because of memory, so that the owner knows why Jupyter's kernels have stopped. */
function outOfMemory(session: Session): SessionWarning[] {
  const jupyter = session.containers.find(({ name }) => name === sessionContainer.jupyter.name);
  if (jupyter?.activity !== 'running' || jupyter.previousEnded?.reason !== outOfMemoryReason) return [];
  return [{ message: `${outOfMemoryMeaning(session)} What ran in it was lost.`, critical: false }];
}

export const noProjectImage = ({ sessions: { default_image } }: Pick<Config, 'sessions'>): string =>
  `The project has no image for this commit, so the session runs the default image ${default_image}. Packages that the project needs may be missing.`;

/** Amalthea before version 0.9 writes the idle seconds. Later operators write the time of the last use. */
const idleSeconds = (session: Session, now: number): number | undefined =>
  session.idleSeconds ?? secondsSince(session.annotations[annotation.lastActivityDate], now);

/** Returns the seconds since the date; undefined if the text is not a date. */
function secondsSince(date: string | undefined, now: number): number | undefined {
  const time = Date.parse(date ?? '');
  return Number.isNaN(time) ? undefined : (now - time) / 1000;
}

/** Returns the whole seconds until the threshold; undefined without a threshold (0) or without a time to compare. */
function secondsLeft(threshold: number | undefined, seconds: number | undefined): number | undefined {
  return threshold === undefined || threshold <= 0 || seconds === undefined
    ? undefined
    : Math.max(0, Math.floor(threshold - seconds));
}
