import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { AutosaveCleanUp } from '../autosaves/types.ts';
import { Deadline } from '../deadline.ts';
import { ApiError, errorKind } from '../errors.ts';
import { ownerKey } from '../identity/owner.ts';
import type { Identity } from '../identity/types.ts';
import { annotation } from '../jupyter-server/labels.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { type ConcurrencyLimit, createConcurrencyLimit, LimitReached } from '../lib/concurrency-limit.ts';
import { type CheckedLaunch, type CheckParts, checkedLaunch, lookUpLaunch } from './checks.ts';
import { createOnce, type Launched, waitUntilGone } from './create-once.ts';
import { type Credentials, CredentialsRefused } from './credentials.ts';
import { kubernetesTrouble } from './kubernetes-trouble.ts';
import { type LaunchRequest, projectPath } from './launch-request.ts';
import { buildJupyterServer } from './manifest/build.ts';
import { manifestInput } from './manifest/from-launch.ts';
import { sessionName } from './name.ts';
import { owns } from './ownership.ts';
import type { SessionStore } from './store.ts';

export interface LaunchParts extends CheckParts {
  readonly store: SessionStore;
  readonly credentials: Credentials;
  readonly autosaves: Pick<AutosaveCleanUp, 'afterLaunch'>;
  readonly launchLimit: ConcurrencyLimit;
  readonly log: Logger;
}

/** Different sessions that one user may launch or try at the same time; each costs GitLab and a registry a few calls. */
const launchesAtOnce = 20;

/** One for launches and dry runs: they cost the same. */
export const createLaunchLimit = (): ConcurrencyLimit => createConcurrencyLimit({ perOwner: launchesAtOnce });

/** Runs `work` as one of the owner's launches. Throws ApiError 1429 when there are too many. */
export async function withLaunchPermit<Result>(
  limit: ConcurrencyLimit,
  identity: Identity,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await limit.run(ownerKey(identity), work);
  } catch (cause) {
    if (!(cause instanceof LimitReached)) throw cause;
    const message = `You have ${cause.running} launches or dry runs in progress already.`;
    throw new ApiError(errorKind.tooManyRequests, message, { cause });
  }
}

/** Launches the session of this caller for a project, branch and commit, or finds it. Throws ApiError. */
export type Launch = (identity: Identity, request: LaunchRequest, deadline: Deadline) => Promise<Launched>;

/**
 * The way of a launch:
 * 1. a living session of this owner, project, branch and commit is the answer; in the cache it costs no call;
 * 2. otherwise, at the same time: is it there but unknown to the cache? project, branch, commit, image, resources;
 * 3. the object is made, exactly once (`createOnce`), and then its Secret (`Credentials`).
 * Identical launches at the same time in this process are one launch; one of them is told that it is new. A launch
 * goes on when its caller goes away, so that what was begun is completed.
 */
export function createLaunch(parts: LaunchParts): Launch {
  const flights = new Map<string, Promise<Launched>>();
  return async (identity, request, deadline) => {
    const key = flightKey(identity, request);
    const underWay = flights.get(key);
    if (underWay) return { ...(await underWay), isNew: false };
    const flight = withLaunchPermit(parts.launchLimit, identity, () =>
      launch(parts, identity, request, Deadline.after(deadline.remaining())),
    );
    flights.set(key, flight);
    try {
      return await flight;
    } finally {
      flights.delete(key);
    }
  };
}

/** Who asks, with which credentials, for what. Hashed, because credentials are nothing to keep as a key. */
function flightKey(identity: Identity, request: LaunchRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([ownerKey(identity), identity.git, request]))
    .digest('base64');
}

async function launch(
  parts: LaunchParts,
  identity: Identity,
  request: LaunchRequest,
  deadline: Deadline,
): Promise<Launched> {
  const own = await parts.store.list(identity, deadline);
  const { name, living, dying, ofBranch } = findSession(own, identity, request);
  if (living) return repaired(parts, identity, request, living, deadline);

  const prepared = await prepare(parts, identity, request, name, dying, deadline);
  if ('living' in prepared) return repaired(parts, identity, request, prepared.living, deadline);

  const input = manifestInput(name, identity, request, prepared.checked, {
    launchId: randomUUID(),
    sessionToken: randomBytes(32).toString('base64url'),
  });
  const manifest = buildJupyterServer(input, parts.config);
  const launched = await createOnce(parts.store, identity, manifest, deadline);
  if (!launched.isNew) return repaired(parts, identity, request, launched.server, deadline);
  await storeCredentials(parts, identity, request, launched.server, deadline);
  parts.log.info({ session: name, namespace: launched.server.metadata.namespace }, 'session launched');
  if (identity.kind === 'registered' && input.repository.mayPush) {
    parts.autosaves.afterLaunch({
      name,
      user: identity,
      projectId: prepared.checked.project.id,
      branch: request.branch,
      commitSha: prepared.checked.commitSha,
      commitsInUse: ofBranch.map(commitOf),
    });
  }
  return launched;
}

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
 * The session that a launch is about, among its owner's: by name, or, where the original made it, by what it is for.
 * Pure.
 */
