import type { Config, PresentationConfig } from '../../config/types.ts';
import type { LaunchOptions, NotebookResponse, SessionResources, SessionStatus } from '../../generated/openapi.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { formatBytes } from '../../jupyter-server/quantities.ts';
import { withoutReplacedPod } from '../../jupyter-server/restart.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { isRestartable, sessionState } from '../../jupyter-server/state.ts';
import type { SessionState } from '../../jupyter-server/types.ts';
import { notDeletedMessage, savingMessage, savingStatus, savingSteps } from './ending.ts';
import { failureReason, startFailure } from './failure.ts';
import { stepsOf } from './steps.ts';
import { sessionUrl } from './url.ts';
import { buildProgress, usesDefaultImage, warnings } from './warnings.ts';

/** Annotations that every response contains, empty if unknown, because clients of renku-notebooks require them. */
const requiredAnnotations: readonly string[] = [
  annotation.namespace,
  annotation.projectName,
  annotation.branch,
  annotation.commitSha,
  annotation.repository,
];

/**
 * Returns the API response for a session. Unknown values are left out or empty. Pure. Never throws.
 * @param now milliseconds since the epoch
 */
export function presentSession(stored: Session, config: PresentationConfig, now: number): NotebookResponse {
  const session = withoutReplacedPod(stored, now);
  return {
    annotations: annotations(session, config),
    name: session.name,
    state: { pod_name: session.pod?.name ?? null },
    started: inSeconds(Date.parse(session.createdAt ?? '') || now),
    status: status(session, config, now),
    url: sessionUrl(session, config),
    resources: resources(session),
    image: session.image,
    launch: launchOptions(session),
    ...cloudStorage(session, config),
  };
}

const inSeconds = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, '+00:00');

/** Returns the cloud storage, only if the platform supports cloud storage. */
function cloudStorage(
  { buckets }: Session,
  { cloud_storage }: Pick<Config, 'cloud_storage'>,
): Pick<NotebookResponse, 'cloudstorage'> {
  const isOffered = cloud_storage.s3.enabled || cloud_storage.azure_blob.enabled;
  return isOffered ? { cloudstorage: [...buckets] } : {};
}

/** Sessions of renku-notebooks and of earlier releases did not store all options. Some of them follow from other fields. */
function launchOptions({ launchOptions: stored, requestedImage, defaultUrl }: Session): LaunchOptions {
  const { image = requestedImage, default_url = defaultUrl, ...others } = stored;
  return {
    ...(image === '' ? {} : { image }),
    ...(default_url === undefined ? {} : { default_url }),
    ...others,
  };
}

function annotations(session: Session, config: PresentationConfig): Record<string, string> {
  const isShown = ([key, value]: [string, string]): boolean => value !== '' || requiredAnnotations.includes(key);
  return {
    ...Object.fromEntries(requiredAnnotations.map((key) => [key, ''])),
    ...Object.fromEntries(Object.entries(session.annotations).filter(isShown)),
    [annotation.defaultImageUsed]: usesDefaultImage(session, config) ? 'True' : 'False',
  };
}

function status(session: Session, config: PresentationConfig, now: number): SessionStatus {
  const state = sessionState(session, now);
  const details = [...stepsOf(session, state), ...savingSteps(session)];
  const saving = savingStatus(session, state, now);
  return {
    state,
    ...message(session, state, details, now),
    ...(state === 'failed' ? { restartable: isRestartable(session) } : {}),
    details,
    totalNumContainers: details.length,
    readyNumContainers: details.filter((step) => step.status === 'ready').length,
    warnings: warnings(session, state, config, now),
    ...(saving ? { saving } : {}),
  };
}

function message(
  session: Session,
  state: SessionState,
  details: SessionStatus['details'],
  now: number,
): { message?: string | null } {
  if (state === 'failed') return { message: failureReason(session, now) };
  if (state === 'hibernated') return { message: notDeletedMessage(session) ?? hibernatedMessage(session) };
  const saving = savingMessage(session);
  if (saving !== undefined) return { message: saving };
  if (state !== 'starting') return {};
  const waiting = details.filter((step) => step.status !== 'ready').map((step) => step.step.toLowerCase());
  const waitsFor = waiting.length === 0 ? undefined : `The session is waiting for these steps: ${waiting.join(', ')}.`;
  const parts = [startFailure(session, now), buildProgress(session), waitsFor].filter((part) => part !== undefined);
  return { message: parts.length === 0 ? null : parts.join(' ') };
}

/** A launch of the session resumes it (launch/resume.ts). */
function hibernatedMessage({ hasVolume, savedWork }: Session): string {
  if (hasVolume) return 'The session is hibernated, and its files are kept. To resume it, launch it again.';
  const files = savedWork?.isVerified
    ? 'the repository is cloned again, with the work that was saved'
    : 'it starts without its former files';
  return `The session is hibernated. To resume it, launch it again. It has no volume, so ${files}.`;
}

function resources({ requested, pod }: Session): SessionResources {
  const usage = pod?.usage;
  return {
    requests: {
      ...(requested.cpu === undefined ? {} : { cpu: requested.cpu }),
      ...(requested.memoryBytes === undefined ? {} : { memory: formatBytes(requested.memoryBytes) }),
      ...(requested.storageBytes === undefined ? {} : { storage: formatBytes(requested.storageBytes) }),
      ...(requested.gpu > 0 ? { gpu: requested.gpu } : {}),
    },
    usage: {
      ...(usage?.cpuMillicores === undefined ? {} : { cpu: usage.cpuMillicores / 1000 }),
      ...(usage?.memoryBytes === undefined ? {} : { memory: formatBytes(usage.memoryBytes) }),
      ...(usage?.diskBytes === undefined ? {} : { storage: formatBytes(usage.diskBytes) }),
    },
  };
}
