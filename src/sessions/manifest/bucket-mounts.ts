import type { Config, ManifestConfig } from '../../config/types.ts';
import type { JsonPatchOperation } from '../../jupyter-server/types.ts';
import {
  azureAccount,
  type CloudStorage,
  type CloudStorageWithKeys,
  isSharedAccessSignature,
} from './cloud-storage.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';
import { ownedSecret, type Secret, type SecretOwner } from './secrets.ts';

/** The same names as in renku-notebooks. */
const mountName = (session: string, index: number): string => `${session}-ds-${index}`;
const secretName = (session: string, index: number): string => `${mountName(session, index)}-secret`;

/** Returns one patch for each bucket, with its volume, the mount in the Jupyter container, and its Dataset if needed. */
export function bucketMounts(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  const { mount_folder } = config.cloud_storage;
  return input.cloudStorage.map((storage, index) => {
    const name = mountName(input.name, index);
    const volume = storage.kind === 's3' ? s3(input, storage, index, config) : azureBlob(input, storage, index, config);
    const mount = { name, mountPath: `${mount_folder}/${storage.bucket}` };
    return jsonPatch(...volume, add(`/containers/${containerIndex.jupyterServer}/volumeMounts/-`, mount));
  });
}

/** Returns the Dataset of a bucket. Datashim creates a claim with the same name. */
function s3(
  input: ManifestInput,
  storage: CloudStorage,
  index: number,
  { cloud_storage, k8s }: Pick<Config, 'cloud_storage' | 'k8s'>,
) {
  const name = mountName(input.name, index);
  const keys = storage.isPrivate
    ? {
        'secret-name': secretName(input.name, index),
        'secret-namespace': k8s.sessions_namespace ?? k8s.renku_namespace,
      }
    : // Datashim requires keys for public buckets, too.
      { accessKeyID: '', secretAccessKey: 'secret' };
  const local = {
    type: 'COS',
    endpoint: storage.endpoint,
    bucket: storage.bucket,
    readonly: String(cloud_storage.s3.read_only),
    ...keys,
  };
  const dataset = {
    apiVersion: 'com.ie.ibm.hpsys/v1alpha1',
    kind: 'Dataset',
    metadata: { name, annotations: { 'renku.io/mount_folder': cloud_storage.mount_folder } },
    spec: { local },
  };
  return [
    { op: 'add', path: `/${name}`, value: dataset } satisfies JsonPatchOperation,
    add('/volumes/-', { name, persistentVolumeClaim: { claimName: name } }),
  ];
}

/**
 * Returns a volume of Azure's driver for the pod's spec. renku-notebooks created PersistentVolumes instead. Those have no
 * namespace, so a session could not own them, and they were never deleted.
 */
function azureBlob(
  input: ManifestInput,
  { bucket, endpoint }: CloudStorage,
  index: number,
  { cloud_storage }: Pick<Config, 'cloud_storage'>,
) {
  const { read_only } = cloud_storage.azure_blob;
  const volumeAttributes = {
    containerName: bucket,
    secretName: secretName(input.name, index),
    server: new URL(endpoint).hostname,
    mountOptions: `-o allow_other --file-cache-timeout-in-seconds=120${read_only ? ' -o ro' : ''}`,
  };
  const csi = { driver: 'blob.csi.azure.com', readOnly: read_only, volumeAttributes };
  return [add('/volumes/-', { name: mountName(input.name, index), csi })];
}

/** Returns the Secrets with the access keys of the private buckets, in the format of each driver. */
export const bucketSecrets = (
  owner: SecretOwner,
  storages: readonly CloudStorageWithKeys[],
  config: ManifestConfig,
): Secret[] =>
  storages.flatMap((storage, index) =>
    storage.isPrivate ? [ownedSecret(owner, config, secretName(owner.name, index), 'Opaque', keysOf(storage))] : [],
  );

function keysOf({ kind, endpoint, accessKey = '', secretKey = '' }: CloudStorageWithKeys): Record<string, string> {
  if (kind === 's3') return { accessKeyID: accessKey, secretAccessKey: secretKey };
  const key = isSharedAccessSignature(secretKey) ? 'azurestorageaccountsastoken' : 'azurestorageaccountkey';
  return { azurestorageaccountname: azureAccount(endpoint) ?? '', [key]: secretKey };
}
