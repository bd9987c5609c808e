import { type ContainerRole, findSessionContainer, sessionContainers } from '../../../session-contract/containers.ts';
import { CannotStart } from '../pod/context.ts';
import type { Container } from '../types.ts';

/** The roles that the local platform supports. The ingress checks requests instead of the proxies in front of Jupyter. */
const supported = [
  'certificates',
  'image',
  'clone',
  'git-credentials',
  'proxy',
  'repository',
  'jupyter',
] as const satisfies ContainerRole[];

type SupportedRole = (typeof supported)[number];

/**
 * Returns the role of a container in the session's pod, by its name. The kubelet does the work of each role without the
 * container's image, because it runs only sessions. Throws CannotStart for any other container.
 */
export function roleOf({ name }: Container, init: boolean): SupportedRole {
  const found = findSessionContainer(name);
  const role = supported.find((each) => each === found?.role);
  const kind = init ? 'init' : 'main';
  if (role && found?.kind === kind) return role;
  const known = sessionContainers.filter((each) => each.kind === kind && supported.some((one) => one === each.role));
  throw new CannotStart(
    'CreateContainerError',
    `this machine runs the containers of a session only (${known.map((each) => each.name).join(', ')}), and ${name} is ` +
      'not one of them; use a Kubernetes cluster for other containers',
  );
}