export function findSession(own: readonly JupyterServer[], identity: Identity, request: LaunchRequest): FoundSession {
  const name = nameOf(identity, request);
  const ofBranch = sessionsOfBranch(own, name, request);
  const known = ofBranch.filter((server) => server.metadata.name === name || commitOf(server) === request.commit);
  return {
    name,
    ofBranch,
    living: known.find((server) => server.metadata.deletionTimestamp === undefined),
    dying: known.find((server) => server.metadata.name === name && server.metadata.deletionTimestamp !== undefined),
  };
}

function nameOf(identity: Identity, { project, branch, commit }: LaunchRequest): string {
  // An anonymous user's id is nothing to show in a name, and means nothing to anybody.
  const user = identity.kind === 'anonymous' ? 'anon' : identity.username;
  return sessionName({ user, owner: ownerKey(identity), projectPath: project.path, branch, commit });
}

/** Those of the owner's sessions that are on this branch: by name, or, where the original made them, by what they are for. */
function sessionsOfBranch(own: readonly JupyterServer[], name: string, request: LaunchRequest): JupyterServer[] {
  return own.filter(({ metadata }) => {
    const about = metadata.annotations ?? {};
    return (
      metadata.name === name ||
      (projectPath(about[annotation.namespace] ?? '', about[annotation.projectName] ?? '')?.path ===
        request.project.path &&
        about[annotation.branch] === request.branch)
    );
  });
}

/** As the launch named it. */
function commitOf({ metadata }: JupyterServer): string {
  return metadata.annotations?.[annotation.commitSha] ?? '';
}

type Prepared = { readonly living: JupyterServer } | { readonly checked: CheckedLaunch };

/**
 * Everything that must be so before the object can be made, all at once. A session that another replica has just made
 * ends the checks; one that is being deleted is waited for meanwhile.
 */
async function prepare(
  parts: LaunchParts,
  identity: Identity,
  request: LaunchRequest,
  name: string,
  dying: JupyterServer | undefined,
  deadline: Deadline,
): Promise<Prepared> {
  const needless = new AbortController();
  const lookedUp = lookUpLaunch(parts, identity, request, Deadline.after(deadline.remaining(), needless.signal));
  const checks = lookedUp.then((findings) => checkedLaunch(findings, request));
  // Waited for below, unless something ends the launch first: then nobody is left to hear of its failure.
  checks.catch(() => undefined);
  try {
    const found = dying ?? (await readLive(parts.store, name, deadline));
    const isDying = found?.metadata.deletionTimestamp !== undefined;
    if (found && !isDying && owns(identity, found)) return { living: found };
    const [checked] = await Promise.all([checks, isDying ? waitUntilGone(parts.store, found, deadline) : undefined]);
    return { checked };
  } finally {
    needless.abort();
  }
}

/** Throws ApiError. */
export async function readLive(
  store: SessionStore,
  name: string,
  deadline: Deadline,
): Promise<JupyterServer | undefined> {
  try {
    return await store.read(name, deadline);
  } catch (error) {
    throw kubernetesTrouble(error, 'The session could not be launched.');
  }
}

/** A session that is there. Where its launch may have been cut short, it is completed. */
async function repaired(
  { credentials }: LaunchParts,
  identity: Identity,
  request: LaunchRequest,
  server: JupyterServer,
  deadline: Deadline,
): Promise<Launched> {
  if (credentials.mayBeMissing(server)) {
    await credentials.store(server, identity, request, deadline);
  }
  return { server, isNew: false };
}

async function storeCredentials(
  { credentials, store, log }: LaunchParts,
  identity: Identity,
  request: LaunchRequest,
  server: JupyterServer,
  deadline: Deadline,
): Promise<void> {
  try {
    await credentials.store(server, identity, request, deadline);
  } catch (error) {
    if (error instanceof CredentialsRefused) {
      await store.remove(server, true, deadline).catch((err: unknown) => {
        log.error({ err, session: server.metadata.name }, 'a session without credentials could not be removed');
      });
    }
    throw error;
  }
}
