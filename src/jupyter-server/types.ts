/**
 * The `JupyterServer` custom resource (`amalthea.dev/v1alpha1`), the only thing that service and operator share.
 * Every field may be missing on an object that somebody else wrote: nothing here is trusted to be there.
 */
export interface ObjectMeta {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  generateName?: string;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

export type SessionState = 'starting' | 'running' | 'stopping' | 'failed' | 'hibernated';
export type ContainerStep = 'ready' | 'waiting' | 'executing' | 'failed';

export interface JsonPatchOperation {
  op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  path: string;
  from?: string;
  value?: unknown;
}

export type ChildPatch =
  | { type: 'application/json-patch+json'; patch: JsonPatchOperation[] }
  | { type: 'application/merge-patch+json'; patch: Record<string, unknown> };

export interface ResourceRequirements {
  requests?: Record<string, string | number>;
  limits?: Record<string, string | number>;
}

export interface JupyterServerSpec {
  auth?: {
    token?: string;
    oidc?: {
      enabled?: boolean;
      issuerUrl?: string;
      clientId?: string;
      clientSecret?: { value: string } | { secretKeyRef: { name: string; key: string } };
      authorizedEmails?: string[];
      authorizedGroups?: string[];
    };
  };
  culling?: {
    idleSecondsThreshold?: number;
    maxAgeSecondsThreshold?: number;
    startingSecondsThreshold?: number;
    failedSecondsThreshold?: number;
    hibernatedSecondsThreshold?: number;
  };
  jupyterServer?: {
    image?: string;
    defaultUrl?: string;
    rootDir?: string;
    hibernated?: boolean;
    resources?: ResourceRequirements;
  };
  patches?: ChildPatch[];
  routing?: {
    host?: string;
    path?: string;
    ingressAnnotations?: Record<string, string>;
    tls?: { enabled?: boolean; secretName?: string };
  };
  storage?: {
    size?: string | number;
    pvc?: { enabled?: boolean; mountPath?: string; storageClassName?: string };
  };
}

/** What a pod reports of one container (core/v1 ContainerStatus, the part that is used here). */
export interface ContainerStatus {
  name: string;
  ready?: boolean;
  started?: boolean;
  restartCount?: number;
  image?: string;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: {
    exitCode?: number;
    signal?: number;
    reason?: string;
    message?: string;
    startedAt?: string;
    finishedAt?: string;
  };
}

export interface PodCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface PodStatus {
  phase?: string;
  reason?: string;
  message?: string;
  podIP?: string;
  hostIP?: string;
  startTime?: string;
  conditions?: PodCondition[];
  containerStatuses?: ContainerStatus[];
  initContainerStatuses?: ContainerStatus[];
}

export interface JupyterServerStatus {
  state?: SessionState | null;
  containerStates?: { init?: Record<string, ContainerStep>; regular?: Record<string, ContainerStep> };
  startingSince?: string;
  failedSince?: string;
  create_fn?: { createdResources?: Record<string, string>; fullServerURL?: string };
  children?: Record<string, { uid: string; name: string; kind: string; apiVersion: string; status?: unknown }>;
  mainPod?: {
    uid?: string;
    name?: string;
    kind?: string;
    apiVersion?: string;
    status?: PodStatus;
    resourceUsage?: {
      cpuMillicores?: number;
      memoryBytes?: number;
      disk?: { usedBytes?: number; availableBytes?: number; totalBytes?: number };
    };
  };
  events?: Record<string, { message?: string; timestamp?: string }>;
  [other: string]: unknown;
}

export interface JupyterServer extends KubernetesObject {
  spec?: JupyterServerSpec;
  status?: JupyterServerStatus;
}
