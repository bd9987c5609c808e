import type { ResourceType } from '../platform/kubernetes/types.ts';

/**
 * The resource that Amalthea's CRD (crd.yaml) defines. The service and the operator take group, version and plural from
 * their configuration, with these defaults.
 */
export const jupyterServers = {
  group: 'amalthea.dev',
  version: 'v1alpha1',
  plural: 'jupyterservers',
} as const satisfies ResourceType;
