import type { Deadline } from '../../lib/deadline.ts';

export interface ResourcePool {
  readonly id: number;
  readonly name: string;
  readonly default: boolean;
  /** The pool's priority class, or null. */
  readonly quota: { readonly id: string } | null;
  readonly classes: readonly ResourceClass[];
}

/** Sizes in cores and gigabytes (10^9 bytes). */
export interface ResourceClass {
  readonly id: number;
  readonly name: string;
  readonly default: boolean;
  readonly cpu: number;
  readonly memory: number;
  readonly gpu: number;
  readonly default_storage: number;
  readonly max_storage: number;
}

/** The service that says who may use which resources. */
export interface ResourceClasses {
  /**
   * What the holder of this access token may use; null: what anybody may. May be some seconds old.
   * Throws ResourceClassesUnavailable, ResourceClassesUnauthorized or DeadlineExceeded.
   */
  pools(accessToken: string | null, deadline: Deadline): Promise<readonly ResourcePool[]>;
}

/** No usable answer: down, slow, overloaded, nonsense. `message` completes "the resource class service ...". */
export class ResourceClassesUnavailable extends Error {
  override readonly name = 'ResourceClassesUnavailable';
  readonly retryAfterSeconds: number | undefined;
  constructor(message: string, options: { cause?: unknown; retryAfterSeconds?: number | undefined } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The resource class service rejects the access token, or requires one. */
export class ResourceClassesUnauthorized extends Error {
  override readonly name = 'ResourceClassesUnauthorized';
  /** The request had an access token. */
  readonly hasToken: boolean;
  constructor(message: string, hasToken: boolean) {
    super(message);
    this.hasToken = hasToken;
  }
}
