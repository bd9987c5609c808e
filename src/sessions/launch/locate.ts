import { translateError } from '../../error-translation.ts';
import { type ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { Deadline } from '../../lib/deadline.ts';
import { owns } from '../read/ownership.ts';
import type { SessionStore } from '../read/store.ts';
import type { CheckParts } from './checks.ts';
import { candidates, findSession, isAlive, isOfCommit, namesOf, wasLaunchedByName } from './find-session.ts';
import { createLookUps, type LaunchFindings, type LaunchTarget } from './launch-lookups.ts';
import type { LaunchRequest } from './launch-request.ts';
import type { Outcome } from './lookups.ts';

export interface NotThere {
  /** The former session of the name, which is being deleted. */
  readonly dying: Session | undefined;
  /** All sessions of the owner. */
  readonly own: readonly Session[];
  /** undefined: GitLab does not resolve it; the findings say why. */
  readonly target: LaunchTarget | undefined;
  /** Why it is unknown whether the session is there. */
  readonly failure: ApiError | undefined;
  /** Of everything that the launch needs; under way. */
  readonly findings: Promise<LaunchFindings>;
  /** Ends the look-ups. */
  abandon(): void;
}

export type Located = { readonly living: Session } | NotThere;

/**
 * Finds the living session that a launch is about, or begins to look for what a new one needs. The session's identity is
 * the commit that GitLab resolves:
 * - with a branch and a full id there is nothing to resolve, and a session that the cache knows costs no call;
 * - any other name is resolved first, alone if a session of the project and branch is there that may be the one;
 * - if GitLab does not answer, the living session that was launched by that name is the one.
 */
export async function locate(
  parts: CheckParts & { readonly store: SessionStore },
  identity: Identity,
  request: LaunchRequest,
  deadline: Deadline,
): Promise<Located> {
  const own = await parts.store.list(identity, deadline);
  const perhaps = candidates(own, request);
  const byName = perhaps.find((session) => wasLaunchedByName(session, request));
  const needless = new AbortController();
  const inTime = Deadline.after(deadline.remaining(), needless.signal);
  // What is there can be answered without GitLab: half of the time is for asking it.
  const resolving = byName ? inTime.within(inTime.remaining() / 2) : inTime;
  const lookUps = createLookUps(parts, identity, request, resolving, inTime);
  try {
    const early = perhaps.length === 0 ? begun(lookUps.all()) : undefined;
    const resolved = await lookUps.target();
    if (byName && isUnanswered(resolved)) return living(byName);
    const target = resolved.is === 'found' ? resolved.value : undefined;
    const known = target && findSession(own, identity, request, target);
    if (known?.living) return living(known.living);
    const findings = early ?? begun(lookUps.all());
    const unknown = target && !known?.dying ? await readNames(parts.store, identity, request, target, deadline) : {};
    if (unknown.living) return living(unknown.living);
    const dying = known?.dying ?? unknown.dying;
    return { dying, own, target, failure: unknown.failure, findings, abandon: () => needless.abort() };
  } catch (error) {
    needless.abort();
    throw error;
  }

  function living(session: Session): Located {
    needless.abort();
    return { living: session };
  }
}

/** Waited for later, unless something ends the launch before: then its failure interests no caller. */
function begun(findings: Promise<LaunchFindings>): Promise<LaunchFindings> {
  findings.catch(() => undefined);
  return findings;
}

const isUnanswered = (outcome: Outcome<unknown>): boolean =>
  outcome.is === 'trouble' &&
  (outcome.error.kind === errorKind.intermittent || outcome.error.kind === errorKind.timedOut);

interface Read {
  readonly living?: Session;
  readonly dying?: Session | undefined;
  readonly failure?: ApiError;
}

/** What another replica has just made under one of the names, of this release or the one before. */
async function readNames(
  store: SessionStore,
  identity: Identity,
  request: LaunchRequest,
  target: LaunchTarget,
  deadline: Deadline,
): Promise<Read> {
  try {
    const [name, ...former] = namesOf(identity, request, target);
    const read = await Promise.all([name, ...former].map((each) => store.read(each ?? '', deadline)));
    const found = read.filter((session) => session !== undefined);
    const living = found.find(
      (each) => isAlive(each) && owns(identity, each) && (each.name === name || isOfCommit(each, request, target)),
    );
    if (living) return { living };
    return { dying: found.find((each) => each.name === name && !isAlive(each)) };
  } catch (error) {
    const failure = translateError(error, { message: 'The session could not be launched.' });
    if (failure) return { failure };
    throw error;
  }
}
