import type { Deadline } from '../deadline.ts';
import type { Identity } from '../identity/types.ts';

export type ImageCheck =
  | {
      exists: true;
      /** True when only the caller's credentials could see it: the session then needs a pull secret. */
      private: boolean;
      /** The image's working directory; null where the registry does not say. */
      workingDir: string | null;
    }
  | {
      exists: false;
      reason: 'not-found' | 'needs-login' | 'unreachable' | 'address-refused';
      /** For people: what happened and what to do. Holds no credential and no address of the inside. */
      message: string;
    };

/** Answers from the registry itself. Throws ApiError 1002 for a reference that cannot be parsed. */
export interface ImageChecker {
  check(reference: string, identity: Identity, deadline: Deadline): Promise<ImageCheck>;
}
