import { ownerKey } from '../../identity/owner.ts';
import type { Identity } from '../../identity/types.ts';
import { fullCommitId } from '../../jupyter-server/commit-id.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { LaunchTarget } from './launch-lookups.ts';
import { type LaunchRequest, type ProjectPath, projectPath } from './launch-request.ts';
import { sessionName } from './name.ts';

/** The branch of a launch that named none, in the release before and in 1.18.1. */
const formerDefaultBranch = 'master';

export interface FoundSession {
  readonly name: string;
  /** It is there. */
  readonly living: Session | undefined;
  /** The one of this name is being deleted. */
  readonly dying: Session | undefined;
  /** All of the owner's on the same branch, whatever their commit. */
  readonly ofBranch: readonly Session[];
}

/**
 * The session that a launch is about, among its owner's: by name, or, where it has another one, by what it is for.
 * Pure.
 */
export function findSession(
  own: readonly Session[],
  identity: Identity,
  request: LaunchRequest,
  target: LaunchTarget,
): FoundSession {
  const name = nameOf(identity, request.project, target);
  const ofBranch = own.filter(
    (session) => session.name === name || (isOfProject(session, request.project) && session.branch === target.branch),
  );
  const known = ofBranch.filter((session) => session.name === name || isOfCommit(session, request, target));
  return {
    name,
    ofBranch,
    living: known.find(isAlive),
    dying: known.find((session) => session.name === name && !isAlive(session)),
  };
}

export function nameOf(identity: Identity, project: ProjectPath, { branch, commit }: LaunchTarget): string {
  // An anonymous user's id must not be shown in a name, and says nothing to a reader.
  const user = identity.kind === 'anonymous' ? 'anon' : identity.username;
  return sessionName({ user, owner: ownerKey(identity), projectPath: project.path, branch, commit });
}

/** Every name that the session may have: the release before computed it from the name that the launch gave the commit. */
export function namesOf(identity: Identity, request: LaunchRequest, target: LaunchTarget): string[] {
  const former = { branch: target.branch, commit: request.commit };
  return [...new Set([target, former].map((each) => nameOf(identity, request.project, each)))];
}

/** A session without a known commit was launched by a name alone, by 1.18.1: the same name means it. */
export const isOfCommit = ({ commit }: Session, request: LaunchRequest, target: LaunchTarget): boolean =>
  commit.id === undefined ? commit.requested === request.commit : commit.id === target.commit;

/** The owner's living sessions that may turn out to be what the request is about, the newest first. */
export function candidates(own: readonly Session[], request: LaunchRequest): Session[] {
  return own
    .filter(
      (session) =>
        isAlive(session) &&
        isOfProject(session, request.project) &&
        (request.branch === undefined ? isOnDefaultBranch(session) : session.branch === request.branch),
    )
    .toSorted((one, other) => madeAt(other) - madeAt(one));
}

/** Whether the session was launched by the name of a commit that the request has; for when GitLab does not resolve it. */
export function wasLaunchedByName({ commit: { id, requested } }: Session, { commit }: LaunchRequest): boolean {
  const wanted = fullCommitId(commit);
  return wanted === undefined ? requested === commit : id === wanted;
}

export const isAlive = ({ isBeingDeleted }: Session): boolean => !isBeingDeleted;

const madeAt = ({ createdAt }: Session): number => Date.parse(createdAt ?? '') || 0;

const isOfProject = ({ project }: Session, wanted: ProjectPath): boolean =>
  projectPath(project.namespace, project.name)?.path === wanted.path;

const isOnDefaultBranch = ({ isDefaultBranch, branch }: Session): boolean =>
  isDefaultBranch ?? branch === formerDefaultBranch;
