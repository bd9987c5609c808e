import type { Config } from '../../config/types.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput, podSpec } from './input.ts';

/**
 * Patches name containers by their place. Where the operator's template has another order, nothing is created, which is
 * better than a session with the wrong container open to the world.
 */
export function containerOrder(input: ManifestInput, config: Config): JsonPatch[] {
  const expected = config.sessions.containers[input.user.kind].slice(0, input.user.kind === 'registered' ? 2 : 1);
  return expected.map((name, index) =>
    jsonPatch({ op: 'test', path: `${podSpec}/containers/${index}/name`, value: name }),
  );
}

export function scheduling(input: ManifestInput, config: Config): JsonPatch[] {
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

/** What the entry point of a session image is told to start. */
export const commandArguments = (): JsonPatch =>
  jsonPatch(add(`/containers/${containerIndex.jupyterServer}/args`, ['jupyter', 'notebook']));

/** The addresses of everybody else's services are nothing a session should find in its environment. */
export const noServiceLinks = (): JsonPatch => jsonPatch(add('/enableServiceLinks', false));
