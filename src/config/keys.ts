import packageJson from '../../package.json' with { type: 'json' };
import { jupyterServers } from '../jupyter-server/resource.ts';
import { sessionContainer, sessionContainers } from '../session-contract/containers.ts';
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
  type Reader,
  record,
  secret,
  text,
  verbatimText,
  yamlText,
} from './readers.ts';
import type { ResourcePool } from './types.ts';

const namespaceName = { pattern: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, says: 'the name of a namespace' };
const withoutEndingSlash = (text: string): string => text.replace(/\/+$/, '');
const plainPath = (path: string): string => withoutEndingSlash(path.replace(/\/{2,}/g, '/'));
const hostName = {
  pattern: /^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?(:\d{1,5})?\/?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?\/?$/,
  says: 'host or host:port',
  normalize: withoutEndingSlash,
};
const allowedHost = { ...hostName, normalize: (host: string) => withoutEndingSlash(host).toLowerCase() };
const day = 86_400;
const { jupyter, oauth2Proxy, passthroughProxy, gitProxy, gitSidecar } = sessionContainer;
const initContainers = sessionContainers.filter(({ kind }) => kind === 'init').map(({ name }) => name);

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

const uiChoice = { order: integer(undefined, 1), displayName: text(), type: choice(['enum', 'boolean'], 'enum') };

/** What is in the file of `server_options.ui_choices_path`: what a page offers for a launch. */
export const uiChoices = object({
  defaultUrl: nullable(object({ ...uiChoice, default: text(), options: list(text(), []) })),
  lfs_auto_fetch: nullable(object({ ...uiChoice, default: boolean(false) })),
});

const sentry = object({
  enabled: boolean(false),
  dsn: secret(optionalText()),
  env: optionalText(),
  sample_rate: amount(0.2),
});

const cloudStorage = object({ enabled: boolean(false), read_only: boolean(true) });

const port = (fallback: number): Reader<number> => integer(fallback, 1, 65_535);

