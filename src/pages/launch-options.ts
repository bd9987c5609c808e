import type { LaunchNotebookRequest } from '../generated/openapi.ts';

/** What a launch form begins with; what is left out is the platform's default. */
export type ChosenOptions = Pick<
  LaunchNotebookRequest,
  'image' | 'resource_class_id' | 'storage' | 'lfs_auto_fetch' | 'default_url'
>;

/**
 * The options that the address of a launch page names, which the document has checked; undefined: it names none and
 * does not ask for the form either.
 */
export function chosenOptions(query: Readonly<Record<string, unknown>>): ChosenOptions | undefined {
  const text = (name: string): string => (query[name] === undefined ? '' : String(query[name]));
  const isTrue = (name: string): boolean => query[name] === true;
  const options: ChosenOptions = {
    ...(text('image') ? { image: text('image') } : {}),
    ...(text('resource_class_id') ? { resource_class_id: Number(text('resource_class_id')) } : {}),
    ...(text('storage') ? { storage: Number(text('storage')) } : {}),
    ...(text('lfs_auto_fetch') ? { lfs_auto_fetch: isTrue('lfs_auto_fetch') } : {}),
    ...(text('default_url') ? { default_url: text('default_url') } : {}),
  };
  return Object.keys(options).length > 0 || isTrue('configure') ? options : undefined;
}
