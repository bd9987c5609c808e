import type { ResourceType } from './types.ts';

const core = (plural: string): ResourceType => ({ group: '', version: 'v1', plural });

/** The resources of Kubernetes, of the Gateway API and of Datashim that this project reads or writes. */
export const resource = {
  pods: core('pods'),
  secrets: core('secrets'),
  services: core('services'),
  configMaps: core('configmaps'),
  persistentVolumeClaims: core('persistentvolumeclaims'),
  events: core('events'),
  namespaces: core('namespaces'),
  statefulSets: { group: 'apps', version: 'v1', plural: 'statefulsets' },
  ingresses: { group: 'networking.k8s.io', version: 'v1', plural: 'ingresses' },
  httpRoutes: { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'httproutes' },
  /** A resource of Datashim: a bucket to mount as a volume. */
  datasets: { group: 'com.ie.ibm.hpsys', version: 'v1alpha1', plural: 'datasets' },
  leases: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' },
} as const satisfies Record<string, ResourceType>;
