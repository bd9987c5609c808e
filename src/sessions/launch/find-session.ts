import { ownerKey } from '../../identity/owner.ts';
import type { Identity } from '../../identity/types.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { commitOf, fullId, requestedRefOf } from './commit.ts';
import type { LaunchTarget } from './launch-lookups.ts';
import { type LaunchRequest, type ProjectPath, projectPath } from './launch-request.ts';
import { sessionName } from './name.ts';

/** The branch of a launch that named none, in the release before and in 1.18.1. */
const formerDefaultBranch = 'master';

export interface FoundSession {
  readonly name: string;
  /** It is there. */
  readonly living: JupyterServer | undefined;
  /** The one of this name is being deleted. */
  readonly dying: JupyterServer | undefined;
  /** All of the owner's on the same branch, whatever their commit. */
  readonly ofBranch: readonly JupyterServer[];
}

/**
 * The session that a launch is about, among its owner's: by name, or, where it has another one, by what it is for.
 * Pure.
 */
export function findSession(
  own: readonly JupyterServer[],
  identity: Identity,
  request: LaunchRequest,
  target: LaunchTarget,
): FoundSession {
  const name = nameOf(identity, request.project, target);
  const ofBranch = own.filter(
    (server) =>
      server.metadata.name === name || (isOfProject(server, request.project) && branchOf(server) === target.branch),
  );
  const known = ofBranch.filter((server) => server.metadata.name === name || isOfCommit(server, request, target));
  return {
    name,
    ofBranch,
    living: known.find(isAlive),
    dying: known.find((server) => server.metadata.name === name && !isAlive(server)),
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
export function isOfCommit(server: JupyterServer, request: LaunchRequest, target: LaunchTarget): boolean {
  const commit = commitOf(server);
  return commit === undefined ? requestedRefOf(server) === request.commit : commit === target.commit;
}

/** The owner's living sessions that may turn out to be what the request is about, the newest first. */
export function candidates(own: readonly JupyterServer[], request: LaunchRequest): JupyterServer[] {
  return own
    .filter(
      (server) =>
        isAlive(server) &&
        isOfProject(server, request.project) &&
        (request.branch === undefined ? isOnDefaultBranch(server) : branchOf(server) === request.branch),
    )
    .toSorted((one, other) => madeAt(other) - madeAt(one));
}

/** Whether the session was launched by the name of a commit that the request has; for when GitLab does not resolve it. */
export function wasLaunchedByName(server: JupyterServer, { commit }: LaunchRequest): boolean {
  const id = fullId(commit);
  return id === undefined ? requestedRefOf(server) === commit : commitOf(server) === id;
}

export const isAlive = ({ metadata }: JupyterServer): boolean => metadata.deletionTimestamp === undefined;

const branchOf = ({ metadata }: JupyterServer): string => metadata.annotations?.[annotation.branch] ?? '';

const madeAt = ({ metadata }: JupyterServer): number => Date.parse(metadata.creationTimestamp ?? '') || 0;

function isOfProject({ metadata: { annotations: about = {} } }: JupyterServer, project: ProjectPath): boolean {
  return projectPath(about[annotation.namespace] ?? '', about[annotation.projectName] ?? '')?.path === project.path;
}

function isOnDefaultBranch(server: JupyterServer): boolean {
  const told = server.metadata.annotations?.[annotation.defaultBranch];
  return told === undefined ? branchOf(server) === formerDefaultBranch : told === 'true';
}
