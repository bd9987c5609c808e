import { translateError } from '../../error-translation.ts';
import { type ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { Deadline } from '../../lib/deadline.ts';
import { owns } from '../read/ownership.ts';
import type { SessionStore } from '../read/store.ts';
import { candidates, findSession, isAlive, isOfCommit, namesOf, wasLaunchedByName } from './find-session.ts';
import { createLaunchLookups, type LaunchTarget, type LookupParts, type LookupResults } from './launch-lookups.ts';
import type { LaunchRequest } from './launch-request.ts';
import type { LookupResult } from './lookups.ts';

/** The session of the launch exists. */
export interface ExistingSession {
  readonly existing: Session;
}

/** The launch needs a new session. */
export interface NoSession {
  /** The former session of the same name, which is being deleted. */
  readonly terminating: Session | undefined;
  /** All sessions of the owner. */
  readonly own: readonly Session[];
  /** Why it is unknown whether the session exists. */
  readonly failure: ApiError | undefined;
  /** The results of the lookups, which are in progress. */
  readonly results: Promise<LookupResults>;
  /** Aborts the lookups. */
  cancel(): void;
}

/**
 * Returns the existing session of a launch, or starts the lookups for a new one. The commit that GitLab resolves
 * identifies the session:
 * - A branch with a full commit id needs no resolving: a session that the cache knows is found without a call.
 * - Any other name is resolved first. If a candidate exists, this is the only lookup until it has a result.
 * - If GitLab does not respond, the existing session that was launched by the same name is returned.
 */
export async function locate(
  parts: LookupParts & { readonly store: SessionStore },
  identity: Identity,
  request: LaunchRequest,
  deadline: Deadline,
): Promise<ExistingSession | NoSession> {
  const own = await parts.store.list(identity, deadline);
  const possible = candidates(own, request);
  const ofSameName = possible.find((session) => wasLaunchedByName(session, request));
  const cancelled = new AbortController();
  const lookupDeadline = Deadline.after(deadline.remaining(), cancelled.signal);
  // With `ofSameName`, a response is possible without GitLab, so GitLab gets half of the time.
  const targetDeadline = ofSameName ? lookupDeadline.within(lookupDeadline.remaining() / 2) : lookupDeadline;
  const lookups = createLaunchLookups(parts, identity, request, targetDeadline, lookupDeadline);
  const cancel = (): void => cancelled.abort();
  const exists = (existing: Session): ExistingSession => {
    cancel();
    return { existing };
  };
  try {
    const early = possible.length === 0 ? start(lookups) : undefined;
    const resolved = await lookups.target();
    if (ofSameName && isUnavailable(resolved)) return exists(ofSameName);
    const target = resolved.is === 'found' ? resolved.value : undefined;
    const known = target && findSession(own, identity, request, target);
    if (known?.existing) return exists(known.existing);
    const results = early ?? start(lookups);
    const read: ReadSessions =
      target && !known?.terminating ? await readByName(parts.store, identity, request, target, deadline) : {};
    if (read.existing) return exists(read.existing);
    return { terminating: known?.terminating ?? read.terminating, own, failure: read.failure, results, cancel };
  } catch (error) {
    cancel();
    throw error;
  }
}

/** Starts all lookups. If they fail and the launch does not need their results, the error is ignored. */
function start(lookups: { all(): Promise<LookupResults> }): Promise<LookupResults> {
  const results = lookups.all();
  results.catch(() => undefined);
  return results;
}

const isUnavailable = (result: LookupResult<unknown>): boolean =>
  result.is === 'failed' && (result.error.kind === errorKind.intermittent || result.error.kind === errorKind.timedOut);

interface ReadSessions {
  readonly existing?: Session;
  readonly terminating?: Session | undefined;
  readonly failure?: ApiError;
}

/** Reads the session live under each of its possible names: another replica may have created it just now. */
async function readByName(
  store: SessionStore,
  identity: Identity,
  request: LaunchRequest,
  target: LaunchTarget,
  deadline: Deadline,
): Promise<ReadSessions> {
  try {
    const [name, ...former] = namesOf(identity, request, target);
    const read = await Promise.all([name, ...former].map((each) => store.read(each ?? '', deadline)));
    const found = read.filter((session) => session !== undefined);
    const existing = found.find(
      (each) => isAlive(each) && owns(identity, each) && (each.name === name || isOfCommit(each, request, target)),
    );
    if (existing) return { existing };
    return { terminating: found.find((each) => each.name === name && !isAlive(each)) };
  } catch (error) {
    const failure = translateError(error, { message: 'The session could not be launched.' });
    if (failure) return { failure };
    throw error;
  }
}
