import { cloneVariable } from '../session-contract/clone.ts';
import { findSessionContainer, type SessionContainer, sessionContainer } from '../session-contract/containers.ts';
import { fullCommitId } from './commit-id.ts';
import { at, list } from './untrusted.ts';

export interface Bucket {
  readonly endpoint: string;
  readonly bucket: string;
}

/** What a session needs to know of its object's patches, which are most of the object's size. */
export interface PatchedParts {
  /** The session containers that patches add to the pod. */
  readonly containers: readonly SessionContainer[];
  readonly buckets: readonly Bucket[];
  /** The full id of the commit that `git-clone` checks out; undefined if no patch has it. */
  readonly clonedCommit: string | undefined;
}

/** Reads the JSON patches of this service and of renku-notebooks; operations of any other form are skipped. */
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

/** Most sessions have no bucket: one empty list serves all of them. */
const shared = <T>(items: readonly T[]): readonly T[] => (items.length === 0 ? none : items);
const none: readonly never[] = [];

function addedContainer(path: string, value: unknown): SessionContainer[] {
  const name = at(value, 'name');
  if (!/\/(initContainers|containers)\/-$/.test(path) || typeof name !== 'string') return [];
  const known = findSessionContainer(name);
  return known ? [known] : [];
}

/** renku-notebooks made a PersistentVolume for each Azure container; this service adds the volume to the pod itself. */
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
