import { ownerKey } from '../../identity/owner.ts';
import type { Identity } from '../../identity/types.ts';
import { isEnding } from '../../jupyter-server/agent.ts';
import { fullCommitId } from '../../jupyter-server/commit-id.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { LaunchTarget } from './launch-lookups.ts';
import { type LaunchRequest, type ProjectPath, projectPath } from './launch-request.ts';
import { sessionName } from './name.ts';

/** The default branch that the previous release and 1.18.1 assume for a launch without a branch. */
const formerDefaultBranch = 'master';

export interface FoundSession {
  /** The name that the session has or gets. */
  readonly name: string;
  readonly existing: Session | undefined;
  /** The former session of this name, which is being deleted. */
  readonly terminating: Session | undefined;
  /** All sessions of the owner on the same branch, of any commit. */
  readonly ofBranch: readonly Session[];
}

/** Finds the session of a launch among those of its owner: by its name or, for a session of another name, by its target. */
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
    existing: known.find(isAlive),
    terminating: known.find((session) => session.name === name && !isAlive(session)),
  };
}

/** Returns the name of the session that this user has for a project, branch and commit. */
export function nameOf(identity: Identity, project: ProjectPath, { branch, commit }: LaunchTarget): string {
  // The id of an anonymous user must not be shown.
  const user = identity.kind === 'anonymous' ? 'anon' : identity.username;
  return sessionName({ user, owner: ownerKey(identity), projectPath: project.path, branch, commit });
}

/** Returns every name that the session may have. The previous release computed it from the requested name of the commit. */
export function namesOf(identity: Identity, request: LaunchRequest, target: LaunchTarget): string[] {
  const former = { branch: target.branch, commit: request.commit };
  return [...new Set([target, former].map((each) => nameOf(identity, request.project, each)))];
}

/** Returns whether a session has the commit of a launch. 1.18.1 stored only the name by which a launch named the commit. */
export const isOfCommit = ({ commit }: Session, request: LaunchRequest, target: LaunchTarget): boolean =>
  commit.id === undefined ? commit.requested === request.commit : commit.id === target.commit;

/** Returns the owner's sessions that may be the session of a launch whose commit is not resolved yet, newest first. */
export function candidates(own: readonly Session[], request: LaunchRequest): Session[] {
  return own
    .filter(
      (session) =>
        isAlive(session) &&
        isOfProject(session, request.project) &&
        (request.branch === undefined ? isOnDefaultBranch(session) : session.branch === request.branch),
    )
    .toSorted((one, other) => createdAt(other) - createdAt(one));
}

/** Returns whether a launch named the commit of the session in the same way as this request. */
export function wasLaunchedByName({ commit: { id, requested } }: Session, { commit }: LaunchRequest): boolean {
  const wanted = fullCommitId(commit);
  return wanted === undefined ? requested === commit : id === wanted;
}

export const isAlive = (session: Session): boolean => !isEnding(session);

/** Returns milliseconds since the epoch; 0 if unknown. */
const createdAt = (session: Session): number => Date.parse(session.createdAt ?? '') || 0;

const isOfProject = ({ project }: Session, wanted: ProjectPath): boolean =>
  projectPath(project.namespace, project.name)?.path === wanted.path;

const isOnDefaultBranch = ({ isDefaultBranch, branch }: Session): boolean =>
  isDefaultBranch ?? branch === formerDefaultBranch;
