import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { type AccessToken, readAccessTokens } from '../session-contract/access-tokens.ts';
import type { SessionContainer } from '../session-contract/containers.ts';
import { fullCommitId } from './commit-id.ts';
import { annotation, clientAnnotations } from './labels.ts';
import { type LaunchOptions, readLaunchOptions } from './launch-options.ts';
import { ownerOf } from './owner.ts';
import { type Bucket, readPatches } from './patches.ts';
import { readQuantity } from './quantities.ts';
import { type ReportedContainer, readContainers, readPod, type SessionPod } from './session-pod.ts';
import type { SessionState } from './types.ts';
import { at, type Fields, fields, finite, text } from './untrusted.ts';

/**
 * A session, read from its JupyterServer. All code but the writers of the object (`sessions/manifest`, the operator's
 * children) works with it. It holds what is needed of the object and no more, because a cache holds thousands of
 * them: no patches, no managed fields, no credential but Jupyter's token of an anonymous session.
 */
export interface Session {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339. */
  readonly createdAt: string | undefined;
  readonly isBeingDeleted: boolean;
  readonly isHibernated: boolean;
  /** What the operator wrote last; `sessionState` in state.ts decides what the session's state is. */
  readonly reportedState: SessionState | undefined;

  /** See owner.ts. */
  readonly owner: string | undefined;
  /** As in `clientAnnotations`; without those that the object lacks. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly project: SessionProject;
  /** Empty if unknown. */
  readonly branch: string;
  /** Whether the branch was the project's default branch at the launch; undefined if the object does not say it. */
  readonly isDefaultBranch: boolean | undefined;
  readonly commit: SessionCommit;

  readonly image: string;
  /** The image that the launch named; empty if it named none. */
  readonly requestedImage: string;
  readonly defaultUrl: string | undefined;
  readonly launchOptions: LaunchOptions;
  /** Which launch made the object; undefined for an object of another service. */
  readonly launchId: string | undefined;
  readonly restart: LastRestart | undefined;

  /** Users sign in through OIDC; otherwise `token` is the credential. */
  readonly isOidc: boolean;
  /** Jupyter's own token; empty if there is none. */
  readonly token: string;
  readonly accessTokens: readonly AccessToken[];
  readonly secrets: SecretNames;

  readonly requested: RequestedResources;
  /** Whether files are on a volume that outlives the pod. */
  readonly hasVolume: boolean;
  readonly buckets: readonly Bucket[];
  readonly routing: Routing;
  readonly culling: Culling;

  /** The session containers that the object adds to the pod of the operator's template. */
  readonly addedContainers: readonly SessionContainer[];
  /** Init containers first. */
  readonly containers: readonly ReportedContainer[];
  readonly pod: SessionPod | undefined;
  /** Messages of the operator, by the child that they are about (`pod`, `statefulset`, `operator`); none is empty. */
  readonly messages: Readonly<Record<string, string>>;
  /** Seconds, as operators before Amalthea 0.9 wrote them. */
  readonly idleSeconds: number | undefined;
}

/** The path of the project in lower case, as the launch named it; empty if unknown. */
export interface SessionProject {
  /** The group, for example `group/sub`. */
  readonly namespace: string;
  /** The last segment of the path. */
  readonly name: string;
}

export interface SessionCommit {
  /** The full id; undefined for a session of renku-notebooks that was launched by another name. */
  readonly id: string | undefined;
  /** The name by which the launch named the commit. */
  readonly requested: string;
}

/** The last restart; `podUid` is the pod that it replaces. */
export interface LastRestart {
  readonly podUid: string;
  /** RFC 3339. */
  readonly at: string | undefined;
}

/** Names of the Secrets of the launch that the object refers to; undefined for those that it does not need. */
export interface SecretNames {
  readonly credentials: string | undefined;
  readonly variables: string | undefined;
  readonly pull: string | undefined;
}

export interface RequestedResources {
  /** Cores. */
  readonly cpu: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly gpu: number;
  readonly storageBytes: number | undefined;
}

/** Where the session answers; undefined fields are as the service's configuration says. */
export interface Routing {
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly isTls: boolean;
}

/** Seconds after which the session is to be stopped or deleted; 0 and undefined: never. */
export interface Culling {
  readonly idleSeconds: number | undefined;
  readonly maxAgeSeconds: number | undefined;
  readonly hibernatedSeconds: number | undefined;
}

const states: readonly SessionState[] = ['starting', 'running', 'stopping', 'failed', 'hibernated'];

/**
 * Returns the session of a JupyterServer of any client. A value of another type than this service writes counts as
 * missing, so that no object can break a list or a response. Never throws.
 */
