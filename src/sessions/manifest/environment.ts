import type { ManifestConfig } from '../../config/types.ts';
import { ApiError, errorKind } from '../../errors.ts';
import { sessionPath } from '../../jupyter-server/session-path.ts';
import { fromVariables } from './credential-keys.ts';
import {
  add,
  containerIndex,
  type JsonPatch,
  jsonPatch,
  type ManifestInput,
  mountPathOf,
  repositoryPath,
  sessionsOrigin,
} from './input.ts';

/** Variables that the operator's template sets in the same container. */
const operatorVariables: readonly string[] = ['SERVER_APP_TOKEN', 'JUPYTER_CONFIG_PATH'];

/**
 * Adds the variables of the session and of the user. Throws ApiError 1004 if a variable of the user would change the value of
 * a variable of the session.
 */
export function environment(input: ManifestInput, config: ManifestConfig): JsonPatch {
  const own = sessionVariables(input, config);
  const changed = Object.entries(input.environment)
    .filter(([name, value]) => operatorVariables.includes(name) || (own.has(name) && own.get(name) !== value))
    .map(([name]) => name);
  if (changed.length > 0) {
    throw new ApiError(errorKind.reservedVariable, `The session sets ${changed.join(', ')} itself.`, {
      fields: changed.map((name) => ({
        path: `body.environment_variables.${name}`,
        message: 'is set by the session itself',
      })),
    });
  }
  const users = Object.keys(input.environment).filter((name) => !own.has(name));
  const path = `/containers/${containerIndex.jupyterServer}/env/-`;
  return jsonPatch(
    ...[...own].map(([name, value]) => add(path, { name, value })),
    ...users.map((name) => add(path, fromVariables(name, input.name))),
  );
}

function sessionVariables(input: ManifestInput, config: ManifestConfig): Map<string, string> {
  const { repository, user } = input;
  return new Map([
    ['GIT_AUTOSAVE', repository.mayPush ? '1' : '0'],
    ['RENKU_USERNAME', user.username],
    ['CI_COMMIT_SHA', repository.commitSha],
    ['NOTEBOOK_DIR', `${mountPathOf(input, config)}/${repository.folder}`],
    ['MOUNT_PATH', repositoryPath(repository)],
    ['SESSION_URL', sessionsOrigin(config) + sessionPath(input.name)],
    ['PROJECT_NAME', repository.project],
    ['GIT_CLONE_REPO', 'true'],
  ]);
}
