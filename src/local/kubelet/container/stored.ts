import type { ContainerState } from '../../../platform/kubernetes/objects.ts';
import type { ImageOutcome } from './image-step.ts';

/** What is kept of a container on disk, besides what its shim notes of each run. */
export interface StoredContainer {
  /** Runs are numbered; 0 is none. */
  attempt: number;
  /** The first run since the pod was made or the machine came up: the ones after it are restarts. */
  firstAttempt: number;
  /** The port of the pod's address on which this run listens. */
  port?: number;
  lastState?: ContainerState;
  /** An init container that has done its work. */
  completed?: ContainerState;
  /** Of the step that provides the image. */
  image?: ImageOutcome;
}
