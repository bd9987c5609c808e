import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { AutosaveCleanUp } from '../../autosaves/types.ts';
import type { CallerLimit } from '../../caller-limit.ts';
import { ownerKey } from '../../identity/owner.ts';
import type { Identity } from '../../identity/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { isPending } from '../../jupyter-server/stop-request.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { Deadline } from '../../lib/deadline.ts';
import { buildJupyterServer } from '../manifest/build.ts';
import type { SessionStore } from '../read/store.ts';
import { type CheckedLaunch, checkLookups } from './checks.ts';
import { createOnce, type Launched, waitUntilGone } from './create-once.ts';
import { findSession } from './find-session.ts';
import type { FreshTokens } from './fresh-tokens.ts';
import type { LookupParts } from './launch-lookups.ts';
import type { LaunchRequest } from './launch-request.ts';
import { locate, type NoSession } from './locate.ts';
import { manifestInput } from './manifest-input.ts';
import type { TimePhase } from './phases.ts';
import { resumeSession } from './resume.ts';
import type { SessionLimit } from './session-limit.ts';
import { SecretsRejected, type SessionSecrets } from './session-secrets.ts';

export interface LaunchParts extends LookupParts {
  readonly store: SessionStore;
  readonly secrets: SessionSecrets;
  readonly tokens: Pick<FreshTokens, 'giveLater'>;
  readonly autosaves: Pick<AutosaveCleanUp, 'afterLaunch'>;
  readonly launchLimit: CallerLimit;
  readonly sessionLimit: SessionLimit;
  readonly timePhase: TimePhase;
  readonly log: Logger;
}

/** Launches or finds the session of this caller for a project, branch and commit. Throws ApiError. */
export type Launch = (identity: Identity, request: LaunchRequest, deadline: Deadline) => Promise<Launched>;

/**
 * Returns the launch of sessions, which has three steps:
 * 1. `locate` returns an existing session of this owner, project, branch and commit. It makes no call if the request has
 *    the full id of the commit and the cache knows the session.
 * 2. Otherwise project, branch, commit, image and resources are looked up in parallel, together with a live read of the
 *    session, which the cache may not know yet.
 * 3. `createOnce` creates the object, and then `SessionSecrets` its Secrets.
 * Identical launches at the same time in this process share one launch; only one of them reports a new session. A launch
 * continues if its caller disconnects, so that no session remains incomplete.
 */
export function createLaunch(parts: LaunchParts): Launch {
  const inFlight = new Map<string, Promise<Launched>>();
  return async (identity, request, deadline) => {
    const key = flightKey(identity, request);
    const shared = inFlight.get(key);
    if (shared) return { ...(await shared), isNew: false };
    const launched = parts.launchLimit.run(identity, () =>
      launch(parts, identity, request, Deadline.after(deadline.remaining())),
    );
    inFlight.set(key, launched);
    try {
      return await launched;
    } finally {
      inFlight.delete(key);
    }
  };
}

/** Returns the key of identical launches: same owner, credentials and request. Hashed, so that it holds no credentials. */
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
  const { timePhase } = parts;
  const located = await timePhase('find', locate(parts, identity, request, deadline));
  if ('existing' in located) return completed(parts, identity, request, located.existing, deadline);
  const error = parts.sessionLimit.errorOf(identity, located.own);
  if (error) {
    located.cancel();
    throw error;
  }
  const checked = await timePhase('check', checkedLaunch(parts, request, located, deadline));

  const target = { branch: checked.branch, commit: checked.commitSha };
  // Search again: GitLab may have resolved a full id to another commit, if it is the id of an annotated tag.
  const { name, existing, ofBranch } = findSession(located.own, identity, request, target);
  if (existing) return completed(parts, identity, request, existing, deadline);
  const input = manifestInput(name, identity, request, checked, {
    launchId: randomUUID(),
    sessionToken: randomBytes(32).toString('base64url'),
  });
  const manifest = buildJupyterServer(input, parts.config);
  const launched = await timePhase('create', createWithinLimit(parts, identity, manifest, deadline));
  if (!launched.isNew) return completed(parts, identity, request, launched.session, deadline);
  await timePhase('secrets', createSecrets(parts, identity, request, launched, deadline));
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

/** As `createOnce`. Throws ApiError 1430 if other launches have used up the limit of sessions in the meantime. */
async function createWithinLimit(
  { store, sessionLimit }: LaunchParts,
  identity: Identity,
  manifest: JupyterServer,
  deadline: Deadline,
): Promise<Launched> {
  const release = sessionLimit.reserve(identity, await store.list(identity, deadline), manifest.metadata.name ?? '');
  try {
    return await createOnce(store, identity, manifest, deadline);
  } finally {
    release();
  }
}

/** Returns the checked lookups. Waits for the end of a session of the same name that is being deleted at the same time. */
async function checkedLaunch(
  { store }: LaunchParts,
  request: LaunchRequest,
  { terminating, failure, results, cancel }: NoSession,
  deadline: Deadline,
): Promise<CheckedLaunch> {
  try {
    if (failure) throw failure;
    const checks = results.then((all) => checkLookups(all, request));
    const [checked] = await Promise.all([checks, terminating && waitUntilGone(store, terminating, deadline)]);
    return checked;
  } finally {
    cancel();
  }
}

/**
 * Returns an existing session. Resumes it if it is hibernated, creates its Secrets if its launch may have been interrupted before that,
 * or gives a running session the caller's present tokens.
 */
async function completed(
  parts: LaunchParts,
  identity: Identity,
  request: LaunchRequest,
  session: Session,
  deadline: Deadline,
): Promise<Launched> {
  if (session.isHibernated || isPending(session.stopRequest))
    return { session: await resumeSession(parts, identity, session, deadline), isNew: false };
  const launched = { session, isNew: false };
  if (parts.secrets.mayBeMissing(session)) await parts.secrets.create(launched, identity, request, deadline);
  else parts.tokens.giveLater(identity, session);
  return launched;
}

/** Creates the Secrets of a new session. Deletes the session if the cluster rejects them. */
async function createSecrets(
  { secrets, store, log }: LaunchParts,
  identity: Identity,
  request: LaunchRequest,
  launched: Launched,
  deadline: Deadline,
): Promise<void> {
  const { session } = launched;
  try {
    await secrets.create(launched, identity, request, deadline);
  } catch (error) {
    if (error instanceof SecretsRejected) {
      await store.remove(session, { isForced: true }, deadline).catch((err: unknown) => {
        log.error({ err, session: session.name }, 'a session without Secrets could not be deleted');
      });
    }
    throw error;
  }
}
