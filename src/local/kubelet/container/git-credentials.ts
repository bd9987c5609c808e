import { join } from 'node:path';
import { cloneVariable } from '../../../session-contract/clone.ts';
import type { PodContext } from '../pod/context.ts';
import { makeDirectory, writePrivateFile } from '../pod/directory.ts';
import { resolveVariables } from './environment-variables.ts';
import { roleOf } from './roles.ts';

/**
 * Variables with which git in a session signs in at the git server, and nowhere else, as the clone did. On this machine
 * a session runs as its owner: the token waits in a file that only they can read, and nothing else of theirs (helpers,
 * ~/.netrc) is asked for that server. None where the session has no token.
 */
export async function gitVariables({ pod, references, directory }: PodContext): Promise<Record<string, string>> {
  const clone = pod.spec?.initContainers?.find((container) => roleOf(container, true) === 'git-clone');
  if (!clone) return {};
  const variables = resolveVariables(clone, pod, references);
  const token = variables[cloneVariable.oauthToken];
  const server = variables[cloneVariable.gitUrl];
  if (!token || !server) return {};
  const { origin, protocol, host } = new URL(server);
  const file = join(directory.jupyter, 'git-credentials');
  await makeDirectory(directory.jupyter);
  await writePrivateFile(file, `${protocol}//oauth2:${encodeURIComponent(token)}@${host}\n`);
  const helper = `credential.${origin}.helper`;
  return {
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: helper,
    GIT_CONFIG_VALUE_0: '',
    GIT_CONFIG_KEY_1: helper,
    GIT_CONFIG_VALUE_1: `store --file='${file.replaceAll("'", "'\\''")}'`,
  };
}
