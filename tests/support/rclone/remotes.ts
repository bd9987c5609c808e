import type { Credentials } from '../../../src/session-contract/sync-remote.ts';
import { createRclone, type Rclone } from '../../../src/session-tools/agent/sync/rclone/daemon.ts';
import { type ForwardProxy, startForwardProxy } from '../../../src/session-tools/agent/sync/rclone/proxy.ts';
import { openRemote } from '../../../src/session-tools/agent/sync/rclone/remote.ts';
import type { Remote } from '../../../src/session-tools/agent/sync/remote.ts';
import type { RemoteSettings } from '../../../src/session-tools/agent/sync/sync-folder.ts';
import { installedRclone } from './servers.ts';

/** rclone with its proxy, as the agent has them, which may connect to this machine. */
export interface TestTransport extends AsyncDisposable {
  readonly rclone: Rclone;
  readonly proxy: ForwardProxy;
  open(remote: RemoteSettings, credentials: Credentials, localFolders?: readonly string[]): Promise<Remote>;
}

export async function startTransport(): Promise<TestTransport> {
  const program = await installedRclone();
  const proxy = await startForwardProxy({ allowedNetworks: ['127.0.0.1'] });
  const rclone = createRclone({
    program: async () => program,
    proxyUrl: proxy.url,
    variables: {},
    log: () => undefined,
  });
  return {
    rclone,
    proxy,
    open: (remote, credentials, localFolders = []) =>
      openRemote(
        {
          ...{ rclone, proxy, remote, credentials },
          policy: { types: ['webdav', 's3', 'sftp', 'local'], localFolders },
        },
        new AbortController().signal,
      ),
    async [Symbol.asyncDispose]() {
      await rclone.close();
      proxy.close();
    },
  };
}
