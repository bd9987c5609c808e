import { isolatedEnvironment, safeConfiguration } from '../git-clone/environment.ts';

/**
 * Returns the environment of git for scans and saves. Repositories of another user of the pod are read, too, because their
 * configuration does not take effect.
 */
export const saveEnvironment = (inherited: Readonly<Record<string, string | undefined>>): Record<string, string> => ({
  ...isolatedEnvironment(inherited, [
    ...safeConfiguration,
    ['safe.directory', '*'],
    ['core.quotePath', 'false'],
    ['protocol.version', '2'],
  ]),
});
