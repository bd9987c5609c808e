import type { ManifestConfig } from '../../config/types.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput, podSpec } from './input.ts';

/**
 * Tests the order of the containers in the operator's template, because patches address containers by index. If the order
 * differs, the patches fail and the operator creates no child. Otherwise Jupyter could be accessible without authentication.
 */
export function containerOrder(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  const expected = config.sessions.containers[input.user.kind].slice(0, input.user.kind === 'registered' ? 2 : 1);
  return expected.map((name, index) =>
    jsonPatch({ op: 'test', path: `${podSpec}/containers/${index}/name`, value: name }),
  );
}

export function scheduling(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  const { tolerations, affinity, node_selector, termination_grace_period_seconds } = config.sessions;
  const dedicated = { key: 'renku.io/dedicated', operator: 'Equal', value: 'user', effect: 'NoSchedule' };
  const { priorityClass } = input.resources;
  return [
    jsonPatch(add('/tolerations', [dedicated, ...tolerations])),
    jsonPatch(add('/affinity', affinity)),
    jsonPatch(add('/nodeSelector', node_selector)),
    jsonPatch(add('/terminationGracePeriodSeconds', termination_grace_period_seconds)),
    ...(priorityClass === null ? [] : [jsonPatch(add('/priorityClassName', priorityClass))]),
  ];
}

/** Replaces fields of the security context of Jupyter's container, for images that need privileges. */
export const securityContext = ({ sessions }: Pick<ManifestConfig, 'sessions'>): JsonPatch[] =>
  Object.entries(sessions.security_context).map(([field, value]) =>
    jsonPatch(add(`/containers/${containerIndex.jupyterServer}/securityContext/${escapePointer(field)}`, value)),
  );

/**
 * Keeps the permissions of the files on a volume. By default, the kubelet changes the group of all files whenever a pod starts, and
 * makes files readable and writable for the group that only their owner could read.
 */
export const volumePermissions = (): JsonPatch =>
  jsonPatch(add('/securityContext/fsGroupChangePolicy', 'OnRootMismatch'));

const escapePointer = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');

/** Prevents environment variables with the addresses of other Services in the namespace. */
export const noServiceLinks = (): JsonPatch => jsonPatch(add('/enableServiceLinks', false));
