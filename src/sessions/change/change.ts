import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Config } from '../../config/types.ts';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { canSave, isEnding } from '../../jupyter-server/agent.ts';
import { hibernation } from '../../jupyter-server/hibernation.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { sessionState } from '../../jupyter-server/state.ts';
import { isPending, type StopRequest, writeStopRequest } from '../../jupyter-server/stop-request.ts';
import { Deadline } from '../../lib/deadline.ts';
import { chooseResources, type OfferedPools } from '../../options/resource-classes.ts';
import type { SessionAgents } from '../../platform/session-agent/types.ts';
import type { FreshTokens } from '../launch/fresh-tokens.ts';
import { resumeSession } from '../launch/resume.ts';
import type { SessionSecrets } from '../launch/session-secrets.ts';
import { noSuchSession } from '../read/no-such-session.ts';
import { owns } from '../read/ownership.ts';
import type { SessionStore } from '../read/store.ts';
import { attempts } from './attempts.ts';
import { resizePatch } from './resize.ts';
import { saveWithin } from './save-within.ts';
import { notSaved } from './stop.ts';

export interface ChangeParts {
  readonly store: SessionStore;
  readonly secrets: SessionSecrets;
  readonly tokens: Pick<FreshTokens, 'give'>;
  readonly agents: SessionAgents;
  readonly offered: OfferedPools;
  readonly config: { readonly sessions: Pick<Config['sessions'], 'agent_secrets' | 'enforce_cpu_limits' | 'storage'> };
  readonly log: Logger;
}

export interface ChangeRequest {
  readonly state?: 'running' | 'hibernated' | undefined;
  readonly classId?: number | undefined;
  /** Hibernate the session also if its work cannot be saved. */
  readonly isForced: boolean;
}

export interface Changed {
  readonly session: Session;
  /** Whether the session is hibernated later, when its work is saved. */
  readonly isSaving: boolean;
}

/** Changes the caller's session of this name. Throws ApiError. */
export type Change = (identity: Identity, name: string, request: ChangeRequest, deadline: Deadline) => Promise<Changed>;

/** Milliseconds that must remain after the wait for a save. */
const reserveMs = 1_000;

/**
 * Returns the function that hibernates, resumes and resizes sessions. Each write fails if the session has changed since it was read,
 * and is repeated with the new state, so that requests at the same time end in the state that one of them asks for.
 */
