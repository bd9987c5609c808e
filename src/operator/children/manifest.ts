import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { ResourceType } from '../../platform/kubernetes/types.ts';

/** The body of the request that creates a child. Patches can add any field. */
export interface Manifest extends KubernetesObject {
  [field: string]: unknown;
}

/** Children by key. Patches (`/statefulset/spec/...`) and `status.children` use the same keys. */
export type Children = Record<string, Manifest>;

export interface ChildKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly type: ResourceType;
}

/** The kinds of children that this operator can create. Patches may add objects of these kinds under other keys. */
export const childKinds: readonly ChildKind[] = [
  { apiVersion: 'v1', kind: 'Service', type: resource.services },
  { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', type: resource.ingresses },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', type: resource.statefulSets },
  { apiVersion: 'v1', kind: 'ConfigMap', type: resource.configMaps },
  { apiVersion: 'v1', kind: 'Secret', type: resource.secrets },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim', type: resource.persistentVolumeClaims },
  { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', type: resource.httpRoutes },
  { apiVersion: 'com.ie.ibm.hpsys/v1alpha1', kind: 'Dataset', type: resource.datasets },
];

/** Names of volumes, files and keys that occur in more than one child. */
export const shared = {
  workspaceVolume: 'workspace',
  secretKey: {
    jupyterToken: 'jupyterServerAppToken',
    jupyterCookieSecret: 'jupyterServerCookieSecret',
    oidcClientSecret: 'oidcClientSecret',
    oauth2ProxyCookieSecret: 'oauth2ProxyCookieSecret',
  },
  file: {
    notebookConfig: 'jupyter_notebook_config.py',
    serverConfig: 'jupyter_server_config.py',
    authorizedUsers: 'authorized-users.txt',
    traefikConfig: 'traefik-dynamic-config.yaml',
  },
  secretsFolder: '/etc/jupyter_server_secrets',
  cookieSecretFile: 'cookie_secret',
} as const;
