import type { LaunchNotebookRequest, operations } from '../generated/openapi.ts';

/** What a launch form begins with; what is left out is the platform's default. */
export type ChosenOptions = Pick<
  LaunchNotebookRequest,
  'image' | 'resource_class_id' | 'storage' | 'lfs_auto_fetch' | 'default_url'
>;

type LaunchParameters = NonNullable<operations['launchPage']['parameters']['query']>;

/**
 * Returns the options that the address of a launch page names; undefined if it names none and does not ask for the
 * form.
 */
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