export function createChange(parts: ChangeParts): Change {
  const { store, secrets, tokens, agents, offered, config, log } = parts;
  const agentSecrets = config.sessions.agent_secrets;

  return async (identity, name, { state, classId, isForced }, ofRequest) => {
    if (!config.sessions.storage.pvs_enabled) throw new ApiError(errorKind.noVolumes, errorKind.noVolumes.example);
    if (identity.kind === 'anonymous') {
      throw new ApiError(errorKind.anonymousHibernation, errorKind.anonymousHibernation.example);
    }
    // The change is completed even if the caller closes the connection.
    const deadline = Deadline.after(ofRequest.remaining());
    let session = await store.get(identity, name, deadline);
    if (classId !== undefined) session = await resize(identity, session, classId, deadline);
    if (state === 'hibernated') return await hibernate(identity, session, isForced, deadline);
    if (state === 'running') return { session: await resume(identity, session, deadline), isSaving: false };
    return { session, isSaving: false };
  };

  /** Returns the session and its object by a live read. Throws ApiError 1404. */
  async function readLive(identity: Identity, known: Session, deadline: Deadline) {
    const read = await store.refresh(known, deadline);
    if (!read || !owns(identity, read.session)) throw noSuchSession(known.name);
    return read;
  }

  async function write(session: Session, patch: { metadata?: object; spec?: object }, deadline: Deadline) {
    try {
      return await store.change(session, patch, deadline);
    } catch (error) {
      const { cannotChange } = errorKind;
      const kinds = { rejected: cannotChange, unavailable: cannotChange, forbidden: cannotChange };
      throw translateError(error, { message: `The session ${session.name} could not be changed.`, kinds }) ?? error;
    }
  }

  async function resize(identity: Identity, known: Session, classId: number, deadline: Deadline): Promise<Session> {
    const { name } = known;
    let chosen: ReturnType<typeof chooseResources> | undefined;
    for (const _attempt of attempts(deadline)) {
      const { session, object } = await readLive(identity, known, deadline);
      if (isEnding(session)) throw isStopping(name);
      // A request that is repeated after a lost response has resumed the session already.
      if (session.launchOptions.resource_class_id === classId) return session;
      if (!session.isHibernated && sessionState(session, Date.now()) !== 'failed') {
        throw new ApiError(errorKind.invalidInput, `The session ${name} is neither hibernated nor failed.`, {
          detail: 'Hibernate it first, then change its resource class.',
          fields: [{ path: 'body.resource_class_id', message: 'can be changed only while the session is hibernated' }],
        });
      }
      // The operator replaces the pod of a failed session.
      if (!session.isHibernated && !session.hasVolume) throw withoutVolume(name);
      chosen ??= chooseResources(await offered(identity, deadline), { classId, legacy: undefined, storage: undefined });
      const patch = resizePatch(object, chosen, config.sessions.enforce_cpu_limits, randomUUID());
      const resized = await write(session, patch, deadline);
      if (resized) {
        log.info({ session: name, resourceClass: classId }, 'the resource class of the session changed');
        return resized;
      }
    }
    throw tooManyChanges(name);
  }

  async function resume(identity: Identity, known: Session, deadline: Deadline): Promise<Session> {
    const { session } = await readLive(identity, known, deadline);
    if (isEnding(session)) throw isStopping(session.name);
    if (!session.isHibernated && !isPending(session.stopRequest)) {
      await tokens.give(identity, session, deadline);
      return session;
    }
    return await resumeSession({ store, secrets, log }, identity, session, deadline);
  }

  /** Writes the request to save and hibernate the session. Returns undefined if the session has changed since it was read. */
  function request(session: Session, stopRequest: StopRequest, deadline: Deadline): Promise<Session | undefined> {
    const annotations = { [annotation.stopRequest]: writeStopRequest(stopRequest) };
    return write(session, { metadata: { annotations } }, deadline);
  }

  async function hibernate(
    identity: Identity,
    known: Session,
    isForced: boolean,
    deadline: Deadline,
  ): Promise<Changed> {
    const { name } = known;
    for (const _attempt of attempts(deadline)) {
      const { session } = await readLive(identity, known, deadline);
      if (isEnding(session)) throw isStopping(name);
      if (session.isHibernated) return { session, isSaving: false };
      if (!session.hasVolume) throw withoutVolume(name);
      const { stopRequest } = session;
      if (isPending(stopRequest)) {
        if (!isForced || stopRequest.isForced) return await untilHibernated(identity, session, deadline);
        const forced = await request(session, { ...stopRequest, isForced }, deadline);
        if (forced) return await untilHibernated(identity, forced, deadline);
        continue;
      }
      if (canSave(session, agentSecrets) && session.culling.isAnnounced) {
        const wanted = { id: randomUUID(), at: new Date().toISOString(), by: identity.username };
        const requested = await request(session, { ...wanted, action: 'hibernate', isForced }, deadline);
        if (requested) return await untilHibernated(identity, requested, deadline);
        continue;
      }
      const saved = await saveFirst(session, isForced, deadline);
      const hibernated = await write(session, hibernation(new Date(), saved?.work, saved?.result), deadline);
      if (hibernated) {
        log.info({ session: name }, 'session hibernated');
        return { session: hibernated, isSaving: false };
      }
    }
    throw tooManyChanges(name);
  }

  /** Saves the work of a session that another operator runs. Throws ApiError 1409 if that fails, unless `isForced`. */
  async function saveFirst(session: Session, isForced: boolean, deadline: Deadline) {
    if (!canSave(session, agentSecrets)) return undefined;
    const limit = deadline.within(Math.max(0, deadline.remaining() - 2 * reserveMs));
    const outcome = await saveWithin(agents, session, agentSecrets, { id: randomUUID(), reason: 'hibernate' }, limit);
    if (outcome.is === 'saved') return { work: outcome.work, result: outcome.result };
    if (isForced) return undefined;
    throw notSaved(session.name, outcome.is === 'failed' ? outcome.message : 'The save did not end in time.', useForce);
  }

  /**
   * Waits until the operator has carried out the request to hibernate the session, another request has replaced or cancelled it, or
   * `deadline` is near. Throws ApiError 1409.
   */
  async function untilHibernated(identity: Identity, known: Session, deadline: Deadline): Promise<Changed> {
    const { session, isDone } = await new Promise<{ session: Session | undefined; isDone: boolean }>((resolve) => {
      let latest: Session | undefined = known;
      let hasSeenOwn = false;
      let end: (() => void) | undefined;
      const settle = (isDone: boolean) => {
        clearTimeout(timer);
        // The first call is made by `watch` itself, before it returns.
        queueMicrotask(() => end?.());
        resolve({ session: latest, isDone });
      };
      const timer = setTimeout(() => settle(false), Math.max(0, deadline.remaining() - reserveMs));
      end = store.watch(identity, known, (changed) => {
        latest = changed;
        // The cache may be older than the write of the request.
        const isOwn = changed?.stopRequest?.id === known.stopRequest?.id;
        hasSeenOwn ||= isOwn;
        if (!changed || changed.isHibernated || (isOwn ? !isPending(changed.stopRequest) : hasSeenOwn)) settle(true);
      });
    });
    if (!session) throw noSuchSession(known.name);
    const { failure } = session.stopRequest ?? {};
    if (isDone && failure && !session.isHibernated) throw notSaved(session.name, failure.message, useForce);
    return { session, isSaving: !isDone };
  }
}

const useForce = 'Correct this, or hibernate the session with force: its files remain on its volume.';

const withoutVolume = (name: string): ApiError =>
  new ApiError(errorKind.conflict, `The session ${name} has no volume, so it would lose its files.`, {
    detail: 'Save or push your work, then stop the session.',
  });

const isStopping = (name: string): ApiError =>
  new ApiError(errorKind.conflict, `The session ${name} is being stopped.`, {
    detail: 'Launch it again when it has ended.',
  });

const tooManyChanges = (name: string): ApiError =>
  new ApiError(errorKind.cannotChange, `The session ${name} could not be changed.`);