export function fromJupyterServer(object: KubernetesObject & { spec?: unknown; status?: unknown }): Session {
  const metadata = fields(object.metadata);
  const [spec, status] = [fields(object.spec), fields(object.status)];
  const written = (key: string): string | undefined => text(at(metadata, 'annotations', key));
  const isOidc = at(spec, 'auth', 'oidc', 'enabled') === true;
  const patches = readPatches(spec['patches']);
  const commit = commitOf(written(annotation.commitSha), written(annotation.requestedRef), patches.clonedCommit);
  const podUid = written(annotation.restartedPod);
  return {
    name: text(metadata['name']) ?? '',
    namespace: text(metadata['namespace']) ?? '',
    uid: text(metadata['uid']) ?? '',
    resourceVersion: text(metadata['resourceVersion']) ?? '',
    createdAt: text(metadata['creationTimestamp']),
    isBeingDeleted: text(metadata['deletionTimestamp']) !== undefined,
    isHibernated: at(spec, 'jupyterServer', 'hibernated') === true,
    reportedState: states.find((state) => state === status['state']),

    owner: ownerOf(metadata, isOidc),
    annotations: annotationsFor(written, commit),
    project: { namespace: written(annotation.namespace) ?? '', name: written(annotation.projectName) ?? '' },
    branch: written(annotation.branch) ?? '',
    isDefaultBranch: booleanOf(written(annotation.defaultBranch)),
    commit,

    image: text(at(spec, 'jupyterServer', 'image')) ?? '',
    requestedImage: written(annotation.requestedImage) ?? '',
    defaultUrl: text(at(spec, 'jupyterServer', 'defaultUrl')),
    launchOptions: readLaunchOptions(written(annotation.launchOptions)),
    launchId: written(annotation.launchId),
    restart: podUid === undefined ? undefined : { podUid, at: written(annotation.restartedAt) },

    isOidc,
    token: text(at(spec, 'auth', 'token')) ?? '',
    accessTokens: readAccessTokens(written(annotation.accessTokens)),
    secrets: {
      credentials: written(annotation.credentialsSecret) || undefined,
      variables: written(annotation.variablesSecret) || undefined,
      pull: written(annotation.pullSecret) || undefined,
    },

    requested: {
      cpu: readQuantity(at(spec, 'jupyterServer', 'resources', 'requests', 'cpu')),
      memoryBytes: readQuantity(at(spec, 'jupyterServer', 'resources', 'requests', 'memory')),
      gpu: Math.floor(readQuantity(at(spec, 'jupyterServer', 'resources', 'requests', 'nvidia.com/gpu')) ?? 0),
      storageBytes: readQuantity(at(spec, 'storage', 'size')),
    },
    hasVolume: at(spec, 'storage', 'pvc', 'enabled') === true,
    buckets: patches.buckets,
    routing: {
      host: text(at(spec, 'routing', 'host')),
      path: text(at(spec, 'routing', 'path')),
      isTls: at(spec, 'routing', 'tls', 'enabled') === true,
    },
    culling: {
      idleSeconds: finite(at(spec, 'culling', 'idleSecondsThreshold')),
      maxAgeSeconds: finite(at(spec, 'culling', 'maxAgeSecondsThreshold')),
      hibernatedSeconds: finite(at(spec, 'culling', 'hibernatedSecondsThreshold')),
    },

    addedContainers: patches.containers,
    containers: readContainers(status),
    pod: readPod(fields(status['mainPod'])),
    messages: messagesOf(fields(status['events'])),
    idleSeconds: readQuantity(status['idleSeconds']),
  };
}

const booleanOf = (value: string | undefined): boolean | undefined =>
  value === undefined ? undefined : value === 'true';

/** The previous release wrote the requested name into the annotation of the id; only the clone step had the id. */
function commitOf(
  commitSha: string | undefined,
  requestedRef: string | undefined,
  cloned: string | undefined,
): SessionCommit {
  const id = fullCommitId(commitSha ?? '');
  if (id === undefined && commitSha !== undefined && cloned !== undefined) return { id: cloned, requested: commitSha };
  return { id, requested: requestedRef ?? commitSha ?? '' };
}

function annotationsFor(
  written: (key: string) => string | undefined,
  { id, requested }: SessionCommit,
): Readonly<Record<string, string>> {
  const found = clientAnnotations.flatMap((key) => {
    const value = written(key);
    return value === undefined ? [] : [[key, value] as const];
  });
  const isName = fullCommitId(written(annotation.commitSha) ?? '') === undefined;
  const byId = id !== undefined && isName ? { [annotation.commitSha]: id, [annotation.requestedRef]: requested } : {};
  return { ...Object.fromEntries(found), ...byId };
}

function messagesOf(events: Fields): Readonly<Record<string, string>> {
  const entries = Object.entries(events).flatMap(([about, event]) => {
    const message = text(at(event, 'message'));
    return message ? [[about, message] as const] : [];
  });
  return Object.fromEntries(entries);
}
