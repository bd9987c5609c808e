import type { LaunchNotebookRequest, operations } from '../generated/openapi.ts';

/** Initial values of the launch form. If a value is missing, the launch uses the platform's default. */
export type ChosenOptions = Pick<
  LaunchNotebookRequest,
  'image' | 'resource_class_id' | 'storage' | 'lfs_auto_fetch' | 'default_url'
>;

type LaunchParameters = NonNullable<operations['launchPage']['parameters']['query']>;

/** Returns the options in the query of a launch page; undefined if the query has no options and does not request the form. */
export function chosenOptions(query: LaunchParameters): ChosenOptions | undefined {
  const { image, resource_class_id, storage, lfs_auto_fetch, default_url, configure } = query;
  const options: ChosenOptions = {
    ...(image === undefined ? {} : { image }),
    ...(resource_class_id === undefined ? {} : { resource_class_id }),
    ...(storage === undefined ? {} : { storage }),
    ...(lfs_auto_fetch === undefined ? {} : { lfs_auto_fetch }),
    ...(default_url === undefined ? {} : { default_url }),
  };
  return Object.keys(options).length > 0 || configure === true ? options : undefined;
}
