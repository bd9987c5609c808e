import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/types.ts';

/** A whole configuration for tests. `changes` replaces parts of `sessions`. */
export function testConfig(changes: Partial<Config['sessions']> = {}, top: Partial<Config> = {}): Config {
  const { config: defaults } = loadConfig({ NB_SESSIONS__INGRESS__HOST: 'renku.example.org' });
  return {
    ...defaults,
    service_prefix: '/notebooks',
    version: '1.0.0',
    anonymous_sessions_enabled: true,
    ssh_enabled: false,
    identity: {
      gateway: 'trusted',
      jwks_url: null,
      issuer: null,
      audience: null,
      cookie_secret: null,
      anonymous_cookie_max_age_seconds: 86_400,
    },
    git: { url: 'https://gitlab.example.org', registry: 'registry.example.org' },
    amalthea: { group: 'amalthea.dev', version: 'v1alpha1', plural: 'jupyterservers' },
    k8s: { renku_namespace: 'renku', sessions_namespace: null },
    server_options: { ...defaults.server_options, defaults: { defaultUrl: '/lab', lfs_auto_fetch: false } },
    resource_pools: [
      {
        id: 1,
        name: 'public',
        default: true,
        quota: { id: 'public-quota' },
        classes: [
          { id: 1, name: 'small', default: true, cpu: 0.1, memory: 1, gpu: 0, default_storage: 1, max_storage: 10 },
          { id: 2, name: 'gpu', default: false, cpu: 4, memory: 16, gpu: 1, default_storage: 10, max_storage: 100 },
        ],
      },
    ],
    request: { deadline_ms: 10_000, body_limit_bytes: 1_048_576, allowed_hosts: [], allowed_origins: [] },
    outbound: { allowed_networks: [] },
    server: { trusted_proxies: [], shutdown_delay_ms: 0 },
    sessions: {
      ...defaults.sessions,
      default_image: 'renku/singleuser:latest',
      image_default_workdir: '/home/jovyan',
      access_tokens: { enabled: true },
      culling: {
        registered: { ...defaults.sessions.culling.registered, idle_seconds: 86_400 },
        anonymous: { ...defaults.sessions.culling.anonymous, idle_seconds: 43_200, max_age_seconds: 604_800 },
      },
      git_clone: { ...defaults.sessions.git_clone, image: 'renku/git-clone:1.18.1' },
      git_proxy: {
        ...defaults.sessions.git_proxy,
        image: 'renku/git-https-proxy:1.18.1',
        renku_client_secret: 'the-client-secret-of-renku',
      },
      git_rpc_server: { ...defaults.sessions.git_rpc_server, image: 'renku/git-rpc-server:1.18.1' },
      ca_certs: {
        image: 'renku/certificates:0.0.2',
        path: '/usr/local/share/ca-certificates',
        secrets: [{ secret: 'platform-ca' }],
      },
      ingress: {
        host: 'renku.example.org',
        tls_secret: 'renku-tls',
        annotations: { 'kubernetes.io/ingress.class': 'nginx' },
        class_name: null,
        gateway: null,
      },
      oidc: {
        client_id: 'renku-jupyterserver',
        client_secret: 'the-oidc-client-secret',
        allow_unverified_email: false,
      },
      storage: { pvs_enabled: true, pvs_storage_class: null, use_empty_dir_size_limit: false },
      enforce_cpu_limits: 'off',
      termination_grace_period_seconds: 600,
      termination_warning_duration_seconds: 43_200,
      node_selector: {},
      affinity: {},
      tolerations: [],
      security_context: {},
      containers: {
        anonymous: ['jupyter-server', 'passthrough-proxy'],
        registered: ['jupyter-server', 'oauth2-proxy'],
      },
      ...changes,
    },
    ...top,
  };
}

/** The changes with which sessions of registered users have an agent of this project. */
export function withAgents(
  ...secrets: string[]
): Pick<Config['sessions'], 'agent_secrets' | 'containers' | 'git_rpc_server'> {
  const { containers, git_rpc_server } = testConfig().sessions;
  return {
    agent_secrets: secrets,
    containers: { ...containers, registered: [...containers.registered, 'git-sidecar'] },
    git_rpc_server: { ...git_rpc_server, image: 'registry.example.org/notebook-sessions/session-tools:1.0.0' },
  };
}
