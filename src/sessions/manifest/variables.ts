import type { ManifestConfig } from '../../config/types.ts';
import { variableKey, variablesSecretName } from './credential-keys.ts';
import type { ManifestInput } from './input.ts';
import { environmentFile } from './r-environment.ts';
import { ownedSecret, type Secret, type SecretOwner } from './secrets.ts';

export const isVariablesSecretNeeded = ({ environment }: ManifestInput): boolean => Object.keys(environment).length > 0;

/**
 * Returns the Secret with the variables of the launch. The user's tokens are in another Secret, because a restart replaces
 * that Secret, and the service has no permission to read Secrets and copy the variables.
 */
export const variablesSecret = (
  owner: SecretOwner,
  environment: Readonly<Record<string, string>>,
  config: ManifestConfig,
): Secret => ownedSecret(owner, config, variablesSecretName(owner.name), 'Opaque', variableValues(environment));

export function variableValues(environment: Readonly<Record<string, string>>): Record<string, string> {
  const file = environmentFile(environment);
  return {
    ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [variableKey.variable(name), value])),
    ...(file === '' ? {} : { [variableKey.environmentFile]: file }),
  };
}
