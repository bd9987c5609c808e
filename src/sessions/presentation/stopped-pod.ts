import type { Session } from '../../jupyter-server/session.ts';
import type { StoppedPod } from '../../jupyter-server/types.ts';
import { oneLine } from '../../platform/kubernetes/failures.ts';

/** Causes by the reason of the condition DisruptionTarget, of an event, or of the operator (`StoppedPod.reason`). */
const causes: Readonly<Record<string, string>> = {
  EvictionByEvictionAPI: 'the machine that it ran on was being emptied, for example for maintenance',
  PreemptionByScheduler: 'a session or program with a higher priority needed its place',
  Preempted: 'a session or program with a higher priority needed its place',
  DeletionByTaintManager: 'the machine that it ran on did not respond, or was taken out of service',
  TaintManagerEviction: 'the machine that it ran on did not respond, or was taken out of service',
  DeletionByPodGC: 'the machine that it ran on no longer exists',
  Terminated: 'the machine that it ran on was shut down',
  NodeShutdown: 'the machine that it ran on was shut down',
  Deleted: 'its pod was deleted',
};

/** Patterns of the kubelet's messages about an eviction, with their causes and what the owner can do. */
const evictions: readonly [pattern: RegExp, cause: (match: RegExpMatchArray) => string, remedy: string][] = [
  [
    /^Usage of EmptyDir volume "([^"]+)" exceeds the limit "([^"]+)"/,
    ([, volume, limit]) =>
      volume === 'workspace'
        ? `its files took more than the storage that it was given (${limit})`
        : `its volume ${volume} was larger than allowed (${limit})`,
    'Launch it again with more storage, or keep fewer files in it.',
  ],
  [
    /ephemeral local storage (?:usage exceeds|limit)/,
    () => 'it wrote more files to the disk of the machine than allowed',
    'Launch it again with more storage, or keep fewer files in it.',
  ],
  [
    /^The node was low on resource: (\S+?)\./,
    ([, resource]) => `the machine that it ran on was low on ${resource === 'memory' ? 'memory' : 'disk space'}`,
    'Launch it again with more of it if your work needs more than the session was given.',
  ],
];

/** Returns a clause for "because ...", and what the owner can do against it; empty if nothing. */
export function causeOf({ reason, message = '' }: Pick<StoppedPod, 'reason' | 'message'>): [string, string] {
  for (const [pattern, cause, remedy] of evictions) {
    const match = pattern.exec(message);
    if (match) return [cause(match), remedy];
  }
  const known = Object.hasOwn(causes, reason) ? causes[reason] : undefined;
  if (known !== undefined) return [known, ''];
  const quote = [reason === 'Unknown' ? '' : oneLine(reason, 60), oneLine(message, 300).replace(/[.\s]+$/, '')];
  const words = quote.filter((each) => each !== '').join(': ');
  return [words === '' ? 'of a reason that it does not report' : `of this reason: ${words}`, ''];
}

/**
 * Returns the warning about a pod that the cluster stopped; undefined if there was none, or the owner has started the session again
 * since.
 */
export function stoppedPodWarning({ stoppedPod, restart, hasVolume, agentSecret }: Session): string | undefined {
  if (!stoppedPod || Date.parse(restart?.at ?? '') >= Date.parse(stoppedPod.at)) return undefined;
  const [cause, remedy] = causeOf(stoppedPod);
  // An agent saves the work at the end of the pod if there is time.
  const missing = agentSecret === undefined ? 'not pushed' : 'neither pushed nor saved';
  const loss = hasVolume ? 'Its files were kept; what ran in it was lost.' : `What was ${missing} is lost.`;
  const at = new Date(stoppedPod.at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
  return [`The session was stopped by the cluster at ${at} because ${cause}. ${loss}`, remedy]
    .filter(Boolean)
    .join(' ');
}
