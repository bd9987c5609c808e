import type { Deadline } from '../../lib/deadline.ts';
import type { KubernetesObject } from './objects.ts';

/** A kind of resource as its URL names it; `group` is empty for core/v1. */
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
  /** The log of the container's last run but one, where it was started again. */
  previous?: boolean;
  /** RFC 3339, in whole seconds: the kubelet knows no fractions. */
  sinceTime?: string | undefined;
}

/**
 * The Kubernetes API as this project uses it: every call has a deadline, every answer is raw JSON, and a failure is
 * either a `KubernetesError` (the API server answered) or a `KubernetesUnavailable` (it did not, or not with JSON).
 */
export interface KubernetesClient {
  /** undefined on 404. */
  get<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string,
    name: string,
    deadline: Deadline,
  ): Promise<T | undefined>;
  /** All pages. */
  list<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string,
    options: ListOptions,
    deadline: Deadline,
  ): Promise<T[]>;
  create<T extends KubernetesObject>(type: ResourceType, namespace: string, body: T, deadline: Deadline): Promise<T>;
  /** PUT of the whole object. Without a resourceVersion in it, whatever was there is replaced. 404 is a KubernetesError. */
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
  /** false when it was not there (404). */
  delete(
    type: ResourceType,
    namespace: string,
    name: string,
    options: DeleteOptions,
    deadline: Deadline,
  ): Promise<boolean>;
  /** The last lines of one container's log. Answers of more than `limitBytes` are cut by the API server. */
  podLog(
    namespace: string,
    pod: string,
    options: PodLogOptions & { tailLines: number; timestamps: boolean; limitBytes?: number },
    deadline: Deadline,
  ): Promise<string>;
}

export interface ListPage<T> {
  items: T[];
  /** Of the whole list: where a watch goes on. Empty where the API has no versions (metrics.k8s.io). */
  resourceVersion: string;
  /** Token of the next page; undefined on the last. */
  continue: string | undefined;
}

export interface WatchEvent {
  type: string;
  /** The object; for ERROR a Status, for BOOKMARK an object with only a resourceVersion. */
  object: unknown;
}

export interface WatchOptions extends ListOptions {
  resourceVersion: string;
  timeoutSeconds: number;
  limitMs: number;
  onOpen?: () => void;
}

/** A client whose lists can be paged and watched: what `createListWatchCache` works on. Namespace '' means all. */
export interface KubernetesConnection extends KubernetesClient {
  listPage<T extends KubernetesObject>(
    type: ResourceType,
    namespace: string,
    options: ListOptions & { limit: number; continue?: string | undefined },
    deadline: Deadline,
  ): Promise<ListPage<T>>;
  /**
   * Events after `resourceVersion`, until the server ends the watch (about `timeoutSeconds`), the connection breaks
   * (KubernetesUnavailable), `signal` aborts, or the watch is still open after `limitMs` (WatchNonsense: the connection
   * is dead, or events were lost on it). `onOpen` is called when the server has accepted the watch.
   */
  watch(type: ResourceType, namespace: string, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /**
   * One container's log as its bytes come, each line with its time (RFC 3339) and a space before it; with `follow` until
   * the container ends or `signal` aborts, which closes the connection at once. Nothing comes where nothing is written,
   * for as long as that is: not even the head of the answer.
   */
  podLogStream(
    namespace: string,
    pod: string,
    options: PodLogOptions & { follow: boolean; tailLines?: number | undefined },
    signal: AbortSignal,
  ): AsyncIterable<Buffer>;
  /** Ends every connection; calls under way fail with KubernetesUnavailable. */
  close(): Promise<void>;
}

/** The API server answered with an error: `status` is the HTTP status, `reason` the Status object's (e.g. AlreadyExists). */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  readonly status: number;
  readonly reason: string;
  /** Seconds, from Retry-After or the Status object's details. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** The disk on which the API server keeps its objects is full. */
  get isStorageFull(): boolean {
    return this.reason === storageFull;
  }
}

/** The local API server says it with this reason; for a real one, which passes on the words of etcd, `refusal` does. */
export const storageFull = 'InsufficientStorage';

/** No usable answer: refused, reset, cut, not JSON, or the deadline passed. It is unknown whether a write happened. */
export class KubernetesUnavailable extends Error {
  override readonly name = 'KubernetesUnavailable';
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
  }
}
