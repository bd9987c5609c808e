import packageJson from '../../package.json' with { type: 'json' };
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { ResourcePool } from '../platform/resource-classes/types.ts';
import { minAgentSecretLength } from '../session-contract/agent-key.ts';
import { cloneTimeoutSeconds } from '../session-contract/clone.ts';
import { sessionContainer } from '../session-contract/containers.ts';
import { defaultImages } from '../session-contract/default-images.ts';
import { defaultRemoteTypes, remoteTypes } from '../session-contract/sync-remote.ts';
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
  optionalString,
  type Reader,
  record,
  secret,
  string,
  verbatimString,
  yamlString,
} from './readers.ts';

const namespaceName = { pattern: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, expected: 'a valid name of a namespace' };
const withoutEndingSlash = (text: string): string => text.replace(/\/+$/, '');
const plainPath = (path: string): string => withoutEndingSlash(path.replace(/\/{2,}/g, '/'));
const hostName = {
  pattern: /^[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?(:\d{1,5})?\/?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?\/?$/,
  expected: 'host or host:port',
  normalize: withoutEndingSlash,
};
const origin = {
  pattern: /^https?:\/\/[^/\s]+\/?$/,
  expected: 'an origin such as https://example.org',
  normalize: (text: string) => withoutEndingSlash(text).toLowerCase(),
};
const allowedHost = { ...hostName, normalize: (host: string) => withoutEndingSlash(host).toLowerCase() };
const day = 86_400;
const { jupyter, oauth2Proxy, passthroughProxy, gitProxy, gitSidecar } = sessionContainer;

/** Sizes for a laptop and a small cluster. A platform configures other sizes. */
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
  name: string(),
  default: boolean(false),
  cpu: amount(),
  memory: amount(),
  gpu: integer(0, 0),
  default_storage: amount(1),
  max_storage: amount(),
});

const resourcePool = object({
  id: integer(undefined, 0),
  name: string(),
  default: boolean(false),
  quota: nullable(object({ id: string() })),
  classes: list(resourceClass, []),
});

/** The keys of `server_options.defaults` and of the file of `server_options.defaults_path`. */
export const sessionDefaults = object({ defaultUrl: string('/lab'), lfs_auto_fetch: boolean(false) });

const uiChoice = {
  /** The position on the page, from 1. */
  order: integer(undefined, 1),
  displayName: string(),
  type: choice(['enum', 'boolean'], 'enum'),
};

/**
 * The keys of `server_options.ui_choices` and of its file: the options that a launch page offers. null: the option is not
 * offered.
 */
export const uiChoices = object({
  defaultUrl: nullable(object({ ...uiChoice, default: string(), options: list(string(), []) })),
  lfs_auto_fetch: nullable(object({ ...uiChoice, default: boolean(false) })),
});

const sentry = object({
  enabled: boolean(false),
  dsn: secret(optionalString()),
  env: optionalString(),
  /** From 0 to 1. */
  sample_rate: amount(0.2),
});

const cloudStorage = object({ enabled: boolean(false), read_only: boolean(true) });

const port = (fallback: number): Reader<number> => integer(fallback, 1, 65_535);

