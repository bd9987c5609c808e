import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { type AccessToken, readAccessTokens } from '../session-contract/access-tokens.ts';
import type { SessionContainer } from '../session-contract/containers.ts';
import { fullCommitId } from './commit-id.ts';
import { type CullingNotice, readCullingNotice } from './culling-notice.ts';
import { annotation, clientAnnotations } from './labels.ts';
import { type LaunchOptions, readLaunchOptions } from './launch-options.ts';
import { ownerOf } from './owner.ts';
import { type Bucket, readPatches } from './patches.ts';
import { readQuantity } from './quantities.ts';
import { readSavedWork, type SavedWork } from './saved-work.ts';
import { type ReportedContainer, readContainers, readPod, type SessionPod } from './session-pod.ts';
import { readSaveProgress, readStopRequest, type SaveProgress, type StopRequest } from './stop-request.ts';
import { type SessionState, type StoppedPod, sessionStates } from './types.ts';
import { at, type Fields, fields, finite, text } from './untrusted.ts';

/**
 * A session, read from its JupyterServer. All code uses this type, except the code that writes the object
 * (`sessions/manifest`) or creates its children (the operator). A cache holds thousands of sessions, so a session has only
 * the values that the code needs: no patches and no managed fields. Its only credential is Jupyter's token of an anonymous
 * session.
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
  /** The request to end the session after its work is saved. */
  readonly stopRequest: StopRequest | undefined;
  /** The progress of the save before the end. */
  readonly save: SaveProgress | undefined;
  /** The save that preceded the hibernation. */
  readonly savedWork: SavedWork | undefined;
  /** The state that the operator wrote last. `sessionState` (state.ts) returns the session's state. */
  readonly reportedState: SessionState | undefined;

  /** See owner.ts. */
  readonly owner: string | undefined;
  /** The annotations in `clientAnnotations` that the object has. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly project: SessionProject;
  /** Empty if unknown. */
  readonly branch: string;
  /** Whether the branch was the project's default branch at the launch; undefined if unknown. */
  readonly isDefaultBranch: boolean | undefined;
  readonly commit: SessionCommit;

  readonly image: string;
  /** The image that the launch request named; empty if the request named no image. */
  readonly requestedImage: string;
  readonly defaultUrl: string | undefined;
  readonly launchOptions: LaunchOptions;
  /** Id of the launch that created the object; undefined if another service created the object. */
  readonly launchId: string | undefined;
  readonly restart: LastRestart | undefined;

  /** Whether users sign in through OIDC. Otherwise `token` is the credential. */
  readonly isOidc: boolean;
  /** Jupyter's own token; empty if the session has no token. */
  readonly token: string;
  readonly accessTokens: readonly AccessToken[];
  readonly secrets: SecretNames;
  /** Id of the secret from which the key of the session's agent is derived; undefined if the session has no agent. */
  readonly agentSecret: string | undefined;
  /** Whether the user may push to the repository. */
  readonly mayPush: boolean;

  readonly requested: RequestedResources;
  /** Whether the files are on a volume that remains when the pod is deleted. */
  readonly hasVolume: boolean;
  readonly buckets: readonly Bucket[];
  readonly routing: Routing;
  readonly culling: Culling;

  /** The session containers that the object adds to the pod of the operator's template. */
  readonly addedContainers: readonly SessionContainer[];
  /** Init containers first. */
  readonly containers: readonly ReportedContainer[];
  readonly pod: SessionPod | undefined;
  /** The operator's messages, by component (`pod`, `statefulset`, `operator`). Empty messages are left out. */
  readonly messages: Readonly<Record<string, string>>;
  /** The pod that the cluster stopped last. */
  readonly stoppedPod: StoppedPod | undefined;
  /** Seconds, as operators before Amalthea 0.9 wrote them. */
  readonly idleSeconds: number | undefined;
}

/** The path of the project as requested, in lower case; empty if unknown. */
export interface SessionProject {
  /** The group, for example `group/sub`. */
  readonly namespace: string;
  /** The last segment of the path. */
  readonly name: string;
}

export interface SessionCommit {
  /** The full id; undefined for a session of renku-notebooks whose launch named a branch, a tag or a short id. */
  readonly id: string | undefined;
  /** The name of the commit in the launch request: an id, a branch or a tag. */
  readonly requested: string;
}

/** The last restart; `podUid` is the pod that it replaces. */
export interface LastRestart {
  readonly podUid: string;
  /** RFC 3339. */
  readonly at: string | undefined;
}

/** Names of the Secrets that the launch created; undefined for a Secret that the session does not need. */
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

/** The parts of the session's URL. The service's configuration has the values for undefined fields. */
export interface Routing {
  readonly host: string | undefined;
  readonly path: string | undefined;
  readonly isTls: boolean;
}

/** When the operator hibernates or deletes the session. A threshold of 0 or undefined means never. */
export interface Culling {
  /** Seconds without activity after which the session is hibernated. */
  readonly idleSeconds: number | undefined;
  /** Seconds after the start of Jupyter after which the session is hibernated. */
  readonly maxAgeSeconds: number | undefined;
  /** Seconds after which the hibernated session is deleted. */
  readonly hibernatedSeconds: number | undefined;
  /**
   * Whether the operator announces the end of the session with a notice. Other operators announce nothing, and the service
   * computes the end from the thresholds.
   */
  readonly isAnnounced: boolean;
  /** What the operator has announced; undefined if the end is not near. */
  readonly notice: CullingNotice | undefined;
}

/**
 * Returns the session of a JupyterServer that any client may have written. A value of an unexpected type counts as missing,
 * so that one invalid object cannot cause an error in a list or a response. Never throws.
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
    stopRequest: readStopRequest(written(annotation.stopRequest)),
    save: readSaveProgress(status['save']),
    savedWork: readSavedWork(written(annotation.savedWork)),
    reportedState: sessionStates.find((state) => state === status['state']),

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
    agentSecret: written(annotation.agentSecret) || undefined,
    mayPush: written(annotation.mayPush) !== 'false',

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
      isAnnounced: Array.isArray(status['conditions']),
      notice: readCullingNotice(written(annotation.culling)),
    },

    addedContainers: patches.containers,
    containers: readContainers(status),
    pod: readPod(fields(status['mainPod'])),
    messages: messagesOf(fields(status['events'])),
    stoppedPod: stoppedPodOf(fields(status['stoppedPod'])),
    idleSeconds: readQuantity(status['idleSeconds']),
  };
}

const booleanOf = (value: string | undefined): boolean | undefined =>
  value === undefined ? undefined : value === 'true';

/** The previous release wrote the requested name into the annotation for the id. Only the `git-clone` container had the id. */
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

function stoppedPodOf({ uid, at: time, reason, message }: Fields): StoppedPod | undefined {
  if (text(uid) === undefined || Number.isNaN(Date.parse(text(time) ?? ''))) return undefined;
  const why = text(message);
  return { uid: text(uid) ?? '', at: text(time) ?? '', reason: text(reason) ?? '', ...(why ? { message: why } : {}) };
}

function messagesOf(events: Fields): Readonly<Record<string, string>> {
  const entries = Object.entries(events).flatMap(([about, event]) => {
    const message = text(at(event, 'message'));
    return message ? [[about, message] as const] : [];
  });
  return Object.fromEntries(entries);
}
