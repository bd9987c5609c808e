import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { AutosaveCleanUp } from '../../autosaves/types.ts';
import { ApiError, errorKind } from '../../errors.ts';
import { ownerKey } from '../../identity/owner.ts';
import type { Identity } from '../../identity/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { type ConcurrencyLimit, createConcurrencyLimit, LimitReached } from '../../lib/concurrency-limit.ts';
import { Deadline } from '../../lib/deadline.ts';
import { buildJupyterServer } from '../manifest/build.ts';
import type { SessionStore } from '../read/store.ts';
import { type CheckedLaunch, type CheckParts, checkedLaunch } from './checks.ts';
import { createOnce, type Launched, waitUntilGone } from './create-once.ts';
import { findSession } from './find-session.ts';
import type { LaunchRequest } from './launch-request.ts';
import { locate, type NotThere } from './locate.ts';
import { manifestInput } from './manifest-input.ts';
import { type Credentials, CredentialsRefused } from './session-secrets.ts';

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
 * 1. a living session of this owner, project, branch and commit is the answer (`locate`); where the commit is named by
 *    its full id and the cache knows the session, it costs no call;
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
  const located = await locate(parts, identity, request, deadline);
  if ('living' in located) return repaired(parts, identity, request, located.living, deadline);
  const checked = await prepared(parts, request, located, deadline);

  const target = { branch: checked.branch, commit: checked.commitSha };
  // GitLab decides which commit it is, also of a full id: that of a tag means the commit that the tag is at.
  const { name, living, ofBranch } = findSession(located.own, identity, request, target);
  if (living) return repaired(parts, identity, request, living, deadline);
  const input = manifestInput(name, identity, request, checked, {
    launchId: randomUUID(),
    sessionToken: randomBytes(32).toString('base64url'),
  });
  const manifest = buildJupyterServer(input, parts.config);
  const launched = await createOnce(parts.store, identity, manifest, deadline);
  if (!launched.isNew) return repaired(parts, identity, request, launched.session, deadline);
  await storeCredentials(parts, identity, request, launched.session, deadline);
  parts.log.info({ session: name, namespace: launched.session.namespace }, 'session launched');
  if (identity.kind === 'registered' && input.repository.mayPush) {
    parts.autosaves.afterLaunch({
      name,
      user: identity,
      projectId: checked.project.id,
      branch: checked.branch,
      commitSha: checked.commitSha,
      commitsInUse: ofBranch.map(({ commit }) => commit.id ?? commit.requested),
    });
  }
  return launched;
}

/** Everything that must be so before the object can be made. A session that is being deleted is waited for meanwhile. */
async function prepared(
  { store }: LaunchParts,
  request: LaunchRequest,
  { dying, failure, findings, abandon }: NotThere,
  deadline: Deadline,
): Promise<CheckedLaunch> {
  try {
    if (failure) throw failure;
    const checks = findings.then((found) => checkedLaunch(found, request));
    const [checked] = await Promise.all([checks, dying ? waitUntilGone(store, dying, deadline) : undefined]);
    return checked;
  } finally {
    abandon();
  }
}

/** A session that is there. Where its launch may have been cut short, it is completed. */
async function repaired(
  { credentials }: LaunchParts,
  identity: Identity,
  request: LaunchRequest,
  session: Session,
  deadline: Deadline,
): Promise<Launched> {
  if (credentials.mayBeMissing(session)) {
    await credentials.store(session, identity, request, deadline);
  }
  return { session, isNew: false };
}

async function storeCredentials(
  { credentials, store, log }: LaunchParts,
  identity: Identity,
  request: LaunchRequest,
  session: Session,
  deadline: Deadline,
): Promise<void> {
  try {
    await credentials.store(session, identity, request, deadline);
  } catch (error) {
    if (error instanceof CredentialsRefused) {
      await store.remove(session, true, deadline).catch((err: unknown) => {
        log.error({ err, session: session.name }, 'a session without credentials could not be removed');
      });
    }
    throw error;
  }
}
