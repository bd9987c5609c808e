import type { LaunchConfig } from '../../config/types.ts';
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

/** The result of one lookup. A failure is a value and not thrown, so that a launch can report all of them together. */
export type LookupResult<T> =
  | { readonly is: 'found'; readonly value: T }
  | { readonly is: 'missing'; readonly reason: string }
  | { readonly is: 'failed'; readonly error: ApiError };

export interface SessionImage {
  readonly reference: string;
  readonly workingDir: string | null;
  /** How the image starts Jupyter by itself; null if it does not, or if it is unknown. */
  readonly jupyter: 'entrypoint' | 'lab' | null;
  /** Whether the entrypoint is known to run arguments as a command; null if unknown. */
  readonly runsArguments: boolean | null;
  /** The registry shows it only with the caller's own token. */
  readonly private: boolean;
  /** It is the default image, because the project has no image for the commit. */
  readonly isFallback: boolean;
}

const found = <T>(value: T): LookupResult<T> => ({ is: 'found', value });
const failed = (error: ApiError): LookupResult<never> => ({ is: 'failed', error });

/** Returns the result of a call to GitLab. Only GitLab's own "not found" (undefined) counts as missing. */
export async function lookUpInGitLab<T>(call: Promise<T | undefined>, deadline: Deadline): Promise<LookupResult<T>> {
  try {
    const value = await call;
    return value === undefined ? { is: 'missing', reason: 'does not exist or you do not have access' } : found(value);
  } catch (cause) {
    const error = translateError(cause, { server: 'GitLab', deadline });
    if (!error) throw cause;
    return failed(error);
  }
}

/** Returns the resource class and the sizes, chosen from those that the platform offers to this caller. */
export async function lookUpResources(
  offered: OfferedPools,
  identity: Identity,
  request: ResourceRequest,
  deadline: Deadline,
): Promise<LookupResult<ChosenResources>> {
  try {
    return found(chooseResources(await offered(identity, deadline), request));
  } catch (error) {
    if (error instanceof ApiError) return failed(error);
    throw error;
  }
}

/** Returns the image that the launch names. */
export async function lookUpRequestedImage(
  images: ImageChecker,
  identity: Identity,
  reference: string,
  deadline: Deadline,
): Promise<LookupResult<SessionImage>> {
  const result = await lookUpInRegistry(images, identity, reference, deadline);
  if (result.is === 'found') return found({ reference, ...result.value, isFallback: false });
  if (result.is === 'missing' || result.error.kind !== errorKind.invalidImageReference) return result;
  const { kind, message, detail } = result.error;
  return failed(
    new ApiError(kind, message, { detail, fields: [{ path: 'body.image', message }], cause: result.error }),
  );
}

/**
 * Returns the image that the project built for the commit or, if there is none, the default image, whose existence is not
 * checked. The tag is the beginning of the commit's id, so a launch that names the id does not wait for GitLab.
 */
export async function lookUpProjectImage(
  images: ImageChecker,
  identity: Identity,
  request: LaunchRequest,
  commit: Promise<LookupResult<GitLabCommit>>,
  config: LaunchConfig,
  deadline: Deadline,
): Promise<LookupResult<SessionImage>> {
  const fallback = found({
    reference: config.sessions.default_image,
    workingDir: null,
    jupyter: null,
    runsArguments: null,
    private: false,
    isFallback: true,
  });
  const sha = /^[0-9a-f]{7,64}$/.test(request.commit) ? request.commit : await resolvedSha(commit);
  if (sha === undefined) return fallback;
  const reference = `${config.git.registry}/${request.project.path}:${sha.slice(0, 7)}`;
  const result = await lookUpInRegistry(images, identity, reference, deadline);
  if (result.is === 'found') return found({ reference, ...result.value, isFallback: false });
  // A project whose path is not a valid image name has no image.
  return result.is === 'missing' || result.error.kind === errorKind.invalidImageReference ? fallback : result;
}

async function resolvedSha(commit: Promise<LookupResult<GitLabCommit>>): Promise<string | undefined> {
  const result = await commit;
  return result.is === 'found' ? result.value.sha : undefined;
}

/** The facts that a registry gives about an image. */
type FoundImage = Pick<SessionImage, 'workingDir' | 'jupyter' | 'runsArguments' | 'private'>;

async function lookUpInRegistry(
  images: ImageChecker,
  identity: Identity,
  reference: string,
  deadline: Deadline,
): Promise<LookupResult<FoundImage>> {
  try {
    return resultOf(reference, await images.check(reference, identity, deadline));
  } catch (cause) {
    const error = translateError(cause, { server: `The registry of the image "${reference}"` });
    if (!error) throw cause;
    return failed(error);
  }
}

function resultOf(reference: string, check: ImageCheck): LookupResult<FoundImage> {
  if (check.exists) {
    const { workingDir, jupyter, runsArguments } = check;
    return found({ workingDir, jupyter, runsArguments, private: check.private });
  }
  const detail = `${check.message} ${check.remedy}`;
  switch (check.reason) {
    case 'not-found':
    case 'needs-login':
      return { is: 'missing', reason: detail };
    case 'address-refused': {
      const fields = [{ path: 'body.image', message: check.message }];
      const message = `The address of the image "${reference}" is not allowed.`;
      return failed(new ApiError(errorKind.invalidInput, message, { detail, fields }));
    }
    case 'unreachable':
    case 'invalid-answer': {
      const message = `The registry of the image "${reference}" did not give a usable response.`;
      return failed(new ApiError(errorKind.intermittent, message, { detail }));
    }
  }
}
