import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import type { ResourceType } from '../platform/kubernetes/types.ts';

/**
 * The embedded API server's objects as the other parts of the same process (kubelet, controllers, ingress) see them.
 * It is the same store, with the same rules (admission, versions, watch order), that the REST API serves: synchronous,
 * because SQLite is. A refused operation throws `StatusError`, which the REST layer turns into a Status object.
 */
export interface Cluster {
  get<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string): T | undefined;
  /** All namespaces when `namespace` is undefined. `labelSelector` is the API's syntax. */
  list<T extends KubernetesObject>(type: ResourceType, options?: { namespace?: string; labelSelector?: string }): T[];
  create<T extends KubernetesObject>(type: ResourceType, namespace: string, object: T): T;
  mergePatch<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string, patch: object): T;
  /** A merge patch of `status` alone, for the kinds that have the subresource. */
  patchStatus<T extends KubernetesObject>(type: ResourceType, namespace: string, name: string, status: object): T;
  delete(
    type: ResourceType,
    namespace: string,
    name: string,
    options?: { gracePeriodSeconds?: number; propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' },
  ): void;
  /**
   * Calls `listener` for each existing object as ADDED, then for every change, in order, after it is durable.
   * Never called re-entrantly from inside a write of the listener's own: events are delivered from a queue.
   * Returns the function that ends it.
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

/** What the API server asks of the machine that runs the pods. */
export interface NodeAgent {
  /**
   * A container's log. Yields whole lines (with their newline); with `follow` goes on until the container ends or
   * `signal` aborts. Throws StatusError (404 no such pod, 400 no such container or it is waiting to start).
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
  /** CPU in nano-cores and memory in bytes, per running container, as metrics.k8s.io reports them. */
  metrics(): PodMetrics[];
}

export interface PodMetrics {
  namespace: string;
  name: string;
  timestamp: string;
  windowSeconds: number;
  containers: { name: string; cpuNanocores: number; memoryBytes: number }[];
}

/** Where a pod's Jupyter server listens, for the ingress. The token never leaves this process. */
export interface SessionEndpoint {
  /** The pod's address. */
  address: string;
  port: number;
  /** Jupyter's own token. */
  token: string;
}
