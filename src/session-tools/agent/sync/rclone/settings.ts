import { parseAddressRange } from '../../../../lib/address-ranges.ts';
import { parseJson } from '../../../../lib/json.ts';
import { agentVariable } from '../../../../session-contract/agent.ts';
import { defaultRemoteTypes } from '../../../../session-contract/sync-remote.ts';
import type { RemotePolicy } from './parameters.ts';
import type { ProgramSettings } from './program.ts';

export interface RcloneSettings extends ProgramSettings {
  readonly policy: RemotePolicy;
  /** Ranges of private addresses that remotes may have. */
  readonly allowedNetworks: readonly string[];
}

/** Reads the variables of file sync. Adds what is invalid to `invalid`. */
export function readRcloneSettings(
  variables: Readonly<Record<string, string | undefined>>,
  invalid: string[],
): RcloneSettings {
  const names = (variable: string): string[] | undefined =>
    variables[variable]?.split(',').filter((each) => each !== '');
  const texts = (variable: string): string[] | undefined => {
    const text = variables[variable];
    if (!text) return undefined;
    const value = parseJson(text);
    if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
    invalid.push(`${variable} is not a JSON array of texts`);
    return undefined;
  };
  const allowedNetworks = names(agentVariable.syncNetworks) ?? [];
  for (const each of allowedNetworks)
    if (!parseAddressRange(each)) invalid.push(`${agentVariable.syncNetworks}: ${each} is not an address range`);
  return {
    rclone: variables[agentVariable.rclone] || 'rclone',
    install: texts(agentVariable.rcloneInstall),
    policy: {
      types: names(agentVariable.syncTypes) ?? defaultRemoteTypes,
      localFolders: texts(agentVariable.syncLocalFolders) ?? [],
    },
    allowedNetworks,
  };
}
