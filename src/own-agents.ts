import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config/types.ts';
import { translateError } from './error-translation.ts';
import { ApiError, errorKind } from './errors.ts';
import type { Identity } from './identity/types.ts';
import { type AgentAccess, agentAccess, isReachable, type NoAgent } from './jupyter-server/agent.ts';
import type { Session } from './jupyter-server/session.ts';
import { Deadline } from './lib/deadline.ts';
import { AgentFailure, isTemporary } from './platform/session-agent/types.ts';

export interface OwnAgentsParts {
  readonly sessions: { get(identity: Identity, name: string, deadline: Deadline): Promise<Session> };
  readonly config: { readonly sessions: Pick<Config['sessions'], 'agent_secrets'> };
}

/** The agents of the caller's sessions. */
export interface OwnAgents {
  /** Returns how to reach the agent of a session, or why it cannot be used. Throws ApiError 1404. */
  find(identity: Identity, name: string, deadline: Deadline): Promise<AgentAccess | NoAgent>;
  /** Returns how to reach the agent of a session. Throws ApiError 1404, and 1409 with this message. */
  require(identity: Identity, name: string, message: string, deadline: Deadline): Promise<AgentAccess>;
  /**
   * Calls the agent of a session. Throws ApiError 1404, 1409 with the message `cannot` if the agent cannot be used, and the failures of
   * the agent with the message `failed`.
   */
  call<T>(
    identity: Identity,
    name: string,
    messages: { readonly cannot: string; readonly failed: string },
    deadline: Deadline,
    call: (target: AgentAccess) => Promise<T>,
  ): Promise<T>;
  /** Calls the supervisor of a session. Returns the reason if the session cannot report. Throws ApiError 1404, and failures with this message. */
  report<T>(
    identity: Identity,
    name: string,
    message: string,
    deadline: Deadline,
    call: (target: AgentAccess) => Promise<T>,
  ): Promise<{ unavailable: Unavailable; found?: undefined } | { unavailable: null; found: T }>;
}

/** Milliseconds for one request of a followed operation, and the part of it that the agent waits for a change. */
const followMs = 30_000;
const waitSeconds = 20;
/** Milliseconds between two attempts to reach an agent that does not respond, and the maximum number of them. */
const retryMs = 1_000;
const maxRetries = 30;

/** How long an agent waits for a change of an operation with this version. */
export interface OperationWait {
  readonly seconds: number;
  readonly version: number;
}

/**
 * Returns an operation of an agent now and after each change, until it has ended or `signal` aborts. Throws ApiError, and what `read`
 * throws at its first call.
 * @param read reads the session, too: its pod may have been replaced, and it may belong to another user meanwhile
 */
export async function* followOperation<T extends { readonly version: number; readonly finishedAt: string | null }>(
  read: (wait: OperationWait | undefined, deadline: Deadline) => Promise<T>,
  signal: AbortSignal,
): AsyncIterable<T> {
  let version: number | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const deadline = Deadline.after(followMs, signal);
    try {
      const operation = await read(version === undefined ? undefined : { seconds: waitSeconds, version }, deadline);
      failures = 0;
      if (operation.version !== version) yield operation;
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
}

type Unavailable = NoAgent | { readonly reason: 'no-supervisor'; readonly message: string };

export function createOwnAgents({ sessions, config }: OwnAgentsParts): OwnAgents {
  const find: OwnAgents['find'] = async (identity, name, deadline) =>
    agentAccess(await sessions.get(identity, name, deadline), config.sessions.agent_secrets);
  const require: OwnAgents['require'] = async (identity, name, message, deadline) => {
    const access = await find(identity, name, deadline);
    if (isReachable(access)) return access;
    throw new ApiError(errorKind.conflict, message, { detail: access.message });
  };
  return {
    find,
    require,
    async call(identity, name, { cannot, failed }, deadline, call) {
      const target = await require(identity, name, cannot, deadline);
      return await askAgent(failed, () => call(target));
    },
    async report(identity, name, message, deadline, call) {
      const access = await find(identity, name, deadline);
      if (!isReachable(access)) return { unavailable: access };
      try {
        return { unavailable: null, found: await call(access) };
      } catch (error) {
        if (error instanceof AgentFailure && error.reason === 'unavailable')
          return { unavailable: { reason: 'no-supervisor', message: error.message } };
        throw agentError(message, error);
      }
    },
  };
}

/** Calls an agent. Its failures become ApiError with this message. */
export async function askAgent<T>(message: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw agentError(message, error);
  }
}

/**
 * Returns the ApiError of a failed call of an agent, with this message; other errors as they are. If what was requested does not exist
 * or is invalid, the agent did what it should: its own words are the message.
 */
export function agentError(message: string, error: unknown): unknown {
  const isOfRequest = error instanceof AgentFailure && (error.reason === 'not-found' || error.reason === 'invalid');
  return translateError(error, isOfRequest ? {} : { message }) ?? error;
}
