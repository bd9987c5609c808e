import { fileURLToPath } from 'node:url';
import { agentKeyFolder, agentPort, agentVariable } from '../../../session-contract/agent.ts';
import { sessionContainer } from '../../../session-contract/containers.ts';
import { gitProxyOrigin } from '../../../session-contract/git-proxy.ts';
import { choosePort } from '../pod/addresses.ts';
import { CannotStart, type PodContext } from '../pod/context.ts';
import { podPort, storedPort } from '../pod/ports.ts';
import { type Mount, realPath } from '../volumes/mounts.ts';
import { gitProxyPort } from './git-proxy.ts';
import { jupyterFile } from './jupyter.ts';

/** This project's program. */
export const agentProgram = fileURLToPath(new URL('../../../session-tools/agent/main.ts', import.meta.url));

/** Prints the path of rclone, which it installs when the first folder is synchronized. */
const rcloneProgram = fileURLToPath(new URL('../../rclone/main.ts', import.meta.url));

/** The name under which the port of the JSON-RPC is stored. */
const rpc = 'agent';

/** Returns the variables of the agent that depend on this machine: the addresses of its servers, and of Jupyter and the git proxy. */
export async function agentVariables(context: PodContext, mounts: readonly Mount[]): Promise<Record<string, string>> {
  const { address, directory } = context;
  const { cacheDir, environment } = context.machine;
  await requireFreePort(context);
  const proxyPort = await gitProxyPort(context);
  const keys = realPath(mounts, agentKeyFolder);
  return {
    GIT_RPC_HOST: address,
    GIT_RPC_PORT: String(await podPort(context, rpc, sessionContainer.gitSidecar.port)),
    // The git proxy has no health port here: the agent uses the proxy's own port.
    GIT_RPC_GIT_PROXY_HEALTH_PORT: '0',
    [agentVariable.jupyterFile]: jupyterFile(directory),
    ...(keys === undefined ? {} : { [agentVariable.keyFolder]: keys }),
    ...(cacheDir === undefined
      ? {}
      : {
          [agentVariable.rcloneInstall]: JSON.stringify([
            process.execPath,
            rcloneProgram,
            environment.python,
            cacheDir,
          ]),
        }),
    ...(proxyPort === undefined ? {} : { [agentVariable.gitProxyUrl]: gitProxyOrigin(address, proxyPort) }),
  };
}

/** Service and operator connect to this port of the pod's address: another one cannot be used. */
async function requireFreePort({ address }: PodContext): Promise<void> {
  if ((await choosePort(address, agentPort)) === agentPort) return;
  throw new CannotStart(
    'CreateContainerError',
    `port ${agentPort}, on which the session's agent listens, is used by another program that listens on all addresses of this ` +
      'machine; stop that program',
  );
}

/** Returns the port of the agent's JSON-RPC at the pod's address; undefined if the agent was not started yet. */
export const agentRpcPort = (context: PodContext): Promise<number | undefined> => storedPort(context, rpc);
