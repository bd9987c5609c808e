import { asObject, parseJson } from '../lib/json.ts';
import { hasAllWork, type SaveResult, whyNotAll } from '../session-contract/save-result.ts';
import type { StopRequest } from './stop-request.ts';

/** The save that preceded a hibernation. The operator writes it into an annotation. */
export interface SavedWork {
  readonly location: string;
  readonly branch: string | null;
  readonly commit: string | null;
  /** Whether the repository had all of the work, or there was none. */
  readonly isVerified: boolean;
  /** A sentence that says what the repository does not have; null if it has everything. */
  readonly missing: string | null;
}

/** Returns what a hibernated session records of the save before it. */
export const savedWorkOf = (
  result: SaveResult & { readonly location: string; readonly branch: string | null; readonly commit: string | null },
): SavedWork => {
  const { location, branch, commit } = result;
  const isVerified = hasAllWork(result);
  return { location, branch, commit, isVerified, missing: isVerified ? null : whyNotAll(result) };
};

/** Returns why the repository does not have all of the work of a hibernated session; undefined if it has, or the reason is unknown. */
export const whyUnsaved = (saved: SavedWork | undefined, request: StopRequest | undefined): string | undefined =>
  saved?.missing ?? request?.failure?.message;

export const writeSavedWork = ({ location, branch, commit, isVerified, missing }: SavedWork): string =>
  JSON.stringify({ location, branch, commit, isVerified, ...(missing === null ? {} : { missing }) });

/** Returns the save in the annotation's text; undefined if the text is not one. */
export function readSavedWork(text: string | undefined): SavedWork | undefined {
  if (!text) return undefined;
  const { location, branch, commit, isVerified, missing } = asObject(parseJson(text)) ?? {};
  if (typeof location !== 'string' || typeof isVerified !== 'boolean') return undefined;
  const textOrNull = (value: unknown) => (typeof value === 'string' ? value : null);
  return { location, branch: textOrNull(branch), commit: textOrNull(commit), isVerified, missing: textOrNull(missing) };
}
