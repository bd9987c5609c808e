import { asObject, parseJson } from '../lib/json.ts';

/** The save that preceded a hibernation. The operator writes it into an annotation. */
export interface SavedWork {
  readonly location: string;
  readonly branch: string | null;
  readonly commit: string | null;
  /** Whether the repository had all of the work, or there was none. */
  readonly isVerified: boolean;
}

export const writeSavedWork = ({ location, branch, commit, isVerified }: SavedWork): string =>
  JSON.stringify({ location, branch, commit, isVerified });

/** Returns the save in the annotation's text; undefined if the text is not one. */
export function readSavedWork(text: string | undefined): SavedWork | undefined {
  if (!text) return undefined;
  const { location, branch, commit, isVerified } = asObject(parseJson(text)) ?? {};
  if (typeof location !== 'string' || typeof isVerified !== 'boolean') return undefined;
  const textOrNull = (value: unknown) => (typeof value === 'string' ? value : null);
  return { location, branch: textOrNull(branch), commit: textOrNull(commit), isVerified };
}
