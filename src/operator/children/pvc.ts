import type { JupyterServerSpec } from '../../jupyter-server/types.ts';
import { defaults } from './defaults.ts';
import type { Manifest } from './manifest.ts';

/** Returns the PersistentVolumeClaim for the session's files, which remain when the pod is deleted. */
export function renderPersistentVolumeClaim(name: string, { storage }: JupyterServerSpec): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: storage?.size || defaults.storageSize } },
      ...(storage?.pvc?.storageClassName ? { storageClassName: storage.pvc.storageClassName } : {}),
    },
  };
}
