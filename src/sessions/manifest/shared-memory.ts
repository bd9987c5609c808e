import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

const volume = 'shm';

/** Returns the volume of the shared memory. */
export const sharedMemoryVolume = (memoryBytes: number) => ({
  name: volume,
  emptyDir: { medium: 'Memory', sizeLimit: Math.floor(memoryBytes / 2) },
});

/**
 * Sets the size of the shared memory to half of the session's memory, because the default of 64 MB is too small for data
 * loaders with several processes. Used shared memory counts as memory of the session.
 */
export const sharedMemory = ({ resources }: ManifestInput): JsonPatch =>
  jsonPatch(
    add('/volumes/-', sharedMemoryVolume(resources.memoryBytes)),
    add(`/containers/${containerIndex.jupyterServer}/volumeMounts/-`, { name: volume, mountPath: '/dev/shm' }),
  );