const absolutePath = {
  pattern: /^(\/+[\w.-]+)+\/*$/,
  expected: 'an absolute path such as /cloudstorage',
  normalize: plainPath,
};
/** For secrets: blanks and quotes are part of the value. */
const verbatim = { isVerbatim: true };

const culling = (idle: number) =>
  object({
    idle_seconds: integer(idle, 0),
    max_age_seconds: integer(0, 0),
    pending_seconds: integer(0, 0),
    failed_seconds: integer(0, 0),
    hibernated_seconds: integer(0, 0),
  });

/** In YAML 1.1, which Helm reads, on and off without quotes are true and false. */
const supervisorMode = (fallback?: 'auto') => choice(['auto', 'on', 'off'], fallback, { true: 'on', false: 'off' });

const perCaller = (registered: number, anonymous: number) =>
  object({ registered: integer(registered, 1), anonymous: integer(anonymous, 1) });

/** Every key with its reader and default; a key without a default is required. `.config.hocon.example` explains each key. */
export const configKeys = object({
  service_prefix: string('/notebooks', {
    pattern: /^\/+([-A-Za-z0-9._~]+\/+)*([-A-Za-z0-9._~]+)?$/,
    expected: 'a path that begins with a slash, such as /notebooks',
    normalize: plainPath,
  }),
  version: string(packageJson.version),
  anonymous_sessions_enabled: boolean(false),
  ssh_enabled: boolean(false),
  identity: object({
    /** verified: ID tokens are checked against `jwks_url`; trusted: gateway headers are trusted; off: they are ignored. */
    gateway: choice(['verified', 'trusted', 'off'], 'trusted', { false: 'off' }),
    jwks_url: optionalHttpUrl(),
    issuer: optionalString(),
    audience: optionalString(),
    /** Signs the cookie of anonymous users. All replicas need the same one; random at each start if not set. */
    cookie_secret: secret(optionalString({ ...verbatim, minBytes: 32 })),
    anonymous_cookie_max_age_seconds: integer(30 * day, 60, 400 * day),
  }),
  git: object({
    url: httpUrl('https://gitlab.com'),
    /** host or host:port of the platform's image registry. */
    registry: string('registry.gitlab.com', hostName),
  }),
  amalthea: object({
    group: string(jupyterServers.group),
    version: string(jupyterServers.version),
    plural: string(jupyterServers.plural),
  }),
  k8s: object({ renku_namespace: string('renku', namespaceName), sessions_namespace: optionalString(namespaceName) }),
  server_options: object({
    defaults: anything,
    defaults_path: optionalString(),
    ui_choices: anything,
    ui_choices_path: optionalString(),
  }),
  /** Used without `crc_url`, in the format of the resource-class service. */
  resource_pools: list(resourcePool, defaultPools),
  /** Base address of the resource-class service. */
  crc_url: optionalHttpUrl(),
  /** Use `resource_pools` even if `crc_url` is set. */
  dummy_stores: boolean(false),
  keycloak_realm: string('Renku'),
  cloud_storage: object({
    s3: cloudStorage,
    azure_blob: cloudStorage,
    /** Each bucket is mounted in a subfolder of this folder. The subfolder has the name of the bucket. */
    mount_folder: string('/cloudstorage', absolutePath),
  }),
  request: object({
    /** Time limit of a request in milliseconds; after it, the response is an error that names the slow server. */
    deadline_ms: integer(10_000, 100, 300_000),
    body_limit_bytes: integer(1024 * 1024, 1024, 64 * 1024 * 1024),
    /** Host headers that the service accepts; empty: all. Protects from DNS rebinding. */
    allowed_hosts: list(string(undefined, allowedHost), []),
    /** Origins, besides the request's own host, that may send requests that change state. */
    allowed_origins: list(string(undefined, origin), []),
  }),
  server: object({
    /** Address ranges of the proxies in front of the service. Only their X-Forwarded-For names the address of a client. */
    trusted_proxies: list(cidr(), []),
    /** Milliseconds from SIGTERM, when /ready begins to fail, until the service accepts no more connections. */
    shutdown_delay_ms: integer(3_000, 0, 120_000),
  }),
  limits: object({
    /** Maximum number of sessions of one user; null: no limit. */
    sessions_per_user: object({
      registered: nullable(integer(undefined, 1)),
      anonymous: nullable(integer(undefined, 1)),
    }),
    /** Requests of one registered user, and of all anonymous users at one address, on one replica. */
    requests_in_flight: perCaller(100, 300),
    image_checks_in_flight: perCaller(10, 40),
  }),
  metrics: object({
    /** Whether `GET /metrics` is served, on a port of its own. */
    enabled: boolean(true),
    /** 0: any free port. */
    port: integer(8765, 0, 65_535),
  }),
  docs: object({
    /** Options with which the curl commands of the documentation page sign in, in shell syntax. */
    curl_options: string(`-H "Authorization: Bearer $TOKEN"`),
  }),
  outbound: object({
    /** Ranges of private addresses that image checks may connect to. */
    allowed_networks: list(cidr(), []),
  }),
  sessions: object({
    default_image: string(defaultImages.session),
    /** Secrets from which the keys of sessions' agents are derived: the first for new sessions, the others for earlier ones. */
    agent_secrets: secret(yamlString(list(string(undefined, { ...verbatim, minBytes: minAgentSecretLength }), []))),
    image_default_workdir: string('/home/jovyan'),
    access_tokens: object({
      /** True if the ingress of the sessions checks the tokens of `POST servers/{name}/tokens`. */
      enabled: boolean(false),
    }),
    culling: object({ registered: culling(day), anonymous: culling(day) }),
    /** Folders of sessions that are synchronized with folders on other servers. */
    sync: object({
      /** Types of remotes that users may choose. */
      remotes: list(choice(remoteTypes, undefined), defaultRemoteTypes),
      /** Folders that remotes of the type `local` may be, or be below: where the agent runs. */
      local_folders: list(string(undefined, { pattern: /^\/[^,]*$/, expected: 'an absolute path' }), []),
      /** Ranges of private addresses that remotes may have; plain http is allowed there. */
      allowed_networks: list(cidr(), []),
    }),
    git_clone: object({
      image: string(defaultImages.gitClone),
      program: choice(['auto', 'notebook-sessions', 'renku'], 'auto'),
      /** Clones without the contents of old files (`--filter=blob:none`). */
      partial: boolean(false),
      /** How long it waits for the git server. Only this project's git-clone has the setting. */
      timeout_seconds: integer(cloneTimeoutSeconds.default, 1, cloneTimeoutSeconds.max),
      sentry,
    }),
    /**
     * Whether Jupyter runs under the supervisor, so that kernels outlive their Jupyter server. auto: if the entrypoint of the image is
     * known to run the supervisor. The supervisor comes with this project's git-clone.
     */
    supervisor: supervisorMode('auto'),
    /** Other modes for images: the first pattern that matches the reference of the image. `*` stands for any characters. */
    supervisor_images: yamlString(list(object({ pattern: string(), supervisor: supervisorMode() }), [])),
    snapshots: object({
      /**
       * Whether the supervisor uses the program criu of the image to save whole processes of kernels. Jupyter's container gets the
       * capabilities CHECKPOINT_RESTORE and SETPCAP.
       */
      criu: boolean(false),
    }),
    /** Added to a session if `containers` lists `git-proxy`. */
    git_proxy: object({
      port: port(gitProxy.port),
      health_port: port(gitProxy.probe.port),
      image: string(defaultImages.gitProxy),
      program: choice(['auto', 'notebook-sessions', 'renku'], 'auto'),
      /** Origin of the platform, at which tokens are renewed in a session; null: the origin of the sessions. */
      platform_url: optionalString(origin),
      /** The Keycloak client that users' access tokens are issued for, and that renews them in a session. */
      renku_client_id: string('renku'),
      /**
       * If set, the secret is in the pod of every registered user. A proxy that renews tokens through the gateway needs no
       * secret.
       */
      renku_client_secret: secret(optionalString(verbatim)),
    }),
    /** Added to the session of a registered user if `containers.registered` lists `git-sidecar`. */
    git_rpc_server: object({
      host: string('0.0.0.0'),
      port: port(gitSidecar.port),
      image: string(defaultImages.gitSidecar),
      program: choice(['auto', 'notebook-sessions', 'renku'], 'auto'),
      sentry,
    }),
    /** Adds ssh to sessions. `ssh_enabled` only changes the response of `version`. */
    ssh: object({
      enabled: boolean(false),
      service_port: port(22),
      container_port: port(2022),
      /** A Secret in the namespace of the sessions. Every session's user can read it: never use the keys of another host. */
      host_key_secret: optionalString(),
      host_key_location: string('/opt/ssh/ssh_host_keys', absolutePath),
    }),
    ca_certs: object({
      image: string(defaultImages.certificates),
      path: string('/usr/local/share/ca-certificates', { normalize: withoutEndingSlash }),
      secrets: yamlString(list(object({ secret: string() }), [])),
    }),
    ingress: object({
      host: string(undefined, hostName),
      tls_secret: optionalString(),
      annotations: yamlString(record(verbatimString)),
      /** The IngressClass; by default, the default of the cluster. */
      class_name: optionalString(),
      /** A Gateway (Gateway API): sessions have an HTTPRoute and no Ingress. */
      gateway: nullable(object({ name: string(), namespace: optionalString(), section: optionalString() })),
    }),
    oidc: object({
      client_id: string('renku-jupyterserver'),
      client_secret: secret(string('', verbatim)),
      allow_unverified_email: boolean(false),
    }),
    storage: object({
      pvs_enabled: boolean(true),
      pvs_storage_class: optionalString(),
      use_empty_dir_size_limit: boolean(false),
    }),
    enforce_cpu_limits: choice(['lax', 'strict', 'off'], 'off', { false: 'off' }),
    autosave_minimum_lfs_file_size_bytes: integer(1_000_000, 0),
    termination_grace_period_seconds: integer(600, 0),
    termination_warning_duration_seconds: integer(43_200, 0),
    node_selector: yamlString(record(verbatimString)),
    affinity: yamlString(record(anything)),
    tolerations: yamlString(list(record(anything), [])),
    /** Fields that replace those of the security context of Jupyter's container; null removes a field. */
    security_context: yamlString(record(anything)),
    containers: object({
      anonymous: list(string(), [jupyter.name, passthroughProxy.name, gitProxy.name]),
      registered: list(string(), [jupyter.name, oauth2Proxy.name, gitProxy.name, gitSidecar.name]),
    }),
  }),
});

const unused = 'the original service reads it but does not use it';
const noSentry = 'this service does not report to Sentry; its log contains every error';
const later = 'it belongs to a later version of the original service';

/**
 * Keys and groups (with a dot at the end) of the original service that have no effect here, each with the reason. They are
 * logged at the start and are not errors, so that a deployment can keep its configuration.
 */
export const keysWithoutEffect: Readonly<Record<string, string>> = {
  'sessions.oidc.token_url': unused,
  'sessions.oidc.auth_url': unused,
  'sessions.oidc.config_url': 'it is part of the API document of the original service only',
  'sessions.init_containers': 'the operator decides which init containers a session has',
  'sessions.git_proxy.sentry.': unused,
  'sentry.': noSentry,
  'amalthea.cache_url': 'the service watches sessions through the Kubernetes API itself',
  'k8s.enabled': 'the service always uses the Kubernetes API',
  'k8s.bypass_cache_on_failure': later,
  'k8s.namespace': 'the key is k8s.renku_namespace',
  current_resource_schema_version: unused,
  data_service_url: `${later}; here it is crc_url`,
  'cloud_storage.enabled': later,
  'cloud_storage.storage_class': later,
  'user_secrets.': later,
};
