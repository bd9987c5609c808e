import type { Deadline } from '../../lib/deadline.ts';

export interface ResourcePool {
  readonly id: number;
  readonly name: string;
  readonly default: boolean;
  /** The pool's priority class; null if it has none. */
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

/** The platform's service that defines which resources a caller may use. */
export interface ResourceClasses {
  /**
   * Returns the pools that the owner of an access token may use, or every caller for null. The list can be some seconds
   * old.
   * Throws ResourceClassesUnavailable, ResourceClassesUnauthorized or DeadlineExceeded.
   */
  pools(accessToken: string | null, deadline: Deadline): Promise<readonly ResourcePool[]>;
}

/** The service is down, slow or overloaded, or sent an invalid response. `message` completes "The resource class service ...". */
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
