import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { ObjectMeta } from '../../platform/kubernetes/objects.ts';
import { cloneVariable } from '../../session-contract/clone.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { type AnyPatch, at, operationsOf } from '../presentation/patch-operations.ts';

/** The id of a commit in full, of SHA-1 (40 digits) or SHA-256 (64), in lower case; undefined for any other name of one. */
export function fullId(name: string): string | undefined {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(name) ? name.toLowerCase() : undefined;
}

/** The full id of the commit that the session is about; undefined where it was launched by another name and nothing tells. */
export const commitOf = ({ metadata }: JupyterServer): string | undefined =>
  fullId(metadata.annotations?.[annotation.commitSha] ?? '');

/** The name of the commit that its launch asked for. */
export const requestedRefOf = ({ metadata: { annotations: about = {} } }: JupyterServer): string =>
  about[annotation.requestedRef] ?? about[annotation.commitSha] ?? '';

/**
 * Annotations as a launch writes them today. The release before wrote the requested name of a commit where now its id
 * is; the id that GitLab gave is known by what `git-clone` is told.
 */
export function withCommitId(
  annotations: NonNullable<ObjectMeta['annotations']>,
  patches: readonly AnyPatch[],
): NonNullable<ObjectMeta['annotations']> {
  const name = annotations[annotation.commitSha];
  if (name === undefined || fullId(name) !== undefined) return annotations;
  const id = clonedCommit(patches);
  if (id === undefined) return annotations;
  return { ...annotations, [annotation.commitSha]: id, [annotation.requestedRef]: name };
}

function clonedCommit(patches: readonly AnyPatch[]): string | undefined {
  for (const { value } of operationsOf(patches)) {
    if (at(value, 'name') !== sessionContainer.gitClone.name) continue;
    const variables = at(value, 'env');
    const list: readonly unknown[] = Array.isArray(variables) ? variables : [];
    const commit = list.find((each) => at(each, 'name') === cloneVariable.commitSha);
    const id = at(commit, 'value');
    return typeof id === 'string' ? fullId(id) : undefined;
  }
  return undefined;
}