const absolutePath = {
  pattern: /^(\/+[\w.-]+)+\/*$/,
  says: 'an absolute path such as /cloudstorage',
  normalize: plainPath,
};
/** A secret is taken as it stands. */
const verbatim = { isVerbatim: true };

const culling = (idle: number) => object({ idle_seconds: integer(idle, 0), max_age_seconds: integer(0, 0) });

/** Every key with its default; one without a default is required. Meanings stand in types.ts. */
export const configKeys = object({
  service_prefix: text('/notebooks', {
    pattern: /^\/+([-A-Za-z0-9._~]+\/+)*([-A-Za-z0-9._~]+)?$/,
    says: 'a path that begins with a slash, such as /notebooks',
    normalize: plainPath,
  }),
  version: text(packageJson.version),
  anonymous_sessions_enabled: boolean(false),
  ssh_enabled: boolean(false),
  identity: object({
    gateway: choice(['verified', 'trusted', 'off'], 'trusted'),
    jwks_url: optionalHttpUrl(),
    issuer: optionalText(),
    audience: optionalText(),
    cookie_secret: secret(optionalText({ ...verbatim, minBytes: 32 })),
    anonymous_cookie_max_age_seconds: integer(30 * day, 60, 400 * day),
  }),
  git: object({ url: httpUrl('https://gitlab.com'), registry: text('registry.gitlab.com', hostName) }),
  amalthea: object({
    group: text(jupyterServers.group),
    version: text(jupyterServers.version),
    plural: text(jupyterServers.plural),
  }),
  k8s: object({ renku_namespace: text('renku', namespaceName), sessions_namespace: optionalText(namespaceName) }),
  server_options: object({
    defaults: anything,
    defaults_path: optionalText(),
    ui_choices: anything,
    ui_choices_path: optionalText(),
  }),
  resource_pools: list(resourcePool, defaultPools),
  crc_url: optionalHttpUrl(),
  dummy_stores: boolean(false),
  keycloak_realm: text('Renku'),
  cloud_storage: object({
    s3: cloudStorage,
    azure_blob: cloudStorage,
    mount_folder: text('/cloudstorage', absolutePath),
  }),
  request: object({
    deadline_ms: integer(10_000, 100, 300_000),
    body_limit_bytes: integer(1024 * 1024, 1024, 64 * 1024 * 1024),
    allowed_hosts: list(text(undefined, allowedHost), []),
    allowed_origins: list(
      text(undefined, {
        pattern: /^https?:\/\/[^/\s]+\/?$/,
        says: 'an origin such as https://example.org',
        normalize: (origin) => withoutEndingSlash(origin).toLowerCase(),
      }),
      [],
    ),
  }),
  docs: object({ curl_options: text(`-H "Authorization: Bearer $TOKEN"`) }),
  outbound: object({ allowed_networks: list(cidr(), []) }),
  sessions: object({
    default_image: text('renku/singleuser:latest'),
    image_default_workdir: text('/home/jovyan'),
    access_tokens: object({ enabled: boolean(false) }),
    culling: object({ registered: culling(day), anonymous: culling(day) }),
    git_clone: object({
      image: text('renku/git-clone:latest'),
      program: choice(['auto', 'notebook-sessions', 'renku'], 'auto'),
      sentry,
    }),
    git_proxy: object({
      port: port(gitProxy.port),
      health_port: port(gitProxy.probe.port),
      image: text('renku/git-https-proxy:latest'),
      renku_client_id: text('renku'),
      renku_client_secret: secret(optionalText(verbatim)),
    }),
    git_rpc_server: object({
      host: text('0.0.0.0'),
      port: port(gitSidecar.port),
      image: text('renku/git-rpc-server:latest'),
      sentry,
    }),
    ssh: object({
      enabled: boolean(false),
      service_port: port(22),
      container_port: port(2022),
      host_key_secret: optionalText(),
      host_key_location: text('/opt/ssh/ssh_host_keys', absolutePath),
    }),
    ca_certs: object({
      image: text('renku/certificates:latest'),
      path: text('/usr/local/share/ca-certificates', { normalize: withoutEndingSlash }),
      secrets: yamlText(list(object({ secret: text() }), [])),
    }),
    ingress: object({
      host: text(undefined, hostName),
      tls_secret: optionalText(),
      annotations: yamlText(record(verbatimText)),
    }),
    oidc: object({
      client_id: text('renku-jupyterserver'),
      client_secret: secret(text('', verbatim)),
      allow_unverified_email: boolean(false),
      config_url: text('/auth/realms/Renku/.well-known/openid-configuration'),
    }),
    storage: object({
      pvs_enabled: boolean(true),
      pvs_storage_class: optionalText(),
      use_empty_dir_size_limit: boolean(false),
    }),
    enforce_cpu_limits: choice(['lax', 'strict', 'off'], 'off', { false: 'off' }),
    autosave_minimum_lfs_file_size_bytes: integer(1_000_000, 0),
    termination_grace_period_seconds: integer(600, 0),
    termination_warning_duration_seconds: integer(43_200, 0),
    node_selector: yamlText(record(verbatimText)),
    affinity: yamlText(record(anything)),
    tolerations: yamlText(list(record(anything), [])),
    containers: object({
      anonymous: list(text(), [jupyter.name, passthroughProxy.name, gitProxy.name]),
      registered: list(text(), [jupyter.name, oauth2Proxy.name, gitProxy.name, gitSidecar.name]),
    }),
    init_containers: list(text(), initContainers),
  }),
});

const unused = 'the original service reads it and does nothing with it';
const noSentry = 'this program does not report to Sentry: its log holds every error';
const later = 'it belongs to a later version of the original service';

/**
 * Keys of the original service's versions that do nothing here, each with the reason, by key or by group (which ends in
 * a dot). To name them is no mistake: a deployment keeps its set-up when the service is exchanged.
 */
export const keysWithoutEffect: Readonly<Record<string, string>> = {
  'sessions.oidc.token_url': unused,
  'sessions.oidc.auth_url': unused,
  'sessions.culling.registered.pending_seconds': unused,
  'sessions.culling.registered.failed_seconds': unused,
  'sessions.culling.registered.hibernated_seconds': later,
  'sessions.culling.anonymous.pending_seconds': unused,
  'sessions.culling.anonymous.failed_seconds': unused,
  'sessions.culling.anonymous.hibernated_seconds': later,
  'sessions.git_proxy.sentry.': unused,
  'sentry.': noSentry,
  'amalthea.cache_url': 'sessions are followed at the Kubernetes API itself',
  'k8s.enabled': 'there is always a Kubernetes API',
  'k8s.bypass_cache_on_failure': later,
  'k8s.namespace': 'the key is k8s.renku_namespace',
  current_resource_schema_version: unused,
  data_service_url: `${later}; here it is crc_url`,
  'cloud_storage.enabled': later,
  'cloud_storage.storage_class': later,
  'user_secrets.': later,
};
