import { writeCullingNotice } from '../jupyter-server/culling-notice.ts';
import { inSeconds } from '../jupyter-server/hibernation.ts';
import { annotation } from '../jupyter-server/labels.ts';
import type { JupyterServer, JupyterServerStatus } from '../jupyter-server/types.ts';
import { isObject } from '../lib/json.ts';
import type { CullingDecision } from './culling/decide.ts';
import { statusPatch } from './status.ts';

/**
 * Minimum times between two writes of a session's status, in milliseconds. While a session starts, its pod changes more than
 * twenty times; each write sends an event to all watches of sessions.
 */
const delay = {
  /** Changes that people see: the steps of the start, and messages, many of which a cluster takes back after a second. */
  step: 3_000,
  /** Changes that only complete the copy of the pod's status. */
  detail: 10_000,
} as const;

/** Fields whose changes are written immediately. */
const urgent: readonly string[] = ['state', 'create_fn', 'failedSince', 'stoppedPod'];

/** Fields whose changes people see. */
const steps: readonly string[] = ['containerStates', 'events', 'save'];

/** Returns the merge patch of the JupyterServer's status and annotations; undefined without a change. Pure. */
export function sessionPatch(
  server: JupyterServer,
  desired: JupyterServerStatus,
  decision: CullingDecision,
  now: Date,
): { status?: object; metadata?: { annotations: Record<string, string | null> } } | undefined {
  const status = statusPatch(server.status, desired);
  const annotations = changedAnnotations(server, desired, decision, now);
  if (!status && !annotations) return undefined;
  return { ...(status ? { status } : {}), ...(annotations ? { metadata: { annotations } } : {}) };
}

function changedAnnotations(
  { metadata }: JupyterServer,
  { state }: JupyterServerStatus,
  { notice, idleSince, isPending }: CullingDecision,
  now: Date,
): Record<string, string | null> | undefined {
  if (isPending && !notice) return undefined;
  const current = metadata.annotations ?? {};
  const known = current[annotation.lastActivityDate] ?? '';
  const idle = idleSince === undefined ? '' : inSeconds(new Date(idleSince));
  const wanted: Record<string, string | null> = {
    [annotation.lastActivityDate]: !isPending && (state === 'running' || state === 'hibernated') ? idle : known,
    [annotation.culling]: notice ? writeCullingNotice(notice) : null,
    // The date is missing if the session was hibernated with kubectl.
    ...(state === 'hibernated' && !current[annotation.hibernationDate]
      ? { [annotation.hibernationDate]: inSeconds(now) }
      : {}),
  };
  const changed = Object.entries(wanted).filter(([name, value]) => (current[name] || null) !== (value || null));
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

/**
 * Returns the milliseconds to wait before the patch is written, so that several changes become one write. Pure.
 * @param sinceLast milliseconds since the last write for this session
 * @param canWait whether other work is more urgent than the steps of this session
 */
export function writeDelay(patch: { status?: object; metadata?: object }, sinceLast: number, canWait = false): number {
  const status = isObject(patch.status) ? patch.status : {};
  if (patch.metadata !== undefined || urgent.some((field) => Object.hasOwn(status, field))) return 0;
  const isOtherPod = isObject(status['mainPod']) && Object.hasOwn(status['mainPod'], 'uid');
  const isStep = isOtherPod || steps.some((field) => Object.hasOwn(status, field));
  const minimum = isStep && !canWait ? delay.step : delay.detail;
  return Math.max(0, minimum - sinceLast);
}
