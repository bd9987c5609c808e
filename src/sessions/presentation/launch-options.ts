import type { LaunchOptions } from '../../generated/openapi.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { asObject } from '../../lib/json.ts';

/**
 * The options of the launch. A session that does not say them all (the original's, the release before) has those that
 * its object shows. Whatever has another type than the API document says is left out.
 */
export function launchOptions({ metadata, spec }: JupyterServer): LaunchOptions {
  const { annotations = {} } = metadata;
  const told = parsed(annotations[annotation.launchOptions]);
  const image = told['image'] ?? annotations[annotation.requestedImage];
  const url = told['default_url'] ?? spec?.jupyterServer?.defaultUrl;
  const { resource_class_id, storage, lfs_auto_fetch, environment_variables: names } = told;
  return {
    ...(typeof image === 'string' && image !== '' ? { image } : {}),
    ...(isInteger(resource_class_id) ? { resource_class_id } : {}),
    ...(isInteger(storage) ? { storage } : {}),
    ...(typeof url === 'string' ? { default_url: url } : {}),
    ...(typeof lfs_auto_fetch === 'boolean' ? { lfs_auto_fetch } : {}),
    ...(Array.isArray(names) && names.every((name) => typeof name === 'string')
      ? { environment_variables: names }
      : {}),
  };
}

function parsed(text: string | undefined): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text ?? '{}')) ?? {};
  } catch (error) {
    // An annotation of another writer may hold any text.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
