import type { Logger } from 'pino';
import type { Cluster } from '../../cluster.ts';
import type { Images } from '../../images/types.ts';
import type { PythonEnvironment } from '../../python/types.ts';
import type { References } from '../container/environment-variables.ts';
import type { Pod } from '../types.ts';
import type { PodDirectory } from './directory.ts';

/** The parts and settings that all pods of this machine share. */
export interface Machine {
  readonly cluster: Cluster;
  /** Contains `pods/` and `volumes/`; only the owner can read it. */
  readonly stateDir: string;
  /** The default environment. Its Python also runs the shim of every process. */
  readonly environment: PythonEnvironment;
  /** Where programs are installed for sessions; undefined: none is installed. */
  readonly cacheDir?: string;
  readonly images: Images;
  /** The program of the `git-clone` container; it runs with the platform's Node.js. */
  readonly gitClone: string;
  /** Returns a token that may read the repository of this URL, if this machine's git server serves it. */
  readonly readToken?: (repositoryUrl: string) => string | undefined;
  /** Identifies this platform in the environment of every process that it starts. */
  readonly marker: string;
  /** The URL of the page that lists the user's sessions; undefined if there is none. */
  readonly pagesUrl?: string | undefined;
  /** Where the git proxies of sessions renew their tokens; undefined: at the address in the pod. */
  readonly gatewayUrl?: string | undefined;
  readonly log: Logger;
}

/** The parts of a pod that its containers use. */
export interface PodContext {
  readonly machine: Machine;
  readonly pod: Pod;
  readonly directory: PodDirectory;
  /** The pod's own loopback address, on which its containers listen. */
  readonly address: string;
  readonly references: References;
  /** The environment of the pod's image, set by the init container that provides the image. */
  readonly image: { provided?: PythonEnvironment };
  /** Returns the folder of each volume. The first call that succeeds creates the folders. */
  volumes(): Promise<ReadonlyMap<string, string>>;
  /** Writes the pod's status soon, after a change of a container's state. */
  report(): void;
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Resolves after the next change of an object that a container may wait for: a Secret, a ConfigMap or a claim. */
  changed(): Promise<unknown>;
}

/** A container cannot be started now. `reason` is the waiting reason that Kubernetes would report. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}
