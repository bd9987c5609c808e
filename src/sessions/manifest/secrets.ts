import type { Config } from '../../config/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

export interface Secret extends KubernetesObject {
  type: 'Opaque' | 'kubernetes.io/dockerconfigjson';
  /** Values in base64, by key. */
  data: Record<string, string>;
}

/** The session that owns a Secret. */
export type SecretOwner = Pick<Session, 'name' | 'namespace' | 'uid'>;

/** Returns a Secret that Kubernetes deletes with the session. `values` are plain text. */
export function ownedSecret(
  { name, namespace, uid }: SecretOwner,
  { amalthea: { group, version } }: Pick<Config, 'amalthea'>,
  secretName: string,
  type: Secret['type'],
  values: Readonly<Record<string, string>>,
): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type,
    metadata: {
      name: secretName,
      namespace,
      labels: { app: 'jupyter', component: 'singleuser-server' },
      ownerReferences: [
        // The Secret must be deleted before the object. Otherwise a new session with the same name would find the old Secret.
        { apiVersion: `${group}/${version}`, kind: 'JupyterServer', name, uid, blockOwnerDeletion: true },
      ],
    },
    data: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}
