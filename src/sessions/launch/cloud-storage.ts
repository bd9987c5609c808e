import type { Config } from '../../config/types.ts';
import { ApiError, errorKind } from '../../errors.ts';
import { azureAccount, type CloudStorageWithKeys } from '../manifest/cloud-storage.ts';

export interface CloudStorageEntry {
  readonly endpoint: string;
  readonly bucket: string;
  readonly access_key?: string | null;
  readonly secret_key?: string | null;
}

/** The names that S3 and Azure both allow. A bucket's name becomes the name of a folder. */
const bucketName = /^[a-z0-9]([a-z0-9]|[-.](?=[a-z0-9])|-){1,61}[a-z0-9]$/;

/**
 * Returns the cloud storage of a launch in the order of its entries, and reports invalid fields to `reject`. Whether the
 * buckets exist is not checked, because the service calls no address that a request names. Throws ApiError 1003 if an
 * entry with only a secret key, which means Azure, has no Azure address.
 */
export function requestedCloudStorage(
  entries: readonly CloudStorageEntry[],
  { cloud_storage: { s3, azure_blob } }: Pick<Config, 'cloud_storage'>,
  reject: (path: string, message: string) => undefined,
): CloudStorageWithKeys[] {
  if (entries.length === 0) return [];
  if (!s3.enabled && !azure_blob.enabled) {
    reject('cloudstorage', 'must be empty: this platform offers no cloud storage');
    return [];
  }
  const names = entries.map(({ bucket }) => bucket);
  if (new Set(names).size < names.length) reject('cloudstorage', 'must not name a bucket twice');
  return entries.map((entry, index) => {
    const path = `cloudstorage.${index}`;
    const { endpoint, bucket } = entry;
    const [accessKey, secretKey] = [entry.access_key || undefined, entry.secret_key || undefined];
    if (!isPlainAddress(endpoint)) reject(`${path}.endpoint`, 'must be an http or https address without a path');
    if (!bucketName.test(bucket)) reject(`${path}.bucket`, 'must be the name of a bucket');
    const isAzure = accessKey === undefined && secretKey !== undefined && azure_blob.enabled;
    if (!isAzure && !s3.enabled) reject(path, 'must have a secret_key and no access_key, as for Azure storage');
    if (!isAzure && (accessKey === undefined) !== (secretKey === undefined)) {
      reject(path, 'must have both access_key and secret_key, or neither for a public bucket');
    }
    if (isAzure && azureAccount(endpoint) === undefined) throw notAzure(path);
    const isPrivate = secretKey !== undefined;
    return { kind: isAzure ? 'azure-blob' : 's3', endpoint, bucket, isPrivate, accessKey, secretKey };
  });
}

/** Returns whether the address has only a scheme, a host and an optional port: it is inserted into YAML, and shown. */
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
