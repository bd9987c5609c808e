import type { Config } from '../config/types.ts';
import { translateError } from '../error-translation.ts';
import type { ResourceClasses } from '../platform/resource-classes/types.ts';
import type { OfferedPools } from './resource-classes.ts';

/**
 * Returns a function that gives the resource pools that a caller may use: those of the platform's service or, without a
 * service, those of the configuration. The function throws ApiError 1401, 3000 and 3004 when the service fails.
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
      throw translateError(error, { server: 'The resource class service' }) ?? error;
    }
  };
}
