/** The reason why a line is not installed. */
export type SkipReason = 'option' | 'address' | 'path' | 'invalid' | 'source' | 'conda';

export type Requirement =
  /** A requirement by name (PEP 508). `text` can be passed to uv as a line of a file. */
  { readonly text: string } | { readonly skipped: SkipReason };

/** Maximum length of a requirement without its hashes, in characters. */
const maxLength = 2_000;

// These patterns match in linear time: white space is collapsed before, and no text can match in two ways.
const name = '[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?';
const extras = `(?: ?\\[ ?(?:${name}(?: ?, ?${name})* ?)?\\])?`;
const clause = '(?:===|~=|==|!=|<=|>=|<|>) ?[A-Za-z0-9.*+!_-]+';
const clauses = `${clause}(?: ?, ?${clause})*(?: ?,)?`;
// No dollar sign: uv replaces ${NAME} with a variable of its environment.
const marker = '(?: ?;[^$#\\p{Cc}]*)?';
const byName = new RegExp(`^(${name})${extras}(?: ?\\( ?${clauses} ?\\)| ?${clauses})?${marker}$`, 'u');
const hash = /^--hash[= ](sha256|sha384|sha512):[0-9a-f]+$/i;
const archive = /\.(whl|zip|egg|tar|tgz|tar\.(gz|bz2|xz))$/i;

/**
 * Returns the requirement of a line, or the reason to skip the line. Only packages by name are installed. Options, addresses
 * (also of version control systems) and paths would make uv read other files, call other hosts or build a package.
 */
export function readRequirement(line: string): Requirement {
  const [text = '', ...options] = line
    .trim()
    .replaceAll(/\s+/g, ' ')
    .split(/ (?=--)/);
  if (text.startsWith('-')) return { skipped: 'option' };
  if (text.length > maxLength) return { skipped: 'invalid' };
  const found = byName.exec(text);
  if (!found || archive.test(found[1] ?? '')) return { skipped: skipReason(text) };
  if (!options.every((option) => hash.test(option))) return { skipped: 'option' };
  return { text: [text, ...options].join(' ') };
}

function skipReason(text: string): SkipReason {
  const [before = ''] = text.split(';', 1);
  if (/:\/\/|@|^[a-z+]+:/i.test(before)) return 'address';
  if (/^[.~]|[\\/]/.test(before) || archive.test(before.trim())) return 'path';
  return 'invalid';
}

/** Returns the normalized name of a package (PEP 503), by which names are compared. */
export const normalizedName = (text: string): string =>
  (/^[A-Za-z0-9._-]+/.exec(text)?.[0] ?? '').toLowerCase().replaceAll(/[-_.]+/g, '-');
