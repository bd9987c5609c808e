import { sessionContainer } from '../../session-contract/containers.ts';
import type { Manifest } from './manifest.ts';

/**
 * Returns the Service of the session's proxy. It is headless, as in Amalthea 0.15 and later: ingress controllers connect to the
 * pod itself, and the API server allocates a cluster IP slowly if many Services exist. The Service selects the pod by the label
 * `app`, whose value is the name of the session even if the JupyterServer itself has a different label `app`.
 */
export function renderService(name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: { app: name } },
    spec: {
      clusterIP: 'None',
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: sessionContainer.oauth2Proxy.port }],
      selector: { app: name },
    },
  };
}
