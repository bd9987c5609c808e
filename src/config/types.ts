import type { ResourcePool } from '../platform/resource-classes/types.ts';
import type { ProgramImage } from './own-program.ts';

export type { ResourceClass, ResourcePool } from '../platform/resource-classes/types.ts';

/**
 * The service's configuration, validated and frozen. Names are those of the configuration file and of the `NB_`
 * variables (`sessions.git_proxy.port` is `NB_SESSIONS__GIT_PROXY__PORT`), so that a key can be searched from a
 * deployment to the line that reads it.
 */
export interface Config {
  readonly service_prefix: string;
  readonly version: string;
  readonly anonymous_sessions_enabled: boolean;
  readonly ssh_enabled: boolean;
  readonly identity: {
    /** verified: ID tokens are checked against `jwks_url`; trusted: gateway headers are believed; off: ignored. */
    readonly gateway: 'verified' | 'trusted' | 'off';
    readonly jwks_url: string | null;
    readonly issuer: string | null;
    readonly audience: string | null;
    /** Signs the anonymous cookie; at least 32 bytes, the same on all replicas. Random per start where absent. */
    readonly cookie_secret: string | null;
    readonly anonymous_cookie_max_age_seconds: number;
  };
  readonly git: {
    readonly url: string;
    /** host[:port] of the platform's image registry. */
    readonly registry: string;
  };
  readonly amalthea: { readonly group: string; readonly version: string; readonly plural: string };
  readonly k8s: { readonly renku_namespace: string; readonly sessions_namespace: string | null };
  readonly server_options: {
    readonly defaults: { readonly defaultUrl: string; readonly lfs_auto_fetch: boolean };
    /** What `server_options` offers; null where the platform offers nothing. */
    readonly ui_choices: {
      readonly defaultUrl: (UiChoice<string> & { readonly options: readonly string[] }) | null;
      readonly lfs_auto_fetch: UiChoice<boolean> | null;
    };
  };
  /** Resource classes where no service gives them; the shape of the resource-class service's answer. */
  readonly resource_pools: readonly ResourcePool[];
  /** Base address of the resource-class service; null: `resource_pools` are what there is. */
  readonly crc_url: string | null;
  /** `resource_pools` are what there is, also where `crc_url` is set. */
  readonly dummy_stores: boolean;
  readonly keycloak_realm: string;
  readonly cloud_storage: {
    readonly s3: CloudStorage;
    readonly azure_blob: CloudStorage;
    /** Where buckets are mounted in a session, each in a folder of its name. */
    readonly mount_folder: string;
  };
  readonly request: {
    /** Milliseconds a request may take before it is answered with an error that names what was slow. */
    readonly deadline_ms: number;
    readonly body_limit_bytes: number;
    /** Host names (with port) that the service answers to; empty: any. Against DNS rebinding. */
    readonly allowed_hosts: readonly string[];
    /** Origins that may send state-changing requests besides the request's own host. */
    readonly allowed_origins: readonly string[];
  };
  readonly docs: {
    /** Options of curl, as a shell reads them, that the page of documentation puts into its commands to sign in. */
    readonly curl_options: string;
  };
  readonly outbound: {
    /** CIDRs of private networks that image checks may reach. */
    readonly allowed_networks: readonly string[];
  };
  readonly sessions: {
    readonly default_image: string;
    readonly image_default_workdir: string;
    /** Whether the ingress of the sessions reads the tokens that `POST servers/{name}/tokens` makes. */
    readonly access_tokens: { readonly enabled: boolean };
    readonly culling: {
      readonly registered: { readonly idle_seconds: number; readonly max_age_seconds: number };
      readonly anonymous: { readonly idle_seconds: number; readonly max_age_seconds: number };
    };
    readonly git_clone: ProgramImage & { readonly sentry: Sentry };
    /** Added to a session where `containers` lists `git-proxy`. */
    readonly git_proxy: {
      readonly port: number;
      readonly health_port: number;
      readonly image: string;
      /** The Keycloak client that users' access tokens are for, and that renews them inside a session. */
      readonly renku_client_id: string;
      /** Reaches every registered session's pod where it is set; a proxy that renews through the gateway needs none. */
      readonly renku_client_secret: string | null;
    };
    /** Added to a registered session where `containers` lists `git-sidecar`. */
    readonly git_rpc_server: {
      readonly host: string;
      readonly port: number;
      readonly image: string;
      readonly sentry: Sentry;
    };
    /** `ssh_enabled` only says in `version` that there is ssh; this makes it. */
    readonly ssh: {
      readonly enabled: boolean;
      readonly service_port: number;
      readonly container_port: number;
      /** A Secret in the namespace of sessions. Every session's user can read it: never the keys of another host. */
      readonly host_key_secret: string | null;
      readonly host_key_location: string;
    };
    readonly ca_certs: {
      readonly image: string;
      readonly path: string;
      readonly secrets: readonly { readonly secret: string }[];
    };
    readonly ingress: {
      readonly host: string;
      readonly tls_secret: string | null;
      readonly annotations: Readonly<Record<string, string>>;
    };
    readonly oidc: {
      readonly client_id: string;
      readonly client_secret: string;
      readonly allow_unverified_email: boolean;
      readonly config_url: string;
    };
    readonly storage: {
      readonly pvs_enabled: boolean;
      readonly pvs_storage_class: string | null;
      readonly use_empty_dir_size_limit: boolean;
    };
    readonly enforce_cpu_limits: 'lax' | 'strict' | 'off';
    readonly autosave_minimum_lfs_file_size_bytes: number;
    readonly termination_grace_period_seconds: number;
    readonly termination_warning_duration_seconds: number;
    readonly node_selector: Readonly<Record<string, string>>;
    readonly affinity: Readonly<Record<string, unknown>>;
    readonly tolerations: readonly Readonly<Record<string, unknown>>[];
    readonly containers: { readonly anonymous: readonly string[]; readonly registered: readonly string[] };
    readonly init_containers: readonly string[];
  };
}

/** A field of a launch page. */
export interface UiChoice<T> {
  /** From 1: the place on the page. */
  readonly order: number;
  readonly displayName: string;
  readonly type: 'enum' | 'boolean';
  readonly default: T;
}

/** Where a program inside a session reports its errors. */
export interface Sentry {
  readonly enabled: boolean;
  readonly dsn: string | null;
  readonly env: string | null;
  /** From 0 to 1. */
  readonly sample_rate: number;
}

export interface CloudStorage {
  readonly enabled: boolean;
  readonly read_only: boolean;
}
