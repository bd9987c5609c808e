import type { ManifestConfig } from '../../config/types.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { auth } from './auth.ts';
import { bucketMounts } from './bucket-mounts.ts';
import { certificates } from './certificates.ts';
import { defaultPage } from './default-page.ts';
import { entrance } from './entrance.ts';
import { environment } from './environment.ts';
import { gitClone } from './git-clone.ts';
import { gitProxy } from './git-proxy.ts';
import { gitSidecar } from './git-sidecar.ts';
import { imageDownload } from './image-download.ts';
import type { ManifestInput } from './input.ts';
import { metadata } from './metadata.ts';
import { proxyCertificates, unverifiedEmail } from './oauth2-proxy.ts';
import { privateVolumes } from './private-folder.ts';
import { imagePullSecret } from './pull-secret.ts';
import { rEnvironment } from './r-environment.ts';
import { containerOrder, noServiceLinks, scheduling, securityContext, volumePermissions } from './scheduling.ts';
import { culling, jupyterServer, routing, storage } from './server.ts';
import { sharedMemory } from './shared-memory.ts';
import { ssh } from './ssh.ts';
import { commandArguments, supervisor } from './supervisor.ts';

/**
 * Returns the JupyterServer of a launch. Pure: the result is the same for the same input, byte by byte. The order of the
 * patches matters, because the operator appends the init containers in this order, and they run in this order.
 * Throws ApiError 1004 if a variable of the user would change a variable of the session.
 */
export function buildJupyterServer(input: ManifestInput, config: ManifestConfig): JupyterServer {
  return {
    apiVersion: `${config.amalthea.group}/${config.amalthea.version}`,
    kind: 'JupyterServer',
    metadata: metadata(input, config),
    spec: {
      auth: auth(input, config),
      culling: culling(input, config),
      jupyterServer: jupyterServer(input, config),
      routing: routing(input, config),
      storage: storage(input, config),
      patches: [
        ...containerOrder(input, config),
        ...scheduling(input, config),
        ...securityContext(config),
        volumePermissions(),
        sharedMemory(input),
        ...commandArguments(input, config),
        ...supervisor(input, config),
        defaultPage(input, config),
        environment(input, config),
        ...imagePullSecret(input),
        noServiceLinks(),
        ...rEnvironment(input),
        ...privateVolumes(input, config),
        ...gitProxy(input, config),
        ...gitSidecar(input, config),
        ...unverifiedEmail(input, config),
        ...bucketMounts(input, config),
        ...ssh(config),
        ...entrance(input, config),
        ...certificates(config),
        imageDownload(input),
        gitClone(input, config),
        ...proxyCertificates(input),
      ],
    },
  };
}
