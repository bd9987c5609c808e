import type {
  Error as AgentError,
  JupyterServerStatus,
  KernelList,
  Operation,
  SaveRequest,
  SnapshotList,
  SyncFolder,
  SyncFolderList,
  SyncFolderRequest,
  SyncOperation,
  SyncReport,
  Tokens,
  Work,
} from '../../generated/agent-api.ts';
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
  /**
   * As `operation`, but returns an operation of an earlier pod of the session, too: its agent had stored it on the volume. Such an
   * operation says nothing about the present files.
   */
  findOperation: SessionAgents['operation'];
  /** Cancels the operation, which may be one of an earlier pod, and returns it. */
  cancel(target: AgentTarget, id: string, deadline: Deadline): Promise<Operation>;
  /** Lets the session end without a save: saves are cancelled, and the agent makes none at its end. */
  discard(target: AgentTarget, deadline: Deadline): Promise<void>;
  /** Ends the effect of `discard`: the session was not deleted. */
  keep(target: AgentTarget, deadline: Deadline): Promise<void>;
  putTokens(target: AgentTarget, tokens: Tokens, deadline: Deadline): Promise<void>;
  server(target: AgentTarget, deadline: Deadline): Promise<JupyterServerStatus>;
  changeServer(target: AgentTarget, change: ServerChange, deadline: Deadline): Promise<JupyterServerStatus>;
  kernels(target: AgentTarget, deadline: Deadline): Promise<KernelList>;
  syncKernels(target: AgentTarget, deadline: Deadline): Promise<SyncReport>;
  changeKernel(target: AgentTarget, id: string, change: KernelChange, deadline: Deadline): Promise<void>;
  snapshots(target: AgentTarget, kernelId: string, deadline: Deadline): Promise<SnapshotList>;
  setAutomaticSnapshots(
    target: AgentTarget,
    kernelId: string,
    automatic: boolean,
    deadline: Deadline,
  ): Promise<SnapshotList>;
  takeSnapshot(target: AgentTarget, kernelId: string, request: SnapshotRequest, deadline: Deadline): Promise<Operation>;
  restoreSnapshot(target: AgentTarget, which: SnapshotOfKernel, force: boolean, deadline: Deadline): Promise<Operation>;
  /** Deletes a snapshot, or all of the kernel. */
  deleteSnapshots(
    target: AgentTarget,
    which: Partial<SnapshotOfKernel> & Pick<SnapshotOfKernel, 'kernelId'>,
    deadline: Deadline,
  ): Promise<void>;
  syncFolders(target: AgentTarget, deadline: Deadline): Promise<SyncFolderList>;
  syncFolder(target: AgentTarget, id: string, deadline: Deadline): Promise<SyncFolder>;
  /** The credentials in the body are for this agent only: it signs a response before it gets them. */
  putSyncFolder(target: AgentTarget, id: string, body: SyncFolderBody, deadline: Deadline): Promise<SyncFolder>;
  deleteSyncFolder(target: AgentTarget, id: string, deadline: Deadline): Promise<void>;
  startSync(target: AgentTarget, id: string, deletions: number | undefined, deadline: Deadline): Promise<SyncOperation>;
  /** Returns the last rounds that requests started, the newest first. */
  syncOperations(target: AgentTarget, id: string, deadline: Deadline): Promise<SyncOperation[]>;
  /** With `wait` as `operation`. */
  syncOperation(
    target: AgentTarget,
    id: string,
    operation: string,
    wait: { readonly seconds: number; readonly version: number } | undefined,
    deadline: Deadline,
  ): Promise<SyncOperation>;
  cancelSync(target: AgentTarget, id: string, operation: string, deadline: Deadline): Promise<SyncOperation>;
  resolveSyncConflict(
    target: AgentTarget,
    id: string,
    conflict: string,
    resolution: SyncResolution,
    deadline: Deadline,
  ): Promise<SyncFolder>;
  close(): Promise<void>;
}

export type SyncResolution = 'keep-both' | 'mine' | 'theirs';

/** A SyncFolderRequest: members with a default may be absent. */
export type SyncFolderBody = Pick<SyncFolderRequest, 'path' | 'remote'> & Partial<SyncFolderRequest>;

/** What happens to the Jupyter server of a session. */
export type ServerChange =
  | { readonly kind: 'start'; readonly gatewayUrl: string | undefined }
  | { readonly kind: 'stop'; readonly force: boolean }
  | { readonly kind: 'restart' };

export interface SnapshotOfKernel {
  readonly kernelId: string;
  readonly snapshotId: string;
}

export interface SnapshotRequest {
  readonly label: string;
  /** undefined: no older snapshot is deleted. */
  readonly keep: number | undefined;
  /** undefined: the session chooses. */
  readonly engine: 'namespace' | 'criu' | undefined;
}

export type KernelChange = 'interrupt' | 'restart' | 'end';

/**
 * - `no-response`: there is no connection, or no complete response, for example because the pod has just ended; or the supervisor does not
 *   respond to the agent.
 * - `timeout`: the deadline expired.
 * - `other-agent`: the response is not from the agent of this session in this pod: the address belongs to another pod, or the keys differ.
 * - `invalid-response`: the response does not follow the contract.
 * - The others are reasons that the agent gives.
 */
export type AgentFailureReason = 'timeout' | 'other-agent' | 'invalid-response' | AgentError['reason'];

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
