/**
 * A container of a session's pod. The service, the operator, the kubelet of the local platform and the session tools use
 * these definitions, and no other file contains the names of the containers. Names, order and step texts are those of
 * renku-notebooks 1.18.1, because its clients show them.
 */
export interface SessionContainer {
  readonly name: string;
  readonly role: ContainerRole;
  /** `init`: runs before the main containers, which start when it has ended with exit code 0. */
  readonly kind: 'init' | 'main';
  /** Index in the pod's list of main containers, by which patches address the two containers of the operator's template. */
  readonly index?: number;
  /** TCP port, or its default if the configuration has a key for the port. */
  readonly port?: number;
  /** The request of the kubelet's HTTP probes. */
  readonly probe?: ContainerProbe;
  /** The text of the step in `status.details` of the API. */
  readonly step: string;
}

export interface ContainerProbe {
  readonly path: string;
  /** `path` is appended to the path of the session's URL (`/sessions/<name>`). */
  readonly isBelowSessionPath: boolean;
  /** TCP port, or its default if the configuration has a key for the port. */
  readonly port: number;
}

/**
 * - `certificates`: adds the platform's certificate authorities to the public certificate authorities.
 * - `image`: ends immediately; its only purpose is to show the download of the session's image as a separate step.
 * - `clone`: clones the repository.
 * - `git-credentials`: adds the user's credentials to git requests.
 * - `proxy`: receives the requests to the session and forwards them to Jupyter.
 * - `repository`: reports the state of the repository, and saves unpushed work when the session ends.
 * - `jupyter`: runs Jupyter from the image of the launch.
 */
export type ContainerRole = 'certificates' | 'image' | 'clone' | 'git-credentials' | 'proxy' | 'repository' | 'jupyter';

const proxyPort = 4180;
const proxyProbe = { path: '/ping', isBelowSessionPath: false, port: proxyPort } as const;

/** All session containers, in the order of the steps in `status.details`. Init containers run in this order, too. */
export const sessionContainer = {
  certificates: {
    name: 'init-certificates',
    role: 'certificates',
    kind: 'init',
    step: 'Initialization',
  },
  imageDownload: {
    name: 'download-image',
    role: 'image',
    kind: 'init',
    step: 'Downloading server image',
  },
  gitClone: {
    name: 'git-clone',
    role: 'clone',
    kind: 'init',
    step: 'Cloning and configuring the repository',
  },
  gitProxy: {
    name: 'git-proxy',
    role: 'git-credentials',
    kind: 'main',
    port: 8080,
    probe: { path: '/health', isBelowSessionPath: false, port: 8081 },
    step: 'Git credentials services',
  },
  /** Proxy of sessions of registered users, which sign in through OIDC. */
  oauth2Proxy: {
    name: 'oauth2-proxy',
    role: 'proxy',
    kind: 'main',
    index: 1,
    port: proxyPort,
    probe: proxyProbe,
    step: 'Authentication and proxying services',
  },
  /** Proxy of anonymous sessions. Jupyter checks its own token. */
  passthroughProxy: {
    name: 'passthrough-proxy',
    role: 'proxy',
    kind: 'main',
    index: 1,
    port: proxyPort,
    probe: proxyProbe,
    step: 'Proxying services',
  },
  gitSidecar: {
    name: 'git-sidecar',
    role: 'repository',
    kind: 'main',
    port: 4000,
    probe: { path: '/sidecar/health', isBelowSessionPath: true, port: 4000 },
    step: 'Auxiliary session services',
  },
  jupyter: {
    name: 'jupyter-server',
    role: 'jupyter',
    kind: 'main',
    index: 0,
    port: 8888,
    probe: { path: '/api', isBelowSessionPath: true, port: 8888 },
    step: 'Starting session',
  },
} as const satisfies Record<string, SessionContainer>;

export const sessionContainers: readonly SessionContainer[] = Object.values(sessionContainer);

/** Returns the container with this name; undefined if the name is unknown. */
export const findSessionContainer = (name: string): SessionContainer | undefined => byName.get(name);

const byName = new Map(sessionContainers.map((container) => [container.name, container]));
