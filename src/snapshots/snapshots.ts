import type { Operation, SnapshotReport } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import { createOwnAgents, type OwnAgentsParts } from '../own-agents.ts';
import type { AgentTarget, SessionAgents, SnapshotOfKernel, SnapshotRequest } from '../platform/session-agent/types.ts';
import { present } from '../work/present.ts';

export interface SnapshotsParts extends OwnAgentsParts {
  readonly agents: SessionAgents;
}

/** A kernel in one of the caller's sessions. */
export interface KernelOfSession {
  /** The name of the session. */
  readonly name: string;
  readonly kernelId: string;
}

/** Snapshots of the kernels of a session, which its supervisor takes. All methods throw ApiError. */
export interface Snapshots {
  list(identity: Identity, kernel: KernelOfSession, deadline: Deadline): Promise<SnapshotReport>;
  setAutomatic(
    identity: Identity,
    kernel: KernelOfSession,
    automatic: boolean,
    deadline: Deadline,
  ): Promise<SnapshotReport>;
  take(identity: Identity, kernel: KernelOfSession, request: SnapshotRequest, deadline: Deadline): Promise<Operation>;
  restore(
    identity: Identity,
    snapshot: KernelOfSession & SnapshotOfKernel,
    force: boolean,
    deadline: Deadline,
  ): Promise<Operation>;
  /** Deletes one snapshot, or without an id all of the kernel. */
  remove(
    identity: Identity,
    snapshot: KernelOfSession & { readonly snapshotId?: string },
    deadline: Deadline,
  ): Promise<void>;
}

export function createSnapshots(parts: SnapshotsParts): Snapshots {
  const { agents } = parts;
  const own = createOwnAgents(parts);

  const act = <T>(identity: Identity, name: string, deadline: Deadline, call: (target: AgentTarget) => Promise<T>) =>
    own.call(
      identity,
      name,
      {
        cannot: `The session ${name} has no snapshots now.`,
        failed: `The snapshot of the session ${name} cannot be used.`,
      },
      deadline,
      call,
    );

  return {
    async list(identity, { name, kernelId }, deadline) {
      const message = `The snapshots of the session ${name} could not be read.`;
      const { unavailable, found } = await own.report(identity, name, message, deadline, (target) =>
        agents.snapshots(target, kernelId, deadline),
      );
      return { ...(found ?? none), unavailable };
    },

    async setAutomatic(identity, { name, kernelId }, automatic, deadline) {
      const report = await act(identity, name, deadline, (target) =>
        agents.setAutomaticSnapshots(target, kernelId, automatic, deadline),
      );
      return { unavailable: null, ...report };
    },

    take: async (identity, { name, kernelId }, request, deadline) =>
      present(
        await act(identity, name, deadline, (target) => agents.takeSnapshot(target, kernelId, request, deadline)),
      ),

    restore: async (identity, { name, ...which }, force, deadline) =>
      present(await act(identity, name, deadline, (target) => agents.restoreSnapshot(target, which, force, deadline))),

    remove: (identity, { name, ...which }, deadline) =>
      act(identity, name, deadline, (target) => agents.deleteSnapshots(target, which, deadline)),
  };
}

const none = {
  ...{ snapshots: [], engines: [], automatic: false, automatic_error: null, used_bytes: 0, quota_bytes: 0 },
};
