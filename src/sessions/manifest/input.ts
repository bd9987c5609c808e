import type { Config, ManifestConfig, Sentry } from '../../config/types.ts';
import type { Identity } from '../../identity/types.ts';
import type { JsonPatchOperation } from '../../jupyter-server/types.ts';
import type { SessionResources } from '../../options/resource-classes.ts';
import { unprivileged, withLogInStatus } from '../../session-contract/container-defaults.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import type { CloudStorage } from './cloud-storage.ts';

/** All values in a JupyterServer. The input has no credentials of the caller, so the object cannot contain them. */
export interface ManifestInput {
  readonly name: string;
  readonly launchId: string;
  readonly user: SessionUser;
  readonly repository: Repository;
  readonly image: {
    readonly reference: string;
    /** The image that the caller named; undefined for the project's image or the default image. */
    readonly requested: string | undefined;
    /** The absolute working directory of the image; null if the registry does not provide it. */
    readonly workingDir: string | null;
    /** How the image starts Jupyter by itself; null if it does not, or if it is unknown. */
    readonly jupyter: 'entrypoint' | 'lab' | null;
    /** Whether the entrypoint is known to run the arguments of the container as a command; null if it is unknown. */
    readonly runsArguments: boolean | null;
    /** Whether the registry requires the caller's token for the image. */
    readonly private: boolean;
  };
  readonly resources: SessionResources;
  readonly defaultUrl: string;
  readonly lfsAutoFetch: boolean;
  /** The user's variables. The object has only the names; the values are in the variables Secret. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cloudStorage: readonly CloudStorage[];
  /** Jupyter's token in an anonymous session: a random, URL-safe text that only this session uses. */
  readonly sessionToken: string;
}

export interface Repository {
  readonly gitlabProjectId: number;
  /** The group as requested, in lower case. */
  readonly namespace: string;
  /** The last segment of the project's path as requested, in lower case. */
  readonly project: string;
  /** The last segment of the project's path in GitLab, in its original case: the name of the repository's folder. */
  readonly folder: string;
  readonly webUrl: string;
  readonly httpUrl: string;
  readonly branch: string;
  /** Whether `branch` is the project's default branch at the launch. */
  readonly isDefaultBranch: boolean;
  /** The name of the commit, as requested. */
  readonly requestedCommit: string;
  /** The full id of the commit at the launch. Later changes of a tag or branch do not change the id. */
  readonly commitSha: string;
  /** Whether the user may push autosaves. This requires at least the role "developer" in the project. */
  readonly mayPush: boolean;
}

/** The caller, without credentials. */
export interface SessionUser {
  readonly kind: Identity['kind'];
  readonly id: string;
  readonly username: string;
  readonly safeUsername: string;
  /** `ownerKey()`. */
  readonly owner: string;
  readonly gitUrl: string;
  /** Whether the credentials Secret has a token for git. */
  readonly hasGitToken: boolean;
  /** Expiry time of the git token in Unix seconds; -1 if the token does not expire, 0 without a token. */
  readonly gitTokenExpiresAt: number;
  readonly hasRefreshToken: boolean;
  /** undefined for an anonymous user. */
  readonly profile: { readonly email: string; readonly fullName: string; readonly issuer: string } | undefined;
}

/** Path of the pod's spec in the document that the operator patches. */
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

/** Fields of the containers beside Jupyter. */
export const serviceContainer = {
  securityContext: unprivileged({ runAsUser: 1000, runAsGroup: 1000 }),
  ...withLogInStatus,
};

/** Returns the Sentry settings of the programs of renku-notebooks, which do not start without `ENABLED`. */
export function sentryVariables(
  prefix: string,
  sentry: Sentry,
  { version }: Pick<Config, 'version'>,
): Record<string, string> {
  if (!sentry.enabled) return { [`${prefix}SENTRY__ENABLED`]: 'false' };
  return {
    [`${prefix}SENTRY__ENABLED`]: 'true',
    [`${prefix}SENTRY__DSN`]: sentry.dsn ?? '',
    [`${prefix}SENTRY__ENVIRONMENT`]: sentry.env ?? '',
    [`${prefix}SENTRY__SAMPLE_RATE`]: String(sentry.sample_rate),
    SENTRY_RELEASE: version,
  };
}

/** Returns the origin of the platform's host, without a slash at the end. */
export const sessionsOrigin = ({ sessions: { ingress } }: Pick<Config, 'sessions'>): string =>
  `${ingress.tls_secret ? 'https' : 'http'}://${ingress.host}`;

/**
 * Returns the image's working directory, without a slash at the end. The operator writes the path into YAML and Python, and
 * any author may have created the image. So a path with special characters is replaced by the configured default.
 */
export function workingDirOf(input: ManifestInput, config: ManifestConfig): string {
  const given = input.image.workingDir;
  const plain = given !== null && /^(\/[\w.-]+)*\/?$/.test(given) && !/(^|\/)\.\.(\/|$)/.test(given);
  return (plain ? given : config.sessions.image_default_workdir).replace(/\/+$/, '');
}

/** Returns the path of the workspace in the Jupyter container. */
export const mountPathOf = (input: ManifestInput, config: ManifestConfig): string =>
  `${workingDirOf(input, config)}/work`;

/** Returns the path of the repository in the other containers. */
export const repositoryPath = (repository: Repository): string => `/work/${repository.folder}`;
