import type { Identity } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';

export type ImageCheck =
  | {
      exists: true;
      /** The image is visible with the caller's credentials only: the session needs a pull secret. */
      private: boolean;
      /** `linux/amd64`; empty if the registry does not name them. */
      platforms: readonly string[];
      /** Bytes to download for the platform of a session; null if unknown. */
      size: number | null;
      /** The working directory of the image; null if unknown. */
      workingDir: string | null;
      /** How the image starts Jupyter by itself; null if it does not, or if it is unknown. Not in the response of the API. */
      jupyter: 'entrypoint' | 'lab' | null;
      /** Whether the entrypoint is known to run arguments as a command; null if unknown. Not in the response of the API. */
      runsArguments: boolean | null;
    }
  | {
      exists: false;
      /** `invalid-answer`: the registry is broken, sends wrong data, or is not a registry. */
      reason: 'not-found' | 'needs-login' | 'unreachable' | 'invalid-answer' | 'address-refused';
      /** A sentence for users: what happened. It names only hosts that the caller or the registry has named. */
      message: string;
      /** A sentence for users: what to do. */
      remedy: string;
    };

/** Checks images in their registries. */
export interface ImageChecker {
  /** Throws ApiError 1002 for an invalid reference, and the reason of a deadline that expires. */
  check(reference: string, identity: Identity, deadline: Deadline): Promise<ImageCheck>;
}
