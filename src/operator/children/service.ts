import { sessionContainer } from '../../session-contract/containers.ts';
import type { Manifest } from './manifest.ts';

/**
 * Returns the Service of the session's proxy. The Service selects the pod by the label `app`, whose value is the name of the
 * session even if the JupyterServer itself has a different label `app`.
 */
export function renderService(name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: { app: name } },
    spec: {
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: sessionContainer.oauth2Proxy.port }],
      selector: { app: name },
    },
  };
}
