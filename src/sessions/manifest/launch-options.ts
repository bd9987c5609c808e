import type { LaunchOptions } from '../../jupyter-server/launch-options.ts';
import { bytesPerGigabyte } from '../../jupyter-server/quantities.ts';
import type { ManifestInput } from './input.ts';

/** Returns the options to launch the same session again, with only the names of the variables. */
export function launchOptions({
  image,
  resources,
  defaultUrl,
  lfsAutoFetch,
  environment,
}: ManifestInput): LaunchOptions {
  return {
    ...(image.requested === undefined ? {} : { image: image.requested }),
    resource_class_id: resources.classId,
    storage: Math.ceil(resources.storageBytes / bytesPerGigabyte),
    default_url: defaultUrl,
    lfs_auto_fetch: lfsAutoFetch,
    environment_variables: Object.keys(environment),
  };
}
