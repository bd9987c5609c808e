import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Credentials, checkRemote } from '../../../../session-contract/sync-remote.ts';
import { textOf } from '../../../saves/repository.ts';
import { writePrivate } from '../../../saves/volume.ts';
import { createVault } from '../credentials.ts';
import { createLocalRemote } from '../local-remote.ts';
import { RemoteError } from '../remote.ts';
import type { RemoteSettings, Remotes } from '../sync-folder.ts';
import type { Rclone } from './daemon.ts';
import { rcloneRemote, whyNotPermitted } from './parameters.ts';
import { permittedFolder } from './permitted-folder.ts';
import type { ForwardProxy } from './proxy.ts';
import type { RcloneSettings } from './settings.ts';

export interface RemotesOptions {
  readonly settings: RcloneSettings;
  /** The key of the session; undefined: it has none, and no credentials are stored. */
  readonly sessionKey: Buffer | undefined;
  /** The agent's folder on the session's volume. */
  readonly folder: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly log: (line: string) => void;
}

/**
 * Returns the connections to remotes through rclone, which starts with the first of them, and the credentials for them. A local folder
 * needs no rclone.
 */
export function createRemotes({ settings, sessionKey, folder, variables, log }: RemotesOptions): Remotes {
  const vault = sessionKey && createVault(sessionKey);
  const place = join(folder, 'sync-credentials');
  let transport: Promise<{ rclone: Rclone; proxy: ForwardProxy }> | undefined;

  async function start() {
    // Loaded by the first connection: most agents have none, and would need 2 MB more.
    const [{ startForwardProxy }, { createProgram }, { createRclone }] = await Promise.all([
      import('./proxy.ts'),
      import('./program.ts'),
      import('./daemon.ts'),
    ]);
    const proxy = await startForwardProxy({ allowedNetworks: settings.allowedNetworks });
    const program = createProgram(settings, variables, log);
    return { proxy, rclone: createRclone({ program, proxyUrl: proxy.url, variables, log }) };
  }

  async function find(id: string): Promise<Credentials | undefined> {
    const sealed = vault && (await textOf(join(place, id)));
    return sealed === undefined ? undefined : vault?.open(id, sealed);
  }

  /** Returns what was stored; nothing for a type without credentials. */
  async function require(id: string, remote: RemoteSettings): Promise<Credentials> {
    const found = await find(id);
    if (found) return found;
    if (checkRemote(remote, {}).length === 0) return {};
    throw new RemoteError(
      'unauthorized',
      `The session has no credentials for "${remote.name}" that it can read. Enter them again.`,
    );
  }

  return {
    async open({ id, remote }, signal) {
      // Without rclone, whose paths would follow links in the folder.
      if (remote.type === 'local') {
        const { root } = rcloneRemote(remote, {}, settings.policy, '');
        return createLocalRemote(await permittedFolder(root, settings.policy));
      }
      const credentials = await require(id, remote);
      transport ??= start();
      const { openRemote } = await import('./remote.ts');
      return await openRemote({ ...(await transport), policy: settings.policy, remote, credentials }, signal);
    },
    errorIn(remote, credentials) {
      const [invalid] = checkRemote(remote, credentials);
      return invalid ? `${invalid.member}: ${invalid.message}` : whyNotPermitted(remote, settings.policy);
    },
    hasCredentials: async (id) => (await find(id)) !== undefined,
    async storeCredentials(id, credentials) {
      if (!vault) throw new RemoteError('rejected', 'The session has no key with which credentials could be stored.');
      await writePrivate(place, id, vault.seal(id, credentials));
    },
    removeCredentials: (id) => rm(join(place, id), { force: true }),
    async end() {
      const started = await transport?.catch(() => undefined);
      await started?.rclone.close();
      started?.proxy.close();
    },
  };
}
