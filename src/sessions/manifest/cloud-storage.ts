/** A bucket, or an Azure container, to mount. Without access keys, so that a JupyterServer may contain all its fields. */
export interface CloudStorage {
  readonly kind: 's3' | 'azure-blob';
  /** An http or https URL. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Whether the bucket is private. Its access keys are then in a separate Secret. */
  readonly isPrivate: boolean;
}

export interface CloudStorageWithKeys extends CloudStorage {
  readonly accessKey: string | undefined;
  readonly secretKey: string | undefined;
}

const azureHost = /^([a-z0-9]{3,24})\.(?:blob\.core\.windows\.net|z[0-9]{2}\.blob\.storage\.azure\.net)$/;

/** Returns the storage account in an Azure URL; undefined for any other URL. */
export const azureAccount = (endpoint: string): string | undefined =>
  azureHost.exec(URL.parse(endpoint)?.hostname ?? '')?.[1];

/** Returns whether the key is a shared access signature, which has a version and a signature. Other keys are account keys. */
export function isSharedAccessSignature(secretKey: string): boolean {
  const query = new URLSearchParams(secretKey.replace(/^\?/, ''));
  return query.has('sv') && query.has('sig');
}
