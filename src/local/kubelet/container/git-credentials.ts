import { join } from 'node:path';
import { cloneVariable } from '../../../session-contract/clone.ts';
import { makeDirectory, writePrivateFile } from '../../machine/private-files.ts';
import type { PodContext } from '../pod/context.ts';
import type { Container } from '../types.ts';
import { resolveVariables } from './environment-variables.ts';
import { roleOf } from './roles.ts';

/**
 * The variables of the pod's git-clone container. A session of an anonymous visitor has no token: on this machine, where
 * the git server serves no caller without a credential, it gets one that reads its repository.
 */
export function cloneVariables(clone: Container, { pod, references, machine }: PodContext): Record<string, string> {
  const variables = resolveVariables(clone, pod, references);
  if (variables[cloneVariable.oauthToken]) return variables;
  const token = machine.readToken?.(variables[cloneVariable.repositoryUrl] ?? '');
  return token === undefined ? variables : { ...variables, [cloneVariable.oauthToken]: token };
}

/**
 * Variables with which git in a session signs in at the git server, and nowhere else, as the clone did. On this machine
 * a session runs as its owner: the token waits in a file that only they can read, and nothing else of theirs (helpers,
 * ~/.netrc) is asked for that server. None where the session has no token.
 */
export async function gitVariables(context: PodContext): Promise<Record<string, string>> {
  const { pod, directory } = context;
  const clone = pod.spec?.initContainers?.find((container) => roleOf(container, true) === 'git-clone');
  if (!clone) return {};
  const variables = cloneVariables(clone, context);
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
