import type { JupyterServerReport, KernelReport, SyncReport } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import { createOwnAgents, type OwnAgentsParts } from '../own-agents.ts';
import type { AgentTarget, KernelChange, ServerChange, SessionAgents } from '../platform/session-agent/types.ts';

export interface KernelsParts extends OwnAgentsParts {
  readonly agents: SessionAgents;
}

/** The Jupyter server of a session and its kernels, as the supervisor in the session manages them. All methods throw ApiError. */
export interface Kernels {
  server(identity: Identity, name: string, deadline: Deadline): Promise<JupyterServerReport>;
  changeServer(
    identity: Identity,
    name: string,
    change: ServerChange,
    deadline: Deadline,
  ): Promise<JupyterServerReport>;
  list(identity: Identity, name: string, deadline: Deadline): Promise<KernelReport>;
  sync(identity: Identity, name: string, deadline: Deadline): Promise<SyncReport>;
  change(identity: Identity, name: string, id: string, change: KernelChange, deadline: Deadline): Promise<void>;
}

export function createKernels(parts: KernelsParts): Kernels {
  const { agents } = parts;
  const own = createOwnAgents(parts);

  const act = <T>(identity: Identity, name: string, deadline: Deadline, call: (target: AgentTarget) => Promise<T>) =>
    own.call(
      identity,
      name,
      {
        cannot: `The kernels of the session ${name} cannot be changed.`,
        failed: `The supervisor of the session ${name} did not do what was requested.`,
      },
      deadline,
      call,
    );

  const read = <T>(identity: Identity, name: string, deadline: Deadline, call: (target: AgentTarget) => Promise<T>) =>
    own.report(identity, name, `The agent of the session ${name} did not report.`, deadline, call);

  return {
    async server(identity, name, deadline) {
      const { unavailable, found } = await read(identity, name, deadline, (target) => agents.server(target, deadline));
      return { unavailable, server: found ?? null };
    },

    async changeServer(identity, name, change, deadline) {
      const server = await act(identity, name, deadline, (target) => agents.changeServer(target, change, deadline));
      return { unavailable: null, server };
    },

    async list(identity, name, deadline) {
      const { unavailable, found } = await read(identity, name, deadline, (target) => agents.kernels(target, deadline));
      return { unavailable, kernels: found?.kernels ?? [], jupyter: found?.jupyter ?? null };
    },

    sync: (identity, name, deadline) => act(identity, name, deadline, (target) => agents.syncKernels(target, deadline)),

    change: (identity, name, id, change, deadline) =>
      act(identity, name, deadline, (target) => agents.changeKernel(target, id, change, deadline)),
  };
}
