/** A bucket, or a container of Azure, to mount. It has no keys, so all of it may be in the object. */
export interface CloudStorage {
  readonly kind: 's3' | 'azure-blob';
  /** An http(s) address. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Its keys are in a Secret of its own. Public buckets have none. */
  readonly isPrivate: boolean;
}

export interface CloudStorageWithKeys extends CloudStorage {
  readonly accessKey: string | undefined;
  readonly secretKey: string | undefined;
}

const azureHost = /^([a-z0-9]{3,24})\.(?:blob\.core\.windows\.net|z[0-9]{2}\.blob\.storage\.azure\.net)$/;

/** Returns the storage account of an Azure address; undefined for any other address. */
export const azureAccount = (endpoint: string): string | undefined =>
  azureHost.exec(URL.parse(endpoint)?.hostname ?? '')?.[1];

/** A shared access signature has a version and a signature; any other secret key is the account's key. */
export function isSharedAccessSignature(secretKey: string): boolean {
  const query = new URLSearchParams(secretKey.replace(/^\?/, ''));
  return query.has('sv') && query.has('sig');
}
