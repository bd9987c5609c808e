import type { KubernetesObject, PodStatus, ResourceRequirements } from '../platform/kubernetes/objects.ts';
import type { SaveProgress } from './stop-request.ts';

/**
 * The `JupyterServer` custom resource: the service writes its spec, and the operator its status. Other programs may also
 * write JupyterServers, so every field may be missing.
 */
export const sessionStates = ['starting', 'running', 'stopping', 'failed', 'hibernated'] as const;
export type SessionState = (typeof sessionStates)[number];
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

/** A condition as in other Kubernetes resources (metav1.Condition), so that `kubectl wait --for=condition=Ready` works. */
export interface SessionCondition {
  /**
   * `HasRun` is `False` only if the session has never been `running`, and `Unknown` if the operator has not observed the session all
   * the time. Only hibernated sessions have `UnsavedWork`: their threshold has passed, and their work is not saved.
   */
  type: 'Ready' | 'Progressing' | 'Degraded' | 'HasRun' | 'UnsavedWork';
  status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase. */
  reason: string;
  message: string;
  /** When `status` changed, RFC 3339. */
  lastTransitionTime: string;
}

/** A pod of a session that the cluster stopped and replaced. */
export interface StoppedPod {
  uid: string;
  /** RFC 3339. */
  at: string;
  /**
   * The reason in the pod's condition DisruptionTarget (`EvictionByEvictionAPI`), the pod's status (`Evicted`) or its events;
   * `Deleted` if a client deleted the pod, `Unknown` if the reason is not known.
   */
  reason: string;
  message?: string;
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
  /** Amalthea does not write the fields below. */
  conditions?: SessionCondition[];
  /** The last activity that the operator knows, RFC 3339. */
  lastActivity?: string;
  /** The pod that the cluster stopped last. */
  stoppedPod?: StoppedPod;
  /** The progress of the save before the end of the session. */
  save?: SaveProgress;
  [other: string]: unknown;
}

export interface JupyterServer extends KubernetesObject {
  spec?: JupyterServerSpec;
  status?: JupyterServerStatus;
}
