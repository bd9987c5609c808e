import type { Logger } from 'pino';
import type { Cluster } from '../../cluster.ts';
import type { PythonEnvironment } from '../../python/types.ts';
import type { References } from '../container/environment-variables.ts';
import type { Pod } from '../types.ts';
import type { PodDirectory } from './directory.ts';

/** What runs an image. */
export interface ProvidedImage {
  readonly environment: PythonEnvironment;
  /** What is not as the image's project asked for, and why: for the session's owner. */
  readonly warning?: string;
}

/** What this machine can run, by image reference. A Map is one. */
export interface Images {
  get(reference: string): PythonEnvironment | undefined;
  /** The references to tell of when another is asked for. */
  keys(): Iterable<string>;
  /** What runs an image that is built when it is needed, or how it is built; undefined: there is no such image. */
  find?(reference: string, signal: AbortSignal): Promise<ProvidedImage | ImageBuild | undefined>;
}

export interface ImageBuild {
  /** Builds it: `progress` gets what is done, line by line. Rejects when `signal` aborts. */
  build(progress: (line: string) => void, signal: AbortSignal): Promise<ProvidedImage>;
}

/** What all pods of this machine share. */
export interface Machine {
  readonly cluster: Cluster;
  readonly stateDir: string;
  /** Runs what is not of an image: the shim of every process. */
  readonly environment: PythonEnvironment;
  readonly images: Images;
  /** The program of the `git-clone` container, run by this Node. */
  readonly gitClone: string;
  /** A token that reads the repository of that address, where this machine's git server has it. */
  readonly readToken?: (repositoryUrl: string) => string | undefined;
  /** Names this platform in the environment of every process it starts. */
  readonly marker: string;
  /** Where people see their sessions; undefined: nowhere. */
  readonly pagesUrl?: string | undefined;
  readonly log: Logger;
}

/** What a container knows of its pod. */
export interface PodContext {
  readonly machine: Machine;
  readonly pod: Pod;
  readonly directory: PodDirectory;
  readonly references: References;
  /** The pod's own loopback address, on which its containers listen. */
  readonly address: string;
  /** What runs the pod's image, once the step that provides it has said so. */
  readonly image: { provided?: PythonEnvironment };
  /** Each volume's folder; made at the first call that succeeds. */
  volumes(): Promise<ReadonlyMap<string, string>>;
  /** A container's state has changed. */
  report(): void;
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Resolves when something that a container may wait for (a Secret, a ConfigMap, a claim) has changed. */
  changed(): Promise<void>;
}

/** A container cannot be started now: `reason` is what Kubernetes would show for it. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}
