import { type TranslationContext, translateError } from '../error-translation.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { Identity, RegisteredUser } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import {
  type GitLab,
  type GitLabBranches,
  type GitLabComparison,
  type GitLabComparisons,
  GitLabRefused,
  GitLabUnavailable,
} from '../platform/gitlab/types.ts';
import { type Autosave, autosavePrefix, parseAutosave } from '../session-contract/autosave.ts';
import { type OwnAutosave, ownAutosaves } from './own-autosaves.ts';

export type AutosaveGitLab = Pick<GitLab, 'project'> & GitLabBranches & GitLabComparisons;

/**
 * Returns the caller's autosaves in a project, newest first. Anonymous users have none, but must be able to see the
 * project. Throws ApiError 1404 for a project that the caller cannot see, and GitLab's errors.
 */
export async function listAutosaves(
  gitlab: AutosaveGitLab,
  identity: Identity,
  project: string,
  deadline: Deadline,
): Promise<OwnAutosave[]> {
  if (!isPossiblePath(project)) throw noSuchProject(project);
  if (identity.kind === 'registered') {
    const autosaves = await ownAutosaves(gitlab, identity, project, deadline);
    if (!autosaves) throw noSuchProject(project);
    return autosaves;
  }
  if (!(await gitlab.project(identity.git, project, deadline))) throw noSuchProject(project);
  return [];
}

/**
 * Returns what an autosave of the caller has and the commit of its launch has not, with one request to GitLab. Throws ApiError 1404
 * (no such project or autosave, or not the caller's), and GitLab's errors.
 */
export async function compareAutosave(
  gitlab: AutosaveGitLab,
  identity: Identity,
  project: string,
  name: string,
  deadline: Deadline,
): Promise<{ autosave: Autosave; comparison: GitLabComparison }> {
  const { user, autosave } = ownerOf(identity, name);
  if (!isPossiblePath(project)) throw noSuchProject(project);
  const refs = { from: autosave.rootCommit, to: name };
  const comparison = await gitlab.compare(user.git, project, refs, deadline);
  if (comparison) return { autosave, comparison };
  throw noSuchAutosave(name, project);
}

/**
 * Deletes an autosave of the caller. Throws ApiError 1404 (no such project or autosave, or not the caller's), 1403 (GitLab
 * denies the deletion) and 3000 (GitLab did not confirm the deletion), and GitLab's errors.
 */
export async function deleteAutosave(
  gitlab: AutosaveGitLab,
  identity: Identity,
  project: string,
  name: string,
  deadline: Deadline,
): Promise<void> {
  const { user } = ownerOf(identity, name);
  if (!isPossiblePath(project)) throw noSuchProject(project);
  // The deletion needs the project's id, because GitLab redirects a former path of a project for reads only.
  const found = await gitlab.project(user.git, project, deadline);
  if (!found) throw noSuchProject(project);
  const isDeleted = await confirmed(name, gitlab.deleteBranch(user.git, found.id, name, deadline));
  if (!isDeleted) {
    throw noSuchAutosave(name, found.pathWithNamespace);
  }
}

const noSuchAutosave = (name: string, project: string): ApiError =>
  new ApiError(errorKind.missing, `There is no autosave ${name} in ${project.slice(0, 1024)}, or you have no access.`, {
    detail: 'It may have been deleted or restored by a session. List the autosaves to check.',
  });

/** Returns the caller and the parts of the name, if it has their user name. Throws ApiError 1404 otherwise. */
function ownerOf(identity: Identity, name: string): { user: RegisteredUser; autosave: Autosave } {
  const autosave = parseAutosave(name);
  if (!autosave) {
    throw new ApiError(errorKind.missing, `${name} is not the name of an autosave.`, {
      detail: 'Autosaves are named renku/autosave/<user name>/<branch>/<7 characters of a commit>/<7 of another>.',
    });
  }
  if (identity.kind === 'registered' && autosave.username === identity.username) return { user: identity, autosave };
  throw new ApiError(errorKind.missing, `The autosave ${name} is not yours.`, {
    detail:
      identity.kind === 'registered'
        ? `The name of an autosave contains the user name of its owner; yours start with ${autosavePrefix(identity.username)}. If your user name has changed, delete older autosaves as branches in GitLab.`
        : 'Anonymous users have no autosaves. Sign in to see yours.',
  });
}

/** Returns whether a project can have this path; saves calls to GitLab. */
const isPossiblePath = (project: string): boolean => project.length <= 1024 && !/\p{Cc}/u.test(project);

function noSuchProject(project: string): ApiError {
  return new ApiError(
    errorKind.missing,
    `There is no project ${project.slice(0, 1024)}, or you cannot read its repository.`,
  );
}

async function confirmed(name: string, deletion: Promise<boolean>): Promise<boolean> {
  try {
    return await deletion;
  } catch (error) {
    throw translateError(error, deletionContext(name, error)) ?? error;
  }
}

/** Returns a message about the deletion. Other errors, such as a rejected token, keep their own message. */
function deletionContext(name: string, error: unknown): TranslationContext {
  if (error instanceof GitLabRefused) {
    return {
      message: `GitLab does not allow you to delete the autosave ${name}.`,
      advice: 'You need the Developer role, and a branch that is not protected. A maintainer of the project can help.',
    };
  }
  if (error instanceof GitLabUnavailable) {
    return {
      message: `GitLab did not confirm that the autosave ${name} was deleted.`,
      advice: 'It may be deleted or not. List the autosaves to check, then try again.',
    };
  }
  return {};
}
