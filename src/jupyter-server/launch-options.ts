import { asObject, parseJson } from '../lib/json.ts';

/**
 * The options of a launch in `annotation.launchOptions`, with the same keys as in the request body. Only the names of the
 * environment variables are stored.
 */
export interface LaunchOptions {
  image?: string;
  resource_class_id?: number;
  /** Gigabytes. */
  storage?: number;
  default_url?: string;
  lfs_auto_fetch?: boolean;
  environment_variables?: string[];
}

export const writeLaunchOptions = (options: LaunchOptions): string => JSON.stringify(options);

/** Returns the options in the annotation's text. Options with a value of an unexpected type are left out. */
export function readLaunchOptions(annotation: string | undefined): LaunchOptions {
  const { image, resource_class_id, storage, default_url, lfs_auto_fetch, environment_variables } =
    asObject(parseJson(annotation ?? '{}')) ?? {};
  return {
    ...(typeof image === 'string' ? { image } : {}),
    ...(isInteger(resource_class_id) ? { resource_class_id } : {}),
    ...(isInteger(storage) ? { storage } : {}),
    ...(typeof default_url === 'string' ? { default_url } : {}),
    ...(typeof lfs_auto_fetch === 'boolean' ? { lfs_auto_fetch } : {}),
    ...(isTexts(environment_variables) ? { environment_variables } : {}),
  };
}

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');
