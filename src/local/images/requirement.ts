/** Why a line is not installed. */
export type SkipReason = 'option' | 'address' | 'path' | 'invalid' | 'source' | 'conda';

export type Requirement =
  /** `text` is a requirement by name (PEP 508), safe to be given to uv as a line. */
  { readonly text: string } | { readonly skipped: SkipReason };

/** Characters of a requirement without its hashes. */
const maxLength = 2_000;

// White space is collapsed before these are used, and nothing in them can match in two ways: their time is linear.
const name = '[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?';
const extras = `(?: ?\\[ ?(?:${name}(?: ?, ?${name})* ?)?\\])?`;
const clause = '(?:===|~=|==|!=|<=|>=|<|>) ?[A-Za-z0-9.*+!_-]+';
const clauses = `${clause}(?: ?, ?${clause})*(?: ?,)?`;
// No dollar sign: uv would put a variable of its environment in the place of ${NAME}.
const marker = '(?: ?;[^$#\\p{Cc}]*)?';
const byName = new RegExp(`^(${name})${extras}(?: ?\\( ?${clauses} ?\\)| ?${clauses})?${marker}$`, 'u');
const hash = /^--hash[= ](sha256|sha384|sha512):[0-9a-f]+$/i;
const archive = /\.(whl|zip|egg|tar|tgz|tar\.(gz|bz2|xz))$/i;

/**
 * What one requirement of a project is. Only packages by name come from the index; options, addresses (a version control
 * system's too) and paths would make uv read other files, ask other hosts or build a package.
 */
export function readRequirement(line: string): Requirement {
  const [text = '', ...options] = line
    .trim()
    .replaceAll(/\s+/g, ' ')
    .split(/ (?=--)/);
  if (text.startsWith('-')) return { skipped: 'option' };
  if (text.length > maxLength) return { skipped: 'invalid' };
  const found = byName.exec(text);
  if (!found || archive.test(found[1] ?? '')) return { skipped: whyNot(text) };
  if (!options.every((option) => hash.test(option))) return { skipped: 'option' };
  return { text: [text, ...options].join(' ') };
}

function whyNot(text: string): SkipReason {
  const [before = ''] = text.split(';', 1);
  if (/:\/\/|@|^[a-z+]+:/i.test(before)) return 'address';
  if (/^[.~]|[\\/]/.test(before) || archive.test(before.trim())) return 'path';
  return 'invalid';
}

/** The name that packages are compared by (PEP 503). */
export const normalizedName = (text: string): string =>
  (/^[A-Za-z0-9._-]+/.exec(text)?.[0] ?? '').toLowerCase().replaceAll(/[-_.]+/g, '-');
