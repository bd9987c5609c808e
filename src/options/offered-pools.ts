import type { Config } from '../config/types.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { Identity } from '../identity/types.ts';
import { DeadlineExceeded } from '../lib/deadline.ts';
import {
  type ResourceClasses,
  ResourceClassesUnauthorized,
  ResourceClassesUnavailable,
} from '../platform/resource-classes/types.ts';
import type { OfferedPools } from './resource-classes.ts';

/**
 * The pools of the platform's service as this caller may see them, or, where there is no service, those of the
 * configuration. `service`: undefined where the configuration names none.
 */
export function createOfferedPools(
  config: Pick<Config, 'resource_pools'>,
  service: ResourceClasses | undefined,
): OfferedPools {
  if (!service) return async () => config.resource_pools;
  return async (identity, deadline) => {
    try {
      return await service.pools(identity.kind === 'registered' ? identity.accessToken : null, deadline);
    } catch (error) {
      throw explained(error, identity);
    }
  };
}

const retryAfterSeconds = 5;

function explained(cause: unknown, identity: Identity): unknown {
  if (cause instanceof ResourceClassesUnauthorized) {
    return identity.kind === 'anonymous'
      ? new ApiError(errorKind.unauthenticated, 'The resource class service serves signed-in users only.', {
          detail: 'Sign in to launch a session.',
          cause,
        })
      : new ApiError(errorKind.unauthenticated, 'The resource class service refused your access token.', {
          detail: 'It has run out or was withdrawn. Sign in again.',
          cause,
        });
  }
  if (cause instanceof DeadlineExceeded) {
    const options = { detail: `${fault} Try again in a moment.`, retryAfterSeconds, cause };
    return new ApiError(errorKind.timedOut, 'The resource class service did not answer in time.', options);
  }
  if (!(cause instanceof ResourceClassesUnavailable)) return cause;
  return new ApiError(errorKind.intermittent, `The resource class service ${cause.message}.`, {
    detail: `${fault} Try again in a moment.`,
    retryAfterSeconds: Math.max(1, cause.retryAfterSeconds ?? retryAfterSeconds),
    cause,
  });
}

const fault = 'The service that says who may use which resources has passing trouble.';
