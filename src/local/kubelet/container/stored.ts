import { join } from 'node:path';
import type { ContainerState } from '../../../platform/kubernetes/objects.ts';
import { makeDirectory, readJson, writePrivateFile } from '../../machine/private-files.ts';
import type { PodDirectory } from '../pod/directory.ts';
import type { ImageOutcome } from './image-step.ts';

/** The state of a container that the kubelet stores on disk, in addition to the files that the shim writes for each run. */
export interface StoredContainer {
  /** The number of the current run, from 1; 0 before the first one. */
  attempt: number;
  /**
   * The number of the first run of the pod, or of the first run after a stop of the platform or a reboot. Later runs count as
   * restarts.
   */
  firstAttempt: number;
  /** The port of the pod's address on which this run listens. */
  port?: number;
  lastState?: ContainerState;
  /** The final state of an init container that has succeeded. */
  completed?: ContainerState;
  /** Set by the init container that provides the image. */
  image?: ImageOutcome;
}

const fileOf = (directory: PodDirectory, container: string): string =>
  join(directory.container(container), 'container.json');

export async function readStored(directory: PodDirectory, container: string): Promise<StoredContainer | undefined> {
  return await readJson<StoredContainer>(fileOf(directory, container));
}

export async function writeStored(directory: PodDirectory, container: string, stored: StoredContainer): Promise<void> {
  await makeDirectory(directory.container(container));
  await writePrivateFile(fileOf(directory, container), JSON.stringify(stored));
}
