import type { SessionStep } from '../../generated/openapi.ts';
import type { ChildPatch, ContainerStep, JupyterServer, SessionState } from '../../jupyter-server/types.ts';
import { type SessionContainer, sessionContainer, sessionContainers } from '../../session-contract/containers.ts';
import { add, jsonPatch } from '../manifest/input.ts';
import { type AnyPatch, at, operationsOf } from './patch-operations.ts';

/** The steps of the start. Before the operator has written any, all containers that there will be are waiting. */
export function steps(server: JupyterServer, state: SessionState): SessionStep[] {
  const { init = {}, regular = {} } = server.status?.containerStates ?? {};
  const added = addedContainers(server.spec?.patches ?? []);
  const proxy = server.spec?.auth?.oidc?.enabled
    ? sessionContainer.oauth2Proxy.name
    : sessionContainer.passthroughProxy.name;
  const known = (written: Record<string, ContainerStep>, expected: readonly string[]): Record<string, ContainerStep> =>
    state === 'starting' && Object.keys(written).length === 0
      ? Object.fromEntries(expected.map((name) => [name, 'waiting']))
      : written;
  return [
    ...inOrder('init', known(init, added)),
    ...inOrder('main', known(regular, [sessionContainer.jupyter.name, proxy, ...added])),
  ];
}

function inOrder(kind: SessionContainer['kind'], states: Record<string, ContainerStep>): SessionStep[] {
  return sessionContainers.flatMap(({ name, step, kind: its }) => {
    const status = states[name];
    return its === kind && status ? [{ step, status }] : [];
  });
}

/** One patch for each container that can be told of, shared by all sessions that are kept in memory. */
const additions: ReadonlyMap<string, ChildPatch> = new Map(
  sessionContainers.map(({ name, kind }) => {
    const list = kind === 'init' ? '/initContainers/-' : '/containers/-';
    return [name, jsonPatch(add(list, { name }))];
  }),
);

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
