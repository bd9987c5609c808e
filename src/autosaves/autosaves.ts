import { type TranslationContext, translateError } from '../error-translation.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { Identity, RegisteredUser } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import { type GitLab, type GitLabBranches, GitLabRefused, GitLabUnavailable } from '../platform/gitlab/types.ts';
import { autosavePrefix, parseAutosave } from '../session-contract/autosave.ts';
import { type OwnAutosave, ownAutosaves } from './own-autosaves.ts';

export type AutosaveGitLab = Pick<GitLab, 'project'> & GitLabBranches;

/**
 * The caller's autosaves in a project, newest first. Anonymous users have none, but must be able to see the project.
 * Throws ApiError 1404 for a project that is not there for the caller, and GitLab's errors.
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
 * Resolves when GitLab has deleted the branch. Throws ApiError 1404 (no such project, no such autosave, not the
 * caller's), 1403 (GitLab refuses) and 3000 (GitLab did not say whether it is deleted), and GitLab's errors.
 */
export async function deleteAutosave(
  gitlab: AutosaveGitLab,
  identity: Identity,
  project: string,
  name: string,
  deadline: Deadline,
): Promise<void> {
  const user = ownerOf(identity, name);
  if (!isPossiblePath(project)) throw noSuchProject(project);
  // Its number is what the deletion needs: GitLab redirects a project's former path for reads only.
  const found = await gitlab.project(user.git, project, deadline);
  if (!found) throw noSuchProject(project);
  const isDeleted = await confirmed(name, gitlab.deleteBranch(user.git, found.id, name, deadline));
  if (!isDeleted) {
    throw new ApiError(errorKind.missing, `There is no autosave ${name} in ${found.pathWithNamespace}.`, {
      detail:
        'It may have been deleted already, or brought back by a session. List the autosaves to see what there is.',
    });
  }
}

/** The caller, if the autosave is theirs by its name: nobody else's branches are touched, whoever may push to them. */
function ownerOf(identity: Identity, name: string): RegisteredUser {
  const autosave = parseAutosave(name);
  if (!autosave) {
    throw new ApiError(errorKind.missing, `${name} is not the name of an autosave.`, {
      detail: 'Autosaves are named renku/autosave/<user name>/<branch>/<7 characters of a commit>/<7 of another>.',
    });
  }
  if (identity.kind === 'registered' && autosave.username === identity.username) return identity;
  throw new ApiError(errorKind.missing, `The autosave ${name} is not yours.`, {
    detail:
      identity.kind === 'registered'
        ? `Autosaves carry the user name of whoever made them; yours begin with ${autosavePrefix(identity.username)}. If your user name has changed, delete older ones as branches in GitLab.`
        : 'Anonymous users have no autosaves. Sign in to see yours.',
  });
}

/** No path of a project is longer or has control characters, so GitLab need not be asked. */
const isPossiblePath = (project: string): boolean => project.length <= 1024 && !/\p{Cc}/u.test(project);

function noSuchProject(project: string): ApiError {
  return new ApiError(
    errorKind.missing,
    `There is no project ${project.slice(0, 1024)} whose repository you can read.`,
  );
}

async function confirmed(name: string, deletion: Promise<boolean>): Promise<boolean> {
  try {
    return await deletion;
  } catch (error) {
    throw translateError(error, deletionContext(name, error)) ?? error;
  }
}

/** Only some errors say something about the deletion; GitLab's rejection of a token does not. */
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
