import type { Config } from '../../config/types.ts';
import { ApiError, errorKind } from '../../errors.ts';
import { azureAccount, type CloudStorageWithKeys } from '../manifest/cloud-storage.ts';

export interface CloudStorageEntry {
  readonly endpoint: string;
  readonly bucket: string;
  readonly access_key?: string | null;
  readonly secret_key?: string | null;
}

/** It becomes the name of a folder. S3's and Azure's rules, together. */
const bucketName = /^[a-z0-9]([a-z0-9]|[-.](?=[a-z0-9])|-){1,61}[a-z0-9]$/;

/**
 * What a launch asks for, one entry after the other; `wrong` is told of what cannot be. Nobody is asked whether the
 * buckets exist: the service does not call addresses that a request names. Throws ApiError 1003 for the address of
 * another service where only a key was given, which means Azure.
 */
export function requestedCloudStorage(
  entries: readonly CloudStorageEntry[],
  { cloud_storage: { s3, azure_blob } }: Config,
  wrong: (path: string, message: string) => undefined,
): CloudStorageWithKeys[] {
  if (entries.length === 0) return [];
  if (!s3.enabled && !azure_blob.enabled) {
    wrong('cloudstorage', 'must be empty: this platform offers no cloud storage');
    return [];
  }
  const names = entries.map(({ bucket }) => bucket);
  if (new Set(names).size < names.length) wrong('cloudstorage', 'must not name a bucket twice');
  return entries.map((entry, index) => {
    const path = `cloudstorage.${index}`;
    const { endpoint, bucket } = entry;
    const [accessKey, secretKey] = [entry.access_key || undefined, entry.secret_key || undefined];
    if (!isPlainAddress(endpoint)) wrong(`${path}.endpoint`, 'must be an http or https address of a host, no more');
    if (!bucketName.test(bucket)) wrong(`${path}.bucket`, 'is no name of a bucket');
    const isAzure = accessKey === undefined && secretKey !== undefined && azure_blob.enabled;
    if (!isAzure && !s3.enabled) wrong(path, 'needs a secret_key and no access_key, as Azure storage has');
    if (!isAzure && (accessKey === undefined) !== (secretKey === undefined)) {
      wrong(path, 'needs both access_key and secret_key, or neither where the bucket is public');
    }
    if (isAzure && azureAccount(endpoint) === undefined) throw notAzure(path);
    const isPrivate = secretKey !== undefined;
    return { kind: isAzure ? 'azure-blob' : 's3', endpoint, bucket, isPrivate, accessKey, secretKey };
  });
}

/** Of a host by its name or number, with a port or not: it is pasted into YAML, and shown. */
function isPlainAddress(endpoint: string): boolean {
  const url = URL.parse(endpoint);
  return url !== null && /^https?:$/.test(url.protocol) && /^https?:\/\/[-\w.]+(:\d+)?\/?$/i.test(endpoint);
}

function notAzure(path: string): ApiError {
  const field = { path: `body.${path}.endpoint`, message: 'must be the address of an Azure storage account' };
  return new ApiError(errorKind.invalidStorageAddress, 'The address of the cloud storage is not an Azure address.', {
    fields: [field],
  });
}
