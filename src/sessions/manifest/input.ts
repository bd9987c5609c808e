import type { Config, Sentry } from '../../config/types.ts';
import type { Identity } from '../../identity/types.ts';
import type { JsonPatchOperation } from '../../jupyter-server/types.ts';
import type { SessionResources } from '../../options/resource-classes.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import type { CloudStorage } from './cloud-storage.ts';

/** Everything a JupyterServer is made from. It holds no credential of the caller, so none can get into the object. */
export interface ManifestInput {
  readonly name: string;
  readonly launchId: string;
  readonly user: SessionUser;
  readonly repository: Repository;
  readonly image: {
    readonly reference: string;
    /** What the caller asked for; undefined: the project's own image, or the default one. */
    readonly requested: string | undefined;
    /** Absolute; null where the registry does not say. */
    readonly workingDir: string | null;
    /** The registry shows it only to the caller's own token. */
    readonly private: boolean;
  };
  readonly resources: SessionResources;
  readonly defaultUrl: string;
  readonly lfsAutoFetch: boolean;
  /** The user's variables. Only the names get into the object; the values are in the variables Secret. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cloudStorage: readonly CloudStorage[];
  /** Opens an anonymous session's Jupyter: random, URL-safe, of this session only. */
  readonly sessionToken: string;
}

export interface Repository {
  readonly gitlabProjectId: number;
  /** As requested, normalised: the group, lower case. */
  readonly namespace: string;
  /** As requested, normalised: the project's own path segment, lower case. */
  readonly project: string;
  /** The project's own path segment with the case GitLab keeps: the name of the folder. */
  readonly folder: string;
  readonly webUrl: string;
  readonly httpUrl: string;
  readonly branch: string;
  /** The project's default branch is this one, as GitLab says at the launch. */
  readonly isDefaultBranch: boolean;
  /** As requested: a name of the commit. */
  readonly requestedCommit: string;
  /** The full id that GitLab resolved it to: what the session is about, even if a tag or branch of that name moves later. */
  readonly commitSha: string;
  /** Developers and above may push autosaves. */
  readonly mayPush: boolean;
}

/** The caller without credentials. */
export interface SessionUser {
  readonly kind: Identity['kind'];
  readonly id: string;
  readonly username: string;
  readonly safeUsername: string;
  /** `ownerKey()`. */
  readonly owner: string;
  readonly gitUrl: string;
  /** The credentials Secret has a token for git. */
  readonly hasGitToken: boolean;
  /** Unix seconds; -1 never; 0 there is no token. */
  readonly gitTokenExpiresAt: number;
  readonly hasRefreshToken: boolean;
  /** undefined: anonymous. */
  readonly profile: { readonly email: string; readonly fullName: string; readonly issuer: string } | undefined;
}

/** Where the parts of the pod are in the document that the operator patches. */
export const podSpec = '/statefulset/spec/template/spec';
export const containerIndex = {
  jupyterServer: sessionContainer.jupyter.index,
  proxy: sessionContainer.oauth2Proxy.index,
};

export interface JsonPatch {
  type: 'application/json-patch+json';
  patch: JsonPatchOperation[];
}

export const jsonPatch = (...patch: JsonPatchOperation[]): JsonPatch => ({
  type: 'application/json-patch+json',
  patch,
});

export const add = (path: string, value: unknown): JsonPatchOperation => ({ op: 'add', path: podSpec + path, value });

/** For the containers beside the session's own: nobody in particular, with no way up. */
export const servicesSecurity = {
  allowPrivilegeEscalation: false,
  runAsUser: 1000,
  runAsGroup: 1000,
  runAsNonRoot: true,
};

/** Where the original's helpers report their errors. `ENABLED` is sent in any case: they do not start without it. */
export function sentryVariables(prefix: string, sentry: Sentry, { version }: Config): Record<string, string> {
  if (!sentry.enabled) return { [`${prefix}SENTRY__ENABLED`]: 'false' };
  return {
    [`${prefix}SENTRY__ENABLED`]: 'true',
    [`${prefix}SENTRY__DSN`]: sentry.dsn ?? '',
    [`${prefix}SENTRY__ENVIRONMENT`]: sentry.env ?? '',
    [`${prefix}SENTRY__SAMPLE_RATE`]: String(sentry.sample_rate),
    SENTRY_RELEASE: version,
  };
}

/** Where the platform answers, without a slash at its end. */
export const sessionsOrigin = ({ sessions: { ingress } }: Config): string =>
  `${ingress.tls_secret ? 'https' : 'http'}://${ingress.host}`;

/**
 * The folder that holds the image's work, without a slash at its end. The operator pastes it into YAML and Python, and
 * it comes from an image that anybody may have made: what is not a plain path counts as unknown.
 */
export function workingDirOf(input: ManifestInput, config: Config): string {
  const given = input.image.workingDir;
  const plain = given !== null && /^(\/[\w.-]+)*\/?$/.test(given) && !/(^|\/)\.\.(\/|$)/.test(given);
  return (plain ? given : config.sessions.image_default_workdir).replace(/\/+$/, '');
}

/** Where the workspace is mounted in the session's own container. */
export const mountPathOf = (input: ManifestInput, config: Config): string => `${workingDirOf(input, config)}/work`;

/** Where the other containers see the repository. */
export const repositoryPath = (repository: Repository): string => `/work/${repository.folder}`;
