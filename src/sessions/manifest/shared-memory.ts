import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

const volume = 'shm';

/**
 * The default of 64 MB of shared memory is too small for data loaders with several processes. Up to half of the session's
 * memory may be shared memory, which counts as the session's memory.
 */
export const sharedMemory = ({ resources }: ManifestInput): JsonPatch =>
  jsonPatch(
    add('/volumes/-', {
      name: volume,
      emptyDir: { medium: 'Memory', sizeLimit: Math.floor(resources.memoryBytes / 2) },
    }),
    add(`/containers/${containerIndex.jupyterServer}/volumeMounts/-`, { name: volume, mountPath: '/dev/shm' }),
  );
