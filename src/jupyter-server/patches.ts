import { cloneVariable } from '../session-contract/clone.ts';
import { findSessionContainer, type SessionContainer, sessionContainer } from '../session-contract/containers.ts';
import { fullCommitId } from './commit-id.ts';
import { at, list } from './untrusted.ts';

export interface Bucket {
  readonly endpoint: string;
  readonly bucket: string;
}

/** The values in the patches that a session needs. The cache omits the patches, which are most of the object's size. */
export interface PatchedParts {
  /** The session containers that patches add to the pod. */
  readonly containers: readonly SessionContainer[];
  readonly buckets: readonly Bucket[];
  /** The full id of the commit that `git-clone` checks out; undefined if no patch sets the commit. */
  readonly clonedCommit: string | undefined;
}

/** Returns the values in the JSON patches of this service and of renku-notebooks. Other operations are ignored. */
export function readPatches(patches: unknown): PatchedParts {
  const operations = list(patches)
    .flatMap((each) => list(at(each, 'patch')))
    .flatMap((operation) => {
      const path = at(operation, 'path');
      return typeof path === 'string' ? [{ path, value: at(operation, 'value') }] : [];
    });
  return {
    containers: shared(operations.flatMap(({ path, value }) => addedContainer(path, value))),
    buckets: shared(operations.flatMap(({ value }) => bucketOf(value))),
    clonedCommit: clonedCommit(operations.map(({ value }) => value)),
  };
}

/** Most sessions have no bucket, so all of them share one empty list. */
const shared = <T>(items: readonly T[]): readonly T[] => (items.length === 0 ? none : items);
const none: readonly never[] = [];

function addedContainer(path: string, value: unknown): SessionContainer[] {
  const name = at(value, 'name');
  if (!/\/(initContainers|containers)\/-$/.test(path) || typeof name !== 'string') return [];
  const known = findSessionContainer(name);
  return known ? [known] : [];
}

/** For an Azure container, renku-notebooks created a PersistentVolume. This service adds a volume to the pod's spec. */
function bucketOf(value: unknown): Bucket[] {
  if (at(value, 'kind') === 'Dataset') {
    return bucket(at(value, 'spec', 'local', 'endpoint'), at(value, 'spec', 'local', 'bucket'));
  }
  if (at(value, 'kind') === 'PersistentVolume') {
    const endpoint = at(value, 'metadata', 'annotations', 'renku.io/endpoint');
    return bucket(endpoint, at(value, 'spec', 'csi', 'volumeAttributes', 'containerName'));
  }
  if (at(value, 'csi', 'driver') === 'blob.csi.azure.com') {
    const host = at(value, 'csi', 'volumeAttributes', 'server');
    const endpoint = typeof host === 'string' ? `https://${host}` : '';
    return bucket(endpoint, at(value, 'csi', 'volumeAttributes', 'containerName'));
  }
  return [];
}

const bucket = (endpoint: unknown, name: unknown): Bucket[] =>
  typeof endpoint === 'string' && typeof name === 'string' ? [{ endpoint, bucket: name }] : [];

function clonedCommit(values: readonly unknown[]): string | undefined {
  const clone = values.find((value) => at(value, 'name') === sessionContainer.gitClone.name);
  const variable = list(at(clone, 'env')).find((each) => at(each, 'name') === cloneVariable.commitSha);
  const commit = at(variable, 'value');
  return typeof commit === 'string' ? fullCommitId(commit) : undefined;
}
