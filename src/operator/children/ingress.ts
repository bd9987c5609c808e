import type { JupyterServerSpec } from '../../jupyter-server/types.ts';
import type { SessionUrl } from '../session-url.ts';
import type { Manifest } from './manifest.ts';

/** Returns the Ingress. As in Amalthea, the annotations or patches of the JupyterServer set the ingress class. */
export function renderIngress(name: string, spec: JupyterServerSpec, url: SessionUrl): Manifest {
  const { ingressAnnotations = {}, tls } = spec.routing ?? {};
  const backend = { service: { name, port: { number: 80 } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name, annotations: ingressAnnotations },
    spec: {
      rules: [{ host: url.hostname, http: { paths: [{ path: url.path, pathType: 'Prefix', backend }] } }],
      ...(tls?.enabled
        ? { tls: [{ hosts: [url.hostname], ...(tls.secretName ? { secretName: tls.secretName } : {}) }] }
        : {}),
    },
  };
}
