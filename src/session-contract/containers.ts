/**
 * The containers of a session's pod: what the service, the operator, the kubelet of the local platform and the session
 * tools have to agree on. Their names stand only here. Names, order and step texts are those of renku-notebooks 1.18.1,
 * whose clients show them.
 */
export interface SessionContainer {
  readonly name: string;
  readonly role: ContainerRole;
  /** `init`: runs before the main containers, which start when it has ended with exit code 0. */
  readonly kind: 'init' | 'main';
  /** Index in the pod's list of main containers, for the two that the operator's template has: patches name them by it. */
  readonly index?: number;
  /** TCP port; a default where the configuration has a key for it. */
  readonly port?: number;
  /** What the kubelet's HTTP probes request. */
  readonly probe?: ContainerProbe;
  /** The text of the step in `status.details` of the API. */
  readonly step: string;
}

export interface ContainerProbe {
  readonly path: string;
  /** `path` is appended to the path of the session's URL (`/sessions/<name>`). */
  readonly isBelowSessionPath: boolean;
  /** TCP port; a default where the configuration has a key for it. */
  readonly port: number;
}

/**
 * - `certificates`: adds the platform's certificate authorities to the usual ones.
 * - `image`: ends at once; makes the download of the session's image a step of its own.
 * - `clone`: clones the repository.
 * - `git-credentials`: adds the user's credentials to git requests.
 * - `proxy`: receives the session's requests and passes them on to Jupyter.
 * - `repository`: reports the state of the repository, and saves unpushed work when the session ends.
 * - `jupyter`: the session itself, from the image of the launch.
 */
export type ContainerRole = 'certificates' | 'image' | 'clone' | 'git-credentials' | 'proxy' | 'repository' | 'jupyter';

const proxyPort = 4180;
const proxyProbe = { path: '/ping', isBelowSessionPath: false, port: proxyPort } as const;

/** In the order of the steps in `status.details`; init containers run in this order, too. */
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
  /** In front of Jupyter: signs registered users in. */
  oauth2Proxy: {
    name: 'oauth2-proxy',
    role: 'proxy',
    kind: 'main',
    index: 1,
    port: proxyPort,
    probe: proxyProbe,
    step: 'Authentication and proxying services',
  },
  /** In front of Jupyter in anonymous sessions, where Jupyter's own token is the credential. */
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

/** Returns the container of this name; undefined for a name that no session of this service has. */
export const findSessionContainer = (name: string): SessionContainer | undefined => byName.get(name);

const byName = new Map(sessionContainers.map((container) => [container.name, container]));
