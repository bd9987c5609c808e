import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cloneVariable } from '../../../session-contract/clone.ts';
import { sessionContainer } from '../../../session-contract/containers.ts';
import { credentialFile, credentialsFolder, gitProxyVariable } from '../../../session-contract/git-proxy.ts';
import { makeDirectory, writePrivateFile } from '../../machine/private-files.ts';
import type { PodContext } from '../pod/context.ts';
import { podPort } from '../pod/ports.ts';
import type { Container } from '../types.ts';

const { gitProxy } = sessionContainer;

/** This project's program. */
export const gitProxyProgram = fileURLToPath(new URL('../../../session-tools/git-proxy/main.ts', import.meta.url));

export const hasGitProxy = ({ pod }: PodContext): boolean =>
  pod.spec?.containers?.some(({ name }) => name === gitProxy.name) === true;

/** Returns the port of the pod's git proxy; undefined if the pod has none. */
export const gitProxyPort = async (context: PodContext): Promise<number | undefined> =>
  hasGitProxy(context) ? await podPort(context, gitProxy.name, gitProxy.port) : undefined;

/**
 * Returns variables with the address of the pod's git proxy, for git-clone, which writes the address into the configuration of
 * git, and for the proxy.
 */
export async function gitProxyVariables(context: PodContext): Promise<Record<string, string>> {
  const port = await gitProxyPort(context);
  if (port === undefined) return {};
  const { address, machine } = context;
  return {
    [gitProxyVariable.host]: address,
    [gitProxyVariable.port]: String(port),
    [cloneVariable.gitProxyPort]: String(port),
    // The kubelet sees the process itself.
    [gitProxyVariable.healthPort]: '0',
    // The kubelet ends the proxy after the agent.
    [gitProxyVariable.waitForAgent]: '0',
    ...(machine.gatewayUrl === undefined ? {} : { [gitProxyVariable.platformUrl]: machine.gatewayUrl }),
    // The connections of the proxy are those of the machine's owner: no other user may have them.
    [gitProxyVariable.tunnel]: '0',
  };
}

/**
 * Returns the variable with the folder of the credentials of an anonymous session, which has no Secret. This machine's git server
 * requires a token for every request, so the session gets one that reads its repository.
 */
export async function readTokenVariables(
  { volumeMounts }: Container,
  variables: Record<string, string>,
  { machine, directory }: PodContext,
): Promise<Record<string, string>> {
  const isMounted = volumeMounts?.some(({ mountPath }) => mountPath === credentialsFolder);
  if (isMounted || variables[cloneVariable.oauthToken]) return {};
  const url = variables[cloneVariable.repositoryUrl] ?? variables[gitProxyVariable.repositoryUrl];
  const token = machine.readToken?.(url ?? '');
  if (token === undefined) return {};
  const own = join(directory.root, 'credentials');
  await makeDirectory(own);
  await writePrivateFile(join(own, credentialFile.gitToken), token);
  return { [gitProxyVariable.credentialsFolder]: own };
}
