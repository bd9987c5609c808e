import { expect, it } from 'vitest';
import { testConfig, withAgents } from '../../../tests/support/sessions/config.ts';
import { registered } from '../../../tests/support/sessions/manifests.ts';
import { agentVariable } from '../../session-contract/agent.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { readRcloneSettings } from '../../session-tools/agent/sync/rclone/settings.ts';
import { buildJupyterServer } from './build.ts';

const secret = 'the first secret, of at least 32 characters';
type Sync = ReturnType<typeof testConfig>['sessions']['sync'];

/** Returns the variables of the agent in the manifest. */
function variablesWith(sync: Sync): Record<string, string> {
  const made = JSON.stringify(buildJupyterServer(registered, testConfig({ ...withAgents(secret), sync })));
  const found: Record<string, string> = {};
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (
      'name' in value &&
      value.name === sessionContainer.gitSidecar.name &&
      'env' in value &&
      Array.isArray(value.env)
    )
      for (const { name, value: text } of value.env) found[name] = text;
    Object.values(value).forEach(collect);
  };
  collect(JSON.parse(made));
  return found;
}

it('gives the agent what the configuration permits for file sync', () => {
  const sync = {
    ...{ remotes: ['webdav', 'local'] as const, allowed_networks: ['10.0.0.0/8', 'fd00::/8'] },
    local_folders: ['/data/a b', '/mnt'],
  };
  const invalid: string[] = [];
  expect(readRcloneSettings(variablesWith(sync), invalid)).toEqual({
    ...{ rclone: 'rclone', install: undefined, allowedNetworks: ['10.0.0.0/8', 'fd00::/8'] },
    policy: { types: ['webdav', 'local'], localFolders: ['/data/a b', '/mnt'] },
  });
  expect(invalid).toEqual([]);
});

it('gives the agent no variables of file sync by default', () => {
  const variables = variablesWith(testConfig().sessions.sync);
  expect(Object.keys(variables)).toContain(agentVariable.port);
  expect(Object.keys(variables).filter((name) => name.includes('SYNC'))).toEqual([]);
  expect(readRcloneSettings(variables, []).policy).toEqual({ types: ['webdav', 's3', 'sftp'], localFolders: [] });
});
