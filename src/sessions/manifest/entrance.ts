import type { ManifestConfig } from '../../config/types.ts';
import { type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';
import { routing } from './server.ts';

/**
 * Adds how browsers reach the session, where the configuration names it: the class of the Ingress, or an HTTPRoute of the
 * Gateway API in place of the Ingress.
 */
export function entrance(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  const { class_name, gateway } = config.sessions.ingress;
  if (gateway === null)
    return class_name === null
      ? []
      : [jsonPatch({ op: 'add', path: '/ingress/spec/ingressClassName', value: class_name })];
  const { host, path } = routing(input, config);
  const { name, namespace, section } = gateway;
  const value = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: input.name },
    spec: {
      parentRefs: [{ name, ...(namespace ? { namespace } : {}), ...(section ? { sectionName: section } : {}) }],
      // A route matches names without a port.
      hostnames: [String(host).replace(/:\d+$/, '')],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: path } }],
          backendRefs: [{ name: input.name, port: 80 }],
          // Kernels use WebSockets, which stay open.
          timeouts: { request: '0s' },
        },
      ],
    },
  };
  return [jsonPatch({ op: 'remove', path: '/ingress' }, { op: 'add', path: '/httproute', value })];
}
