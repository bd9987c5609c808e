import type { Config } from '../../config/types.ts';
import type { SessionStep } from '../../generated/openapi.ts';
import type { ContainerStep, JupyterServer, SessionState } from '../../jupyter-server/types.ts';

/** Containers in the order in which they are told, with the words that clients of 1.18.1 show. */
const initSteps: readonly (readonly [string, string])[] = [
  ['init-certificates', 'Initialization'],
  ['download-image', 'Downloading server image'],
  ['git-clone', 'Cloning and configuring the repository'],
];
const regularSteps: readonly (readonly [string, string])[] = [
  ['git-proxy', 'Git credentials services'],
  ['oauth2-proxy', 'Authentication and proxying services'],
  ['passthrough-proxy', 'Proxying services'],
  ['git-sidecar', 'Auxiliary session services'],
  ['jupyter-server', 'Starting session'],
];

export const stepName = (container: string): string | undefined =>
  [...initSteps, ...regularSteps].find(([name]) => name === container)?.[1];

/** The steps of the start. Before the operator has written any, all that the platform expects are waiting. */
export function steps(server: JupyterServer, state: SessionState, config: Config): SessionStep[] {
  const { init = {}, regular = {} } = server.status?.containerStates ?? {};
  const kind = server.spec?.auth?.oidc?.enabled ? 'registered' : 'anonymous';
  const known = (written: Record<string, ContainerStep>, expected: readonly string[]): Record<string, ContainerStep> =>
    state === 'starting' && Object.keys(written).length === 0
      ? Object.fromEntries(expected.map((name) => [name, 'waiting']))
      : written;
  return [
    ...inOrder(initSteps, known(init, config.sessions.init_containers)),
    ...inOrder(regularSteps, known(regular, config.sessions.containers[kind])),
  ];
}

function inOrder(order: typeof initSteps, states: Record<string, ContainerStep>): SessionStep[] {
  return order.flatMap(([container, step]) => {
    const status = states[container];
    return status ? [{ step, status }] : [];
  });
}
