import type { JsonPatch } from '../manifest/input.ts';
import { jsonPatch } from '../manifest/input.ts';
import { type AnyOperation, type AnyPatch, at, operationsOf } from './patch-operations.ts';

export interface Bucket {
  endpoint: string;
  bucket: string;
}

/** The buckets that a session mounts: our own and 1.18.1's, which made volumes of Azure in another way. */
export const bucketsOf = (patches: readonly AnyPatch[]): Bucket[] => operationsOf(patches).flatMap(bucketOf);

function bucketOf({ value }: AnyOperation): Bucket[] {
  if (at(value, 'kind') === 'Dataset') {
    return bucket(at(value, 'spec', 'local', 'endpoint'), at(value, 'spec', 'local', 'bucket'));
  }
  if (at(value, 'kind') === 'PersistentVolume') {
    const endpoint = at(value, 'metadata', 'annotations', 'renku.io/endpoint');
    return bucket(endpoint, at(value, 'spec', 'csi', 'volumeAttributes', 'containerName'));
  }
  if (at(value, 'csi', 'driver') === 'blob.csi.azure.com') {
    const host = at(value, 'csi', 'volumeAttributes', 'server');
    return bucket(
      typeof host === 'string' ? `https://${host}` : '',
      at(value, 'csi', 'volumeAttributes', 'containerName'),
    );
  }
  return [];
}

const bucket = (endpoint: unknown, name: unknown): Bucket[] =>
  typeof endpoint === 'string' && typeof name === 'string' ? [{ endpoint, bucket: name }] : [];

/** All that is kept of the patches that mount buckets. */
export const keptBuckets = (patches: readonly AnyPatch[]): JsonPatch[] =>
  bucketsOf(patches).map(({ endpoint, bucket: name }) =>
    jsonPatch({ op: 'add', path: '/dataset', value: { kind: 'Dataset', spec: { local: { endpoint, bucket: name } } } }),
  );
