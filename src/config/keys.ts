import packageJson from '../../package.json' with { type: 'json' };
import {
  amount,
  anything,
  boolean,
  choice,
  cidr,
  httpUrl,
  integer,
  list,
  nullable,
  object,
  optionalHttpUrl,
  optionalText,
  record,
  text,
  yamlText,
} from './readers.ts';
import type { ResourcePool } from './types.ts';

const namespaceName = { pattern: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, says: 'the name of a namespace' };
const hostName = {
  pattern: /^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$/,
  says: 'host or host:port',
};
const allowedHost = { ...hostName, normalize: (host: string) => host.toLowerCase() };
const day = 86_400;

/** Two sizes that fit a laptop and a small cluster; a platform sets its own. */
const defaultPools: readonly ResourcePool[] = [
  {
    id: 1,
    name: 'default',
    default: true,
    quota: null,
    classes: [
      { id: 1, name: 'small', default: true, cpu: 0.5, memory: 1, gpu: 0, default_storage: 1, max_storage: 20 },
      { id: 2, name: 'medium', default: false, cpu: 1, memory: 2, gpu: 0, default_storage: 10, max_storage: 100 },
      { id: 3, name: 'large', default: false, cpu: 2, memory: 8, gpu: 0, default_storage: 10, max_storage: 100 },
    ],
  },
];

const resourceClass = object({
  id: integer(undefined, 0),
  name: text(),
  default: boolean(false),
  cpu: amount(),
  memory: amount(),
  gpu: integer(0, 0),
  default_storage: amount(1),
  max_storage: amount(),
});

const resourcePool = object({
  id: integer(undefined, 0),
  name: text(),
  default: boolean(false),
  quota: nullable(object({ id: text() })),
  classes: list(resourceClass, []),
});

/** What is in the file of `server_options.defaults_path`, and in `server_options.defaults`. */
export const sessionDefaults = object({ defaultUrl: text('/lab'), lfs_auto_fetch: boolean(false) });

const culling = (idle: number) => object({ idle_seconds: integer(idle, 0), max_age_seconds: integer(0, 0) });

/** Every key with its default; one without a default is required. Meanings stand in types.ts. */
export const configKeys = object({
  service_prefix: text('/notebooks', {
    pattern: /^\/([-A-Za-z0-9._~]+\/?)*$/,
    says: 'a path that begins with a slash, such as /notebooks',
    normalize: (prefix) => prefix.replace(/\/+$/, ''),
  }),
  version: text(packageJson.version),
  anonymous_sessions_enabled: boolean(false),
  ssh_enabled: boolean(false),
  identity: object({
    gateway: choice(['verified', 'trusted', 'off'], 'trusted'),
    jwks_url: optionalHttpUrl(),
    issuer: optionalText(),
    audience: optionalText(),
    cookie_secret: optionalText({ minBytes: 32 }),
    anonymous_cookie_max_age_seconds: integer(30 * day, 60, 400 * day),
  }),
  git: object({ url: httpUrl('https://gitlab.com'), registry: text('registry.gitlab.com', hostName) }),
  amalthea: object({ group: text('amalthea.dev'), version: text('v1alpha1'), plural: text('jupyterservers') }),
  k8s: object({ renku_namespace: text('renku', namespaceName), sessions_namespace: optionalText(namespaceName) }),
  server_options: object({ defaults: anything, defaults_path: optionalText() }),
  resource_pools: list(resourcePool, defaultPools),
  request: object({
    deadline_ms: integer(10_000, 100, 300_000),
    body_limit_bytes: integer(1024 * 1024, 1024, 64 * 1024 * 1024),
    allowed_hosts: list(text(undefined, allowedHost), []),
    allowed_origins: list(
      text(undefined, {
        pattern: /^https?:\/\/[^/\s]+$/,
        says: 'an origin such as https://example.org',
        normalize: (origin) => origin.toLowerCase(),
      }),
      [],
    ),
  }),
  outbound: object({ allowed_networks: list(cidr(), []) }),
  sessions: object({
    default_image: text('renku/singleuser:latest'),
    image_default_workdir: text('/home/jovyan'),
    culling: object({ registered: culling(day), anonymous: culling(day) }),
    git_clone: object({ image: text('renku/git-clone:latest') }),
    ca_certs: object({
      image: text('renku/certificates:latest'),
      path: text('/usr/local/share/ca-certificates'),
      secrets: yamlText(list(object({ secret: text() }), [])),
    }),
    ingress: object({
      host: text(undefined, hostName),
      tls_secret: optionalText(),
      annotations: yamlText(record(text())),
    }),
    oidc: object({
      client_id: text('renku-jupyterserver'),
      client_secret: text(''),
      allow_unverified_email: boolean(false),
      config_url: text('/auth/realms/Renku/.well-known/openid-configuration'),
    }),
    storage: object({
      pvs_enabled: boolean(true),
      pvs_storage_class: optionalText(),
      use_empty_dir_size_limit: boolean(false),
    }),
    enforce_cpu_limits: choice(['lax', 'strict', 'off'], 'off', { false: 'off' }),
    termination_grace_period_seconds: integer(600, 0),
    termination_warning_duration_seconds: integer(43_200, 0),
    node_selector: yamlText(record(text())),
    affinity: yamlText(record(anything)),
    tolerations: yamlText(list(record(anything), [])),
    containers: object({
      anonymous: list(text(), ['jupyter-server', 'passthrough-proxy', 'git-proxy']),
      registered: list(text(), ['jupyter-server', 'oauth2-proxy', 'git-proxy', 'git-sidecar']),
    }),
    init_containers: list(text(), ['init-certificates', 'download-image', 'git-clone']),
  }),
});

/** Keys of the original service that have no effect here; naming them is no mistake in a deployment's set-up. */
export const keysWithoutEffect: readonly RegExp[] = [
  /^server_options\.ui_choices_path$/,
  /^sessions\.culling\.(registered|anonymous)\.(pending|failed|hibernated)_seconds$/,
  /^sessions\.(git_proxy|git_rpc_server|ssh)\./,
  /^sessions\.git_clone\.sentry\./,
  /^sessions\.oidc\.(token_url|auth_url)$/,
  /^sessions\.autosave_minimum_lfs_file_size_bytes$/,
  /^(sentry|cloud_storage|user_secrets)\./,
  /^amalthea\.cache_url$/,
  /^k8s\.(enabled|bypass_cache_on_failure)$/,
  /^(keycloak_realm|crc_url|data_service_url|dummy_stores|current_resource_schema_version)$/,
];
