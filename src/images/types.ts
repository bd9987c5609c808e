import type { Identity } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';

export type ImageCheck =
  | {
      exists: true;
      /** True when only the caller's credentials could see it: the session then needs a pull secret. */
      private: boolean;
      /** `linux/amd64`; empty where the registry does not say. */
      platforms: readonly string[];
      /** Bytes to download for the platform that a session would get; null where the registry does not say. */
      size: number | null;
      /** The image's working directory; null where the registry does not say. */
      workingDir: string | null;
    }
  | {
      exists: false;
      /** `invalid-answer`: the registry is broken, lying, or none; the others say what they are. */
      reason: 'not-found' | 'needs-login' | 'unreachable' | 'invalid-answer' | 'address-refused';
      /** For people: what happened. Holds no credential, and no address that the caller did not name or cause. */
      message: string;
      /** What to do about it. */
      remedy: string;
    };

/** Answers from the registry itself. Throws ApiError 1002 for a reference that cannot be parsed. */
export interface ImageChecker {
  check(reference: string, identity: Identity, deadline: Deadline): Promise<ImageCheck>;
}
