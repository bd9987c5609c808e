import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/types.ts';
import { translateError } from '../error-translation.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { Operation as AgentOperation } from '../generated/agent-api.ts';
import type { Operation, SessionWork } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import { agentAccess, canSave, isReachable } from '../jupyter-server/agent.ts';
import type { Session } from '../jupyter-server/session.ts';
import { isPending, isSaveOf } from '../jupyter-server/stop-request.ts';
import { Deadline } from '../lib/deadline.ts';
import { AgentFailure, type AgentTarget, isTemporary, type SessionAgents } from '../platform/session-agent/types.ts';

export interface WorkParts {
  readonly sessions: { get(identity: Identity, name: string, deadline: Deadline): Promise<Session> };
  readonly agents: SessionAgents;
  readonly config: { readonly sessions: Pick<Config['sessions'], 'agent_secrets'> };
}

/** The work in sessions, and the operations that save it. All methods throw ApiError. */
export interface Work {
  read(identity: Identity, name: string, deadline: Deadline): Promise<SessionWork>;
  save(identity: Identity, name: string, deadline: Deadline): Promise<Operation>;
  operations(identity: Identity, name: string, deadline: Deadline): Promise<Operation[]>;
  operation(identity: Identity, name: string, id: string, deadline: Deadline): Promise<Operation>;
  cancel(identity: Identity, name: string, id: string, deadline: Deadline): Promise<Operation>;
  /** Returns the operation now and after each change, until it has ended or `signal` aborts. */
  follow(identity: Identity, name: string, id: string, signal: AbortSignal): AsyncIterable<Operation>;
}

/** Milliseconds for one request of a followed operation, and the part of it that the agent waits for a change. */
const followMs = 30_000;
const waitSeconds = 20;
/** Milliseconds between two attempts to reach an agent that does not respond, and the maximum number of them. */
const retryMs = 1_000;
const maxRetries = 30;

export function createWork({ sessions, agents, config }: WorkParts): Work {
  const secrets = config.sessions.agent_secrets;

  /** Returns the agent of the caller's session. Throws ApiError 1404 and 1409. */
  async function targetOf(identity: Identity, name: string, deadline: Deadline): Promise<AgentTarget> {
    const access = agentAccess(await sessions.get(identity, name, deadline), secrets);
    if (isReachable(access)) return access;
    throw new ApiError(errorKind.conflict, `The work of the session ${name} cannot be saved.`, {
      detail: access.message,
    });
  }

  /** Calls the agent; its failures become ApiError. */
  async function ask<T>(name: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw (
        translateError(error, { message: `The agent of the session ${name} did not do what was requested.` }) ?? error
      );
    }
  }

  return {
    async read(identity, name, deadline) {
      const session = await sessions.get(identity, name, deadline);
      const savesOnStop = canSave(session, secrets);
      const access = agentAccess(session, secrets);
      if (!isReachable(access)) return { savesOnStop, unavailable: access, work: null };
      return { savesOnStop, unavailable: null, work: await ask(name, () => agents.work(access, deadline)) };
    },

    async save(identity, name, deadline) {
      const target = await targetOf(identity, name, deadline);
      const request = { id: randomUUID(), reason: 'user' as const, isFinal: false };
      return present(await ask(name, () => agents.save(target, request, deadline)));
    },

    async operations(identity, name, deadline) {
      const access = agentAccess(await sessions.get(identity, name, deadline), secrets);
      if (!isReachable(access)) return [];
      return (await ask(name, () => agents.operations(access, deadline))).map(present);
    },

    async operation(identity, name, id, deadline) {
      const target = await targetOf(identity, name, deadline);
      return present(await ask(name, () => agents.operation(target, id, undefined, deadline)));
    },

    async cancel(identity, name, id, deadline) {
      const session = await sessions.get(identity, name, deadline);
      if (isPending(session.stopRequest) && isSaveOf(session.stopRequest, id)) {
        throw new ApiError(errorKind.conflict, `The session ${name} ends after this save.`, {
          detail: 'A stop cannot be cancelled. A hibernation ends if you resume the session.',
        });
      }
      const target = await targetOf(identity, name, deadline);
      return present(await ask(name, () => agents.cancel(target, id, deadline)));
    },

    async *follow(identity, name, id, signal) {
      let version: number | undefined;
      let failures = 0;
      while (!signal.aborted) {
        const deadline = Deadline.after(followMs, signal);
        try {
          // The session is read again each time: its pod may have been replaced, and it may belong to another user.
          const target = await targetOf(identity, name, deadline);
          const wait = version === undefined ? undefined : { seconds: waitSeconds, version };
          const operation = await agents.operation(target, id, wait, deadline);
          failures = 0;
          if (operation.version !== version) yield present(operation);
          if (operation.finishedAt !== null) return;
          version = operation.version;
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          const mayRecover = error instanceof AgentFailure && isTemporary(error) && failures < maxRetries;
          if (!mayRecover || version === undefined) throw translateError(error) ?? error;
          await sleep(retryMs, undefined, { signal }).catch(() => undefined);
        }
      }
    },
  };
}

/** Returns the operation without the members that only the programs of the platform need. */
const present = ({
  id,
  kind,
  reason,
  state,
  createdAt,
  finishedAt,
  progress,
  result,
  error,
}: AgentOperation): Operation => ({
  ...{ id, kind, reason, state, createdAt, finishedAt, progress, result, error },
});
