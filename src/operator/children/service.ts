import { type Manifest, shared } from './manifest.ts';

/** The Service in front of the session's proxy. The pod's label `app` is the session's name, whatever the CR's labels say. */
export function renderService(name: string): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: { app: name } },
    spec: {
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: shared.proxyPort }],
      selector: { app: name },
    },
  };
}
