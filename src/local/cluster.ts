import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import type { ResourceType } from '../platform/kubernetes/types.ts';

/**
 * The objects of the embedded API server, for other parts of the same process (kubelet, controllers, ingress). The store
 * and its rules (admission, versions, order of watch events) are those of the REST API. Calls are synchronous, because
 * SQLite is synchronous. A rejected operation throws `StatusError`, which the REST API sends as a Status object.
 */
export interface Cluster {
  get<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string): T | undefined;
  /** Lists all namespaces if `namespace` is undefined. `labelSelector` has the syntax of the API. */
  list<T extends KubernetesObject>(type: ResourceType, options?: { namespace?: string; labelSelector?: string }): T[];
  create<T extends KubernetesObject>(type: ResourceType, namespace: string, object: T): T;
  mergePatch<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string, patch: object): T;
  /** Applies a merge patch to `status` only. The kind must have the status subresource. */
  patchStatus<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string, status: object): T;
  delete(
    type: ResourceType,
    namespace: string,
    name: string,
    options?: { gracePeriodSeconds?: number; propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' },
  ): void;
  /**
   * Calls `listener` with ADDED for each existing object, then with each change, in order, after the change is durable.
   * Calls are queued: if `listener` itself writes, the call for that write follows after `listener` has returned.
   * Returns a function that ends the watch.
   */
  watch<T extends KubernetesObject>(type: ResourceType, listener: (event: ClusterEvent<T>) => void): () => void;
}

export interface ClusterEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
}

export class StatusError extends Error {
  override readonly name = 'StatusError';
  /** HTTP status. */
  readonly code: number;
  /** The Status object's reason: NotFound, AlreadyExists, Conflict, Invalid, ... */
  readonly reason: string;
  readonly details: object | undefined;
  constructor(code: number, reason: string, message: string, details?: object) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** The calls of the API server to the node, which runs the pods. */
export interface NodeAgent {
  /**
   * Yields the lines of a container's log, each with its newline; with `follow`, until the container ends or `signal`
   * aborts. Throws StatusError: 404 if the pod does not exist, 400 if the container does not exist or has not started.
   */
  logs(
    pod: { namespace: string; name: string },
    options: {
      container?: string;
      follow: boolean;
      previous: boolean;
      timestamps: boolean;
      tailLines?: number;
      sinceSeconds?: number;
      sinceTime?: string;
      limitBytes?: number;
    },
    signal: AbortSignal,
  ): AsyncIterable<string>;
  /** Returns the usage of each running container, CPU in nanocores and memory in bytes, for metrics.k8s.io. */
  metrics(): PodMetrics[];
}

export interface PodMetrics {
  namespace: string;
  name: string;
  timestamp: string;
  windowSeconds: number;
  containers: { name: string; cpuNanocores: number; memoryBytes: number }[];
}

/** The address of a pod's Jupyter server, for the ingress. The token never leaves this process. */
export interface SessionEndpoint {
  /** The pod's address. */
  address: string;
  port: number;
  /** Jupyter's own token. */
  token: string;
}
