import type { SessionStep } from '../../generated/openapi.ts';
import type { ChildPatch, ContainerStep, JupyterServer, SessionState } from '../../jupyter-server/types.ts';
import { add, jsonPatch } from '../manifest/input.ts';
import { type AnyPatch, at, operationsOf } from './patch-operations.ts';

/** Containers in the order in which they are told, with the words that clients of 1.18.1 show. */
const initSteps: ReadonlyMap<string, string> = new Map([
  ['init-certificates', 'Initialization'],
  ['download-image', 'Downloading server image'],
  ['git-clone', 'Cloning and configuring the repository'],
]);
const regularSteps: ReadonlyMap<string, string> = new Map([
  ['git-proxy', 'Git credentials services'],
  ['oauth2-proxy', 'Authentication and proxying services'],
  ['passthrough-proxy', 'Proxying services'],
  ['git-sidecar', 'Auxiliary session services'],
  ['jupyter-server', 'Starting session'],
]);

export const stepName = (container: string): string | undefined =>
  initSteps.get(container) ?? regularSteps.get(container);

/** The steps of the start. Before the operator has written any, all containers that there will be are waiting. */
export function steps(server: JupyterServer, state: SessionState): SessionStep[] {
  const { init = {}, regular = {} } = server.status?.containerStates ?? {};
  const added = addedContainers(server.spec?.patches ?? []);
  const proxy = server.spec?.auth?.oidc?.enabled ? 'oauth2-proxy' : 'passthrough-proxy';
  const known = (written: Record<string, ContainerStep>, expected: readonly string[]): Record<string, ContainerStep> =>
    state === 'starting' && Object.keys(written).length === 0
      ? Object.fromEntries(expected.map((name) => [name, 'waiting']))
      : written;
  return [
    ...inOrder(initSteps, known(init, added)),
    ...inOrder(regularSteps, known(regular, ['jupyter-server', proxy, ...added])),
  ];
}

function inOrder(order: typeof initSteps, states: Record<string, ContainerStep>): SessionStep[] {
  return [...order].flatMap(([container, step]) => {
    const status = states[container];
    return status ? [{ step, status }] : [];
  });
}

/** One patch for each container that can be told of, shared by all sessions that are kept in memory. */
const additions: ReadonlyMap<string, ChildPatch> = new Map([
  ...[...initSteps.keys()].map((name) => [name, jsonPatch(add('/initContainers/-', { name }))] as const),
  ...[...regularSteps.keys()].map((name) => [name, jsonPatch(add('/containers/-', { name }))] as const),
]);

/** Names of the containers that patches add to the pod. */
function addedContainers(patches: readonly AnyPatch[]): string[] {
  return operationsOf(patches).flatMap(({ path, value }) => {
    const name = at(value, 'name');
    return /\/(initContainers|containers)\/-$/.test(path) && typeof name === 'string' ? [name] : [];
  });
}

/** All that is kept of the patches that add containers: which known ones containers they add. */
export const keptContainers = (patches: readonly AnyPatch[]): ChildPatch[] =>
  addedContainers(patches).flatMap((name) => additions.get(name) ?? []);
