import type { ManifestConfig } from '../../config/types.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput, podSpec } from './input.ts';

/**
 * Tests the order of the operator's containers, because patches address containers by index. If the operator's template
 * has another order, no child is created: a wrong container could otherwise be open to everyone.
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

/** Arguments of the image's entry point: what it starts. */
export const commandArguments = (): JsonPatch =>
  jsonPatch(add(`/containers/${containerIndex.jupyterServer}/args`, ['jupyter', 'notebook']));

/** Keeps the addresses of other services of the namespace out of the session's environment. */
export const noServiceLinks = (): JsonPatch => jsonPatch(add('/enableServiceLinks', false));
