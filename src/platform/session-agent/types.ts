import type { Error as AgentError, Operation, SaveRequest, Tokens, Work } from '../../generated/agent-api.ts';
import type { Deadline } from '../../lib/deadline.ts';

/** The agent of one session, in one pod. Everything is from the session's JupyterServer, and nothing from a request of a user. */
export interface AgentTarget {
  /** IP address of the pod. */
  readonly address: string;
  /** The pod that has this address, as the operator reports it. */
  readonly podUid: string;
  /** uid of the JupyterServer. */
  readonly sessionUid: string;
  readonly key: Buffer;
}

/**
 * Calls the agents of sessions. All methods throw AgentFailure, or the reason of the deadline's owner. A returned value has been
 * signed by the agent of this session in this pod.
 */
export interface SessionAgents {
  /** Returns what would be lost if the files of the session were deleted now. */
  work(target: AgentTarget, deadline: Deadline): Promise<Work>;
  /** Starts a save, or returns the save that already has this id. */
  save(target: AgentTarget, request: SaveRequest, deadline: Deadline): Promise<Operation>;
  /** Returns the last operations, the newest first. */
  operations(target: AgentTarget, deadline: Deadline): Promise<Operation[]>;
  /** Returns the operation. With `wait`, waits until it has changed; see the query parameters in agent.openapi.yaml. */
  operation(
    target: AgentTarget,
    id: string,
    wait: { readonly seconds: number; readonly version: number } | undefined,
    deadline: Deadline,
  ): Promise<Operation>;
  cancel(target: AgentTarget, id: string, deadline: Deadline): Promise<Operation>;
  putTokens(target: AgentTarget, tokens: Tokens, deadline: Deadline): Promise<void>;
  close(): Promise<void>;
}

/**
 * - `no-response`: there is no connection, or no complete response, for example because the pod has just ended.
 * - `timeout`: the deadline expired.
 * - `other-agent`: the response is not from the agent of this session in this pod: the address belongs to another pod, or the keys differ.
 * - `invalid-response`: the response does not follow the contract.
 * - The others are reasons that the agent gives.
 */
export type AgentFailureReason = 'no-response' | 'timeout' | 'other-agent' | 'invalid-response' | AgentError['reason'];

/** The agent did not do what it was asked for. The message is a sentence for users, without an address and without credentials. */
export class AgentFailure extends Error {
  override readonly name = 'AgentFailure';
  readonly reason: AgentFailureReason;
  constructor(reason: AgentFailureReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Returns whether another attempt may succeed, because the agent, or the way to it, is temporarily unavailable. */
export const isTemporary = ({ reason }: AgentFailure): boolean =>
  ['no-response', 'timeout', 'other-agent', 'invalid-response', 'internal'].includes(reason);
