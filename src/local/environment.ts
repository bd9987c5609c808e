import { sessionContainer } from '../session-contract/containers.ts';

/** Settings of the platform, from which the environments of its programs are derived. */
export interface PlatformFacts {
  port: number;
  stateDir: string;
  /** `http://127.0.0.1:8000/forge`, or the real GitLab given with --git-url. */
  gitUrl: string;
  /** Reference of the default image in the local registry. */
  defaultImage: string;
  cookieSecret: string;
  oidcClientSecret: string;
  /** The secret from which the keys of sessions' agents are derived. */
  agentSecret: string;
  version: string;
  /** Whether kernels listen on TCP ports, so that criu can save their processes. */
  kernelsOnTcp?: boolean;
}

/** The service and the operator read this variable. */
const agentSecretsVariable = 'NB_SESSIONS__AGENT_SECRETS';

/** A session runs as the user of this machine, and can connect to servers in these networks in any case. */
const privateNetworks = ['127.0.0.0/8', '::1', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];

/** The namespace of all sessions. */
export const namespace = 'notebook-sessions';

export const pagesOrigin = (port: number): string => `http://127.0.0.1:${port}`;

/** Returns the variables of the user's environment that every program needs. The others are not passed on. */
function base(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_COMPILE_CACHE', 'XDG_CACHE_HOME'];
  return Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

export function serviceEnvironment(facts: PlatformFacts, env: NodeJS.ProcessEnv): Record<string, string> {
  const origin = pagesOrigin(facts.port);
  return {
    ...base(env),
    NODE_ENV: 'production',
    KUBECONFIG: `${facts.stateDir}/kubeconfig`,
    SOCKET: `${facts.stateDir}/service.sock`,
    NB_VERSION: facts.version,
    NB_SERVICE_PREFIX: '/notebooks',
    // Other users of the machine could read a port of loopback.
    NB_METRICS__ENABLED: 'false',
    // There is one replica.
    NB_SERVER__SHUTDOWN_DELAY_MS: '0',
    NB_GIT__URL: facts.gitUrl,
    NB_GIT__REGISTRY: `127.0.0.1:${facts.port}`,
    NB_K8S__RENKU_NAMESPACE: namespace,
    NB_ANONYMOUS_SESSIONS_ENABLED: 'true',
    NB_IDENTITY__GATEWAY: 'verified',
    NB_IDENTITY__JWKS_URL: `${origin}/auth/jwks.json`,
    NB_IDENTITY__ISSUER: `${origin}/auth`,
    NB_IDENTITY__AUDIENCE: 'notebook-sessions',
    NB_IDENTITY__COOKIE_SECRET: facts.cookieSecret,
    NB_DOCS__CURL_OPTIONS: `-b '${facts.stateDir}/cookies.txt'`,
    NB_REQUEST__ALLOWED_HOSTS_0: `127.0.0.1:${facts.port}`,
    NB_SESSIONS__INGRESS__HOST: `localhost:${facts.port}`,
    NB_SESSIONS__OIDC__CLIENT_SECRET: facts.oidcClientSecret,
    [agentSecretsVariable]: JSON.stringify([facts.agentSecret]),
    // The local ingress supports access tokens.
    NB_SESSIONS__ACCESS_TOKENS__ENABLED: 'true',
    NB_SESSIONS__DEFAULT_IMAGE: facts.defaultImage,
    NB_SESSIONS__GIT_CLONE__PROGRAM: 'notebook-sessions',
    NB_SESSIONS__SUPERVISOR: 'on',
    NB_SESSIONS__SNAPSHOTS__CRIU: String(facts.kernelsOnTcp ?? false),
    NB_SESSIONS__GIT_PROXY__PROGRAM: 'notebook-sessions',
    NB_SESSIONS__GIT_RPC_SERVER__PROGRAM: 'notebook-sessions',
    // The ingress is the proxy in front of Jupyter.
    NB_SESSIONS__CONTAINERS__REGISTERED_0: sessionContainer.jupyter.name,
    NB_SESSIONS__CONTAINERS__REGISTERED_1: sessionContainer.oauth2Proxy.name,
    NB_SESSIONS__CONTAINERS__REGISTERED_2: sessionContainer.gitProxy.name,
    NB_SESSIONS__CONTAINERS__REGISTERED_3: sessionContainer.gitSidecar.name,
    NB_SESSIONS__CONTAINERS__ANONYMOUS_0: sessionContainer.jupyter.name,
    NB_SESSIONS__CONTAINERS__ANONYMOUS_1: sessionContainer.passthroughProxy.name,
    NB_SESSIONS__CONTAINERS__ANONYMOUS_2: sessionContainer.gitProxy.name,
    // No culling on one user's machine: a session runs until it is stopped.
    ...Object.fromEntries(privateNetworks.map((each, index) => [`NB_SESSIONS__SYNC__ALLOWED_NETWORKS_${index}`, each])),
    NB_SESSIONS__CULLING__REGISTERED__IDLE_SECONDS: '0',
    NB_SESSIONS__CULLING__ANONYMOUS__IDLE_SECONDS: '0',
  };
}

export function operatorEnvironment(facts: PlatformFacts, env: NodeJS.ProcessEnv): Record<string, string> {
  return {
    ...base(env),
    NODE_ENV: 'production',
    KUBECONFIG: `${facts.stateDir}/kubeconfig`,
    NAMESPACES: namespace,
    JUPYTER_SERVER_RESOURCE_CHECK_INTERVAL_SECONDS: '5',
    METRICS_ENABLED: 'false',
    [agentSecretsVariable]: JSON.stringify([facts.agentSecret]),
  };
}

/** Returns a kubeconfig. `port` is the port of the Kubernetes API. */
export function kubeconfig(port: number, certificate: string, token: string): string {
  const name = 'notebook-sessions';
  const entry = <Value>(key: string, value: Value) => [{ name, [key]: value }];
  // JSON is valid YAML.
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: entry('cluster', {
        server: `https://127.0.0.1:${port}`,
        'certificate-authority-data': Buffer.from(certificate).toString('base64'),
      }),
      users: entry('user', { token }),
      contexts: entry('context', { cluster: name, user: name, namespace }),
      'current-context': name,
    },
    null,
    2,
  );
}
