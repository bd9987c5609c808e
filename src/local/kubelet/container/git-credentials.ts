import { join } from 'node:path';
import { cloneVariable } from '../../../session-contract/clone.ts';
import { sessionContainer } from '../../../session-contract/containers.ts';
import { makeDirectory, writePrivateFile } from '../../machine/private-files.ts';
import type { PodContext } from '../pod/context.ts';
import { resolveVariables } from './environment-variables.ts';

/**
 * Returns variables with which git signs in at the git server, and at no other server, in a session without a git proxy, which an
 * earlier release created; none for a session without a token. The session runs as the machine's owner: the token is in a file that only this user can
 * read, and the user's own credential helpers are not used for that server.
 */
export async function gitVariables(context: PodContext): Promise<Record<string, string>> {
  const { pod, directory, references, machine } = context;
  const clone = pod.spec?.initContainers?.find(({ name }) => name === sessionContainer.gitClone.name);
  if (!clone) return {};
  const variables = resolveVariables(clone, pod, references);
  const token =
    variables[cloneVariable.oauthToken] ?? machine.readToken?.(variables[cloneVariable.repositoryUrl] ?? '');
  const server = variables[cloneVariable.gitUrl];
  if (!token || !server) return {};
  const { origin, protocol, host } = new URL(server);
  const file = join(directory.jupyter, 'git-credentials');
  await makeDirectory(directory.jupyter);
  await writePrivateFile(file, `${protocol}//oauth2:${encodeURIComponent(token)}@${host}\n`);
  const helper = `credential.${origin}.helper`;
  return {
    GIT_CONFIG_COUNT: '2',
    // An empty value removes the helpers of the user's configuration.
    GIT_CONFIG_KEY_0: helper,
    GIT_CONFIG_VALUE_0: '',
    GIT_CONFIG_KEY_1: helper,
    GIT_CONFIG_VALUE_1: `store --file='${file.replaceAll("'", "'\\''")}'`,
  };
}
