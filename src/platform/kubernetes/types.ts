import type { Deadline } from '../../lib/deadline.ts';
import type { KubernetesObject } from './objects.ts';

/** A type of resource, with the names in its URL. `group` is empty for core/v1. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

export interface ListOptions {
  labelSelector?: string;
  fieldSelector?: string;
}

export interface DeleteOptions {
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  gracePeriodSeconds?: number;
  preconditions?: { uid?: string; resourceVersion?: string };
}

export interface PodLogOptions {
  container: string;
  /** Whether to read the log of the previous run, before the container's last restart. */
  previous?: boolean;
  /** RFC 3339, in whole seconds, because the kubelet does not support fractions. */
  sinceTime?: string | undefined;
}

/**
 * Calls of the Kubernetes API. Each call has a deadline and returns the JSON of the response. After an error response of the
 * API server, it throws a `KubernetesError`; without a valid response, a `KubernetesUnavailable`.
 */
export interface KubernetesClient {
  /** Returns undefined for 404. */
  get<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string,
    name: string,
    deadline: Deadline,
  ): Promise<T | undefined>;
  /** Returns the objects of all pages. */
  list<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string,
    options: ListOptions,
    deadline: Deadline,
  ): Promise<T[]>;
  create<T extends KubernetesObject>(type: ResourceType, namespace: string, body: T, deadline: Deadline): Promise<T>;
  /** Replaces the whole object (PUT). Without a resourceVersion, replaces any version. Throws KubernetesError for 404, too. */
  replace<T extends KubernetesObject>(type: ResourceType, namespace: string, body: T, deadline: Deadline): Promise<T>;
  mergePatch<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string,
    name: string,
    body: object,
    deadline: Deadline,
  ): Promise<T>;
  jsonPatch<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string,
    name: string,
    operations: object[],
    deadline: Deadline,
  ): Promise<T>;
  /** Returns false for 404. */
  delete(
    type: ResourceType,
    namespace: string,
    name: string,
    options: DeleteOptions,
    deadline: Deadline,
  ): Promise<boolean>;
  /** Returns the last lines of a container's log. The API server cuts the log at `limitBytes`. */
  podLog(
    namespace: string,
    pod: string,
    options: PodLogOptions & { tailLines: number; timestamps: boolean; limitBytes?: number },
    deadline: Deadline,
  ): Promise<string>;
}

export interface ListPage<T> {
  items: T[];
  /** resourceVersion of the list, from which a watch can begin. Empty for an API without versions (metrics.k8s.io). */
  resourceVersion: string;
  /** Token of the next page; undefined on the last page. */
  continue: string | undefined;
}

export interface WatchEvent {
  type: string;
  /** The object. For ERROR, a Status; for BOOKMARK, an object that has only a resourceVersion. */
  object: unknown;
}

export interface WatchOptions extends ListOptions {
  resourceVersion: string;
  timeoutSeconds: number;
  limitMs: number;
  onOpen?: () => void;
}

/** A client that can also list page by page, watch, and stream logs. Namespace '' means all namespaces. */
export interface KubernetesConnection extends KubernetesClient {
  listPage<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string,
    options: ListOptions & { limit: number; continue?: string | undefined },
    deadline: Deadline,
  ): Promise<ListPage<T>>;
  /**
   * Yields the events after `resourceVersion` until the API server ends the watch, after about `timeoutSeconds`. Throws
   * KubernetesUnavailable if the connection breaks or `signal` aborts, and InvalidWatch if the watch is still open after
   * `limitMs`. `onOpen` is called when the API server has accepted the watch.
   */
  watch(type: ResourceType, namespace: string, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /**
   * Yields the bytes of a container's log. Each line begins with its timestamp (RFC 3339) and a space. With `follow`, the
   * stream ends when the container ends. An abort of `signal` closes the connection immediately. The API server sends no
   * data, not even the response headers, until the container writes a line.
   */
  podLogStream(
    namespace: string,
    pod: string,
    options: PodLogOptions & { follow: boolean; tailLines?: number | undefined },
    signal: AbortSignal,
  ): AsyncIterable<Buffer>;
  /** Closes all connections. Calls in flight throw KubernetesUnavailable. */
  close(): Promise<void>;
}

/** An error response of the API server. `status` is the HTTP status; `reason` is from the Status object (AlreadyExists, ...). */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  readonly status: number;
  readonly reason: string;
  /** From the header Retry-After, or from the details of the Status object. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether the disk on which the API server keeps its objects is full. */
  get isStorageFull(): boolean {
    return this.reason === storageFull;
  }
}

/** The reason for a full disk. The embedded API server sends this reason. For etcd, `errorOfResponse` sets this reason. */
export const storageFull = 'InsufficientStorage';

/** No valid response arrived before the deadline. It is unknown whether the API server has executed a write. */
export class KubernetesUnavailable extends Error {
  override readonly name = 'KubernetesUnavailable';
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
  }
}
