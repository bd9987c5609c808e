import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

const volume = 'shm';

/**
 * Containers get 64 MB of shared memory, with which data loaders of several processes fail. Half of the session's memory
 * may be used so; what is, counts as the session's.
 */
export const sharedMemory = ({ resources }: ManifestInput): JsonPatch =>
  jsonPatch(
    add('/volumes/-', {
      name: volume,
      emptyDir: { medium: 'Memory', sizeLimit: Math.floor(resources.memoryBytes / 2) },
    }),
    add(`/containers/${containerIndex.jupyterServer}/volumeMounts/-`, { name: volume, mountPath: '/dev/shm' }),
  );
