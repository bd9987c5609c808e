import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { ResourceType } from '../../platform/kubernetes/types.ts';

/** A child as it is sent to the API server, before or after patches; patches may put anything in. */
export interface Manifest extends KubernetesObject {
  [field: string]: unknown;
}

/** Children by their key: what patches address (`/statefulset/spec/...`) and what `status.children` is keyed by. */
export type Children = Record<string, Manifest>;

export interface ChildKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly type: ResourceType;
}

/** The kinds of children that this operator knows; patches may add objects of these, under keys of their own. */
export const childKinds: readonly ChildKind[] = [
  { apiVersion: 'v1', kind: 'Service', type: resource.services },
  { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', type: resource.ingresses },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', type: resource.statefulSets },
  { apiVersion: 'v1', kind: 'ConfigMap', type: resource.configMaps },
  { apiVersion: 'v1', kind: 'Secret', type: resource.secrets },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim', type: resource.persistentVolumeClaims },
  { apiVersion: 'com.ie.ibm.hpsys/v1alpha1', kind: 'Dataset', type: resource.datasets },
];

/** Names of volumes, files and ports on which two children must agree. */
export const shared = {
  workspaceVolume: 'workspace',
  jupyterPort: 8888,
  proxyPort: 4180,
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
