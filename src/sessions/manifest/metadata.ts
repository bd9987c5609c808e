import type { ManifestConfig } from '../../config/types.ts';
import { annotation, isLabelValue, label } from '../../jupyter-server/labels.ts';
import { writeLaunchOptions } from '../../jupyter-server/launch-options.ts';
import type { ObjectMeta } from '../../platform/kubernetes/objects.ts';
import { agentSecretId } from '../../session-contract/agent-key.ts';
import { credentialsSecretName, variablesSecretName } from './credential-keys.ts';
import { isCredentialsSecretNeeded } from './credentials.ts';
import { hasAgent } from './git-sidecar.ts';
import type { ManifestInput } from './input.ts';
import { launchOptions } from './launch-options.ts';
import { isPullSecretNeeded, pullSecretName } from './pull-secret.ts';
import { isVariablesSecretNeeded } from './variables.ts';

/**
 * Returns the metadata of the JupyterServer. Labels and annotations are those of renku-notebooks, so that its clients, and
 * renku-notebooks itself after a rollback, find the session. Values that Kubernetes does not allow in a label (`_bob`, an id
 * with a colon, the 64 digits of a SHA-256 commit) are left out. This service does not need them: it uses a separate label for
 * the owner, and filters compare annotations.
 */
export function metadata(input: ManifestInput, config: ManifestConfig): ObjectMeta {
  const { user, repository, image } = input;
  const labels = {
    [label.app]: 'jupyter',
    [label.component]: 'singleuser-server',
    [label.commitSha]: repository.commitSha,
    [label.gitlabProjectId]: String(repository.gitlabProjectId),
    [label.safeUsername]: user.safeUsername,
    [label.quota]: input.resources.priorityClass ?? '',
    [label.userId]: user.id,
    [label.owner]: user.owner,
  };
  return {
    name: input.name,
    labels: Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== '' && isLabelValue(value))),
    annotations: {
      [annotation.commitSha]: repository.commitSha,
      [annotation.requestedRef]: repository.requestedCommit,
      [annotation.gitlabProjectId]: String(repository.gitlabProjectId),
      [annotation.safeUsername]: user.safeUsername,
      [annotation.username]: user.username,
      [annotation.userId]: user.id,
      [annotation.servername]: input.name,
      [annotation.branch]: repository.branch,
      [annotation.defaultBranch]: String(repository.isDefaultBranch),
      [annotation.gitHost]: new URL(config.git.url).host,
      [annotation.namespace]: repository.namespace,
      [annotation.projectName]: repository.project,
      [annotation.requestedImage]: image.requested ?? '',
      [annotation.repository]: repository.webUrl,
      [annotation.launchOptions]: writeLaunchOptions(launchOptions(input)),
      [annotation.launchId]: input.launchId,
      ...(isCredentialsSecretNeeded(input)
        ? { [annotation.credentialsSecret]: credentialsSecretName(input.name) }
        : {}),
      ...(isVariablesSecretNeeded(input) ? { [annotation.variablesSecret]: variablesSecretName(input.name) } : {}),
      ...agentAnnotations(input, config),
      ...(isPullSecretNeeded(input) ? { [annotation.pullSecret]: pullSecretName(input.name) } : {}),
    },
  };
}

function agentAnnotations(input: ManifestInput, config: ManifestConfig): Record<string, string> {
  const [secret] = config.sessions.agent_secrets;
  if (secret === undefined || !hasAgent(input, config)) return {};
  const mayPush = input.repository.mayPush ? {} : { [annotation.mayPush]: 'false' };
  return { [annotation.agentSecret]: agentSecretId(secret), ...mayPush };
}
