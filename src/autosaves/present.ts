import type { AutosaveResponse } from '../generated/openapi.ts';
import type { OwnAutosave } from './own-autosaves.ts';

/** Returns an autosave in the format of the API. `pvs` is always false, because autosaves are branches and not volumes. */
export function presentAutosave({ rootBranch, rootCommit, branch }: OwnAutosave): AutosaveResponse {
  return {
    branch: rootBranch,
    commit: rootCommit,
    pvs: false,
    date: presentDate(branch.committedDate),
    name: branch.name,
  };
}

/**
 * Returns a date as renku-notebooks 1.18.1 wrote it: with an offset, and with a fraction of six digits unless the fraction
 * is zero. Returns null for an invalid date.
 */
export function presentDate(date: string | null): string | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(date ?? '');
  if (!match || Number.isNaN(Date.parse(match[0]))) return null;
  const [, seconds = '', digits = '', zone = ''] = match;
  const fraction = digits.padEnd(6, '0').slice(0, 6);
  return `${seconds}${/^0+$/.test(fraction) ? '' : `.${fraction}`}${zone === 'Z' ? '+00:00' : zone}`;
}
