import type { ContainerStatus, KubernetesObject, PodStatus } from '../../../src/platform/kubernetes/objects.ts';

interface Pod extends KubernetesObject {
  spec?: { initContainers?: { name: string }[]; containers?: { name: string }[] };
}

/** Returns the status that a kubelet reports for a pod whose containers are ready. */
export function readyStatus({ spec = {} }: Pod): PodStatus {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  const status = (name: string, state: ContainerStatus['state']) => ({
    ...{ name, image: 'i', imageID: 'i', ready: true, restartCount: 0 },
    ...(state ? { state } : {}),
  });
  return {
    phase: 'Running',
    startTime: now,
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True' })),
    initContainerStatuses: (spec.initContainers ?? []).map(({ name }) =>
      status(name, { terminated: { exitCode: 0, reason: 'Completed' } }),
    ),
    containerStatuses: (spec.containers ?? []).map(({ name }) => status(name, { running: { startedAt: now } })),
  };
}
