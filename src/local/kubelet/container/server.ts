import { agentPort } from '../../../session-contract/agent.ts';
import { sessionContainer } from '../../../session-contract/containers.ts';
import type { PodContext } from '../pod/context.ts';
import type { Container } from '../types.ts';
import { agentRpcPort } from './agent.ts';
import { readToken, statusPath } from './jupyter.ts';
import { supervisorState } from './supervisor.ts';

/** The server of a container, which the kubelet probes. */
export interface ContainerServer {
  /** The pod's address. */
  readonly address: string;
  readonly port: number;
  /** Jupyter's own token; undefined if the probed path needs no token. */
  readonly token: string | undefined;
  /** The probed path. */
  readonly path: string;
  /** The port of the agent's JSON-RPC, which takes Jupyter's token. */
  readonly rpcPort?: number | undefined;
  /** The folder of the supervisor, which restarts a server that hangs. */
  readonly supervisor?: string | undefined;
}

export const jupyterServer = (container: Container, pod: PodContext, port: number, token: string): ContainerServer => ({
  ...{ address: pod.address, port, token, path: statusPath(container) },
  supervisor: supervisorState(container, pod),
});

/** The agent listens on the port to which service and operator connect. */
export const agentServer = ({ address }: PodContext, rpcPort: number | undefined): ContainerServer => ({
  ...{ address, port: agentPort, token: undefined, path: '/health', rpcPort },
});

/** Returns the server of a container that an earlier kubelet started on `port`; undefined if its token is lost. */
export async function adoptedServer(
  container: Container,
  pod: PodContext,
  port: number,
): Promise<ContainerServer | undefined> {
  if (container.name === sessionContainer.gitSidecar.name) return agentServer(pod, await agentRpcPort(pod));
  const token = await readToken(pod.directory);
  return token === undefined ? undefined : jupyterServer(container, pod, port, token);
}
