import type { Config } from '../../config/types.ts';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import type { ImageCheck, ImageChecker } from '../../images/types.ts';
import type { Deadline } from '../../lib/deadline.ts';
import {
  type ChosenResources,
  chooseResources,
  type OfferedPools,
  type ResourceRequest,
} from '../../options/resource-classes.ts';
import type { GitLabCommit } from '../../platform/gitlab/types.ts';
import type { LaunchRequest } from './launch-request.ts';

/** Trouble is a value, so that all look-ups of a launch are waited for and reported together. */
export type Outcome<T> =
  | { readonly is: 'found'; readonly value: T }
  | { readonly is: 'missing'; readonly why: string }
  | { readonly is: 'trouble'; readonly error: ApiError };

export interface SessionImage {
  readonly reference: string;
  readonly workingDir: string | null;
  /** Seen only with the caller's own token. */
  readonly private: boolean;
  /** The project has no image for the commit. */
  readonly isFallback: boolean;
}

const found = <T>(value: T): Outcome<T> => ({ is: 'found', value });
const trouble = (error: ApiError): Outcome<never> => ({ is: 'trouble', error });

/** Outages, denials and invalid responses of GitLab are errors; only its own "not found" (undefined) is missing. */
export async function askGitLab<T>(lookup: Promise<T | undefined>, deadline: Deadline): Promise<Outcome<T>> {
  try {
    const value = await lookup;
    return value === undefined ? { is: 'missing', why: 'does not exist or you do not have access' } : found(value);
  } catch (cause) {
    const error = translateError(cause, { server: 'GitLab', deadline });
    if (!error) throw cause;
    return trouble(error);
  }
}

/** The resource class and the sizes, chosen from what this caller is offered. */
export async function askResources(
  offered: OfferedPools,
  identity: Identity,
  request: ResourceRequest,
  deadline: Deadline,
): Promise<Outcome<ChosenResources>> {
  try {
    return found(chooseResources(await offered(identity, deadline), request));
  } catch (error) {
    if (error instanceof ApiError) return trouble(error);
    throw error;
  }
}

/** An image that the caller names must be there. */
export async function requestedImage(
  images: ImageChecker,
  identity: Identity,
  reference: string,
  deadline: Deadline,
): Promise<Outcome<SessionImage>> {
  const checked = await askRegistry(images, identity, reference, deadline);
  if (checked.is === 'found') return found({ reference, ...checked.value, isFallback: false });
  if (checked.is === 'missing' || checked.error.kind !== errorKind.invalidImageReference) return checked;
  const { kind, message, detail } = checked.error;
  return trouble(
    new ApiError(kind, message, { detail, fields: [{ path: 'body.image', message }], cause: checked.error }),
  );
}

/**
 * The image that the project built for the commit; where it has none, the default one, unchecked. The tag is the
 * beginning of the commit's id: where the caller named the commit by its id, there is no need to wait for GitLab.
 */
export async function projectImage(
  images: ImageChecker,
  identity: Identity,
  request: LaunchRequest,
  commit: Promise<Outcome<GitLabCommit>>,
  config: Config,
  deadline: Deadline,
): Promise<Outcome<SessionImage>> {
  const fallback = found({
    reference: config.sessions.default_image,
    workingDir: null,
    private: false,
    isFallback: true,
  });
  const sha = /^[0-9a-f]{7,64}$/.test(request.commit) ? request.commit : await resolvedSha(commit);
  if (sha === undefined) return fallback;
  const reference = `${config.git.registry}/${request.project.path}:${sha.slice(0, 7)}`;
  const checked = await askRegistry(images, identity, reference, deadline);
  // A project's path may be no name for an image: then it cannot have one.
  if (checked.is === 'trouble' && checked.error.kind === errorKind.invalidImageReference) return fallback;
  if (checked.is === 'trouble') return checked;
  return checked.is === 'found' ? found({ reference, ...checked.value, isFallback: false }) : fallback;
}

async function resolvedSha(commit: Promise<Outcome<GitLabCommit>>): Promise<string | undefined> {
  const outcome = await commit;
  return outcome.is === 'found' ? outcome.value.sha : undefined;
}

/** What a registry says of an image that is there. */
type FoundImage = Pick<SessionImage, 'workingDir' | 'private'>;

async function askRegistry(
  images: ImageChecker,
  identity: Identity,
  reference: string,
  deadline: Deadline,
): Promise<Outcome<FoundImage>> {
  try {
    return outcomeOf(reference, await images.check(reference, identity, deadline));
  } catch (cause) {
    const error = translateError(cause, { server: `The registry of the image "${reference}"` });
    if (!error) throw cause;
    return trouble(error);
  }
}

function outcomeOf(reference: string, check: ImageCheck): Outcome<FoundImage> {
  if (check.exists) return found({ workingDir: check.workingDir, private: check.private });
  switch (check.reason) {
    case 'not-found':
    case 'needs-login':
      return { is: 'missing', why: `${check.message} ${check.remedy}` };
    case 'address-refused': {
      const fields = [{ path: 'body.image', message: check.message }];
      const options = { detail: `${check.message} ${check.remedy}`, fields };
      return trouble(
        new ApiError(errorKind.invalidInput, `The address of the image "${reference}" is not allowed.`, options),
      );
    }
    case 'unreachable':
    case 'invalid-answer': {
      const message = `The registry of the image "${reference}" did not give a usable response.`;
      return trouble(new ApiError(errorKind.intermittent, message, { detail: `${check.message} ${check.remedy}` }));
    }
  }
}
