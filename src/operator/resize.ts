import { asObject } from '../lib/json.ts';
import type { Child } from './child.ts';
import type { MainPod } from './pod.ts';

/**
 * Returns whether Kubernetes never replaces the pod, although the template of its StatefulSet has changed: with the policy
 * OrderedReady of Amalthea's StatefulSets, Kubernetes replaces only pods that are ready. Pure.
 */
export function isStuck(pod: MainPod, { statefulSet }: Child): boolean {
  if (!statefulSet || statefulSet.parallel || pod.terminating) return false;
  const { generation, observedGeneration, updateRevision } = statefulSet;
  const isCurrent = generation === observedGeneration && updateRevision !== undefined;
  const isReady = pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  return isCurrent && pod.revision !== undefined && pod.revision !== updateRevision && !isReady;
}

/**
 * Returns the JSON patch that changes what a resource class determines in the pod template of an existing StatefulSet, besides the
 * resources: the priority class and the sizes of its emptyDirs, such as the shared memory. The rest of the template stays, because
 * another version of the operator may have created it. Pure.
 * @param live the StatefulSet in the cluster
 * @param wanted the StatefulSet that the operator would create now
 */
export function templateOperations(live: unknown, wanted: unknown): object[] {
  const path = '/spec/template/spec';
  const wantedPod = podSpec(wanted);
  const wantedVolumes = volumesOf(wantedPod);
  const volumes = volumesOf(podSpec(live)).flatMap((volume, index) => {
    const same = wantedVolumes.find((each) => each['name'] === volume['name']);
    if (!volume['emptyDir'] || !same?.['emptyDir']) return [];
    const at = `${path}/volumes/${index}`;
    return [
      { op: 'test', path: `${at}/name`, value: volume['name'] },
      { op: 'replace', path: at, value: same },
    ];
  });
  // An empty name is none. Removing a field that does not exist would be an error.
  const priority = wantedPod['priorityClassName'] ?? '';
  return [{ op: 'add', path: `${path}/priorityClassName`, value: priority }, ...volumes];
}

const podSpec = (set: unknown): Record<string, unknown> =>
  asObject(asObject(asObject(asObject(set)?.['spec'])?.['template'])?.['spec']) ?? {};

function volumesOf({ volumes }: Record<string, unknown>): Record<string, unknown>[] {
  const list: unknown[] = Array.isArray(volumes) ? volumes : [];
  return list.map((volume) => asObject(volume) ?? {});
}
