import type { Container } from '../types.ts';

/**
 * What a container is for, by its name. This machine runs sessions, not containers in general: it knows what each part
 * of a session's pod has to achieve, and does that without its image.
 *
 * - jupyter-server: a JupyterLab of the environment that the image names.
 * - git-clone: the project's own clone program.
 * - image: a step that ends when the image is there (in a cluster: has been pulled). An image of a commit is built here.
 * - certificates: the machine's certificate authorities, where the pod expects them.
 * - proxy: stands between the ingress and Jupyter in a cluster; here the ingress does its work.
 */
export type Role = 'jupyter-server' | 'git-clone' | 'image' | 'certificates' | 'proxy';

const initRoles: Readonly<Record<string, Role>> = {
  'init-certificates': 'certificates',
  'download-image': 'image',
  'git-clone': 'git-clone',
};
const regularRoles: Readonly<Record<string, Role>> = {
  'jupyter-server': 'jupyter-server',
  'oauth2-proxy': 'proxy',
  'passthrough-proxy': 'proxy',
};

export function roleOf({ name }: Container, init: boolean): Role | undefined {
  const roles = init ? initRoles : regularRoles;
  return Object.hasOwn(roles, name) ? roles[name] : undefined;
}

export function unknownRole({ name }: Container, init: boolean): string {
  const known = Object.keys(init ? initRoles : regularRoles).join(', ');
  return (
    `this machine runs the containers of a session only (${known}), and ${name} is none of them; ` +
    'use a Kubernetes cluster for more'
  );
}
