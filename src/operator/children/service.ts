import { sessionContainer } from '../../session-contract/containers.ts';
import type { Manifest } from './manifest.ts';

/**
 * Returns the Service in front of the session's proxy. It selects the pod by the label `app`, which is the session's name
 * even if the JupyterServer has another label `app`.
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
