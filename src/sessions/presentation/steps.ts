import type { SessionStep } from '../../generated/openapi.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { ContainerStep, SessionState } from '../../jupyter-server/types.ts';
import { type SessionContainer, sessionContainer, sessionContainers } from '../../session-contract/containers.ts';

/** Returns the steps of the start. Until the pod has containers, all expected containers are waiting. */
export function stepsOf(session: Session, state: SessionState): SessionStep[] {
  const ofKind = (kind: SessionContainer['kind']): SessionStep[] => {
    const written = new Map(
      session.containers.flatMap((each) => (each.kind === kind && each.step ? [[each.name, each.step] as const] : [])),
    );
    const steps = written.size > 0 || !mayLackPod.includes(state) ? written : waiting(expected(session));
    return sessionContainers.flatMap((container) => {
      const status = container.kind === kind ? steps.get(container.name) : undefined;
      return status ? [{ step: container.step, status }] : [];
    });
  };
  return [...ofKind('init'), ...ofKind('main')];
}

/** States in which the session may not have a pod yet. */
const mayLackPod: readonly SessionState[] = ['starting', 'failed'];

const waiting = (containers: readonly SessionContainer[]): Map<string, ContainerStep> =>
  new Map(containers.map(({ name }) => [name, 'waiting']));

/** Returns the containers of the operator's template and the containers that the object adds. */
const expected = ({ isOidc, addedContainers }: Session): SessionContainer[] => [
  sessionContainer.jupyter,
  isOidc ? sessionContainer.oauth2Proxy : sessionContainer.passthroughProxy,
  ...addedContainers,
];
