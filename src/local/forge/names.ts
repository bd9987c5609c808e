/**
 * Names of projects and namespaces. A valid name is safe in a URL, as a directory name and as an argument. Names in requests
 * are looked up and never used as file paths.
 */

/** GitLab's rule for a path segment. */
const segment = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

export function isPathSegment(text: string): boolean {
  return segment.test(text) && !/\.(?:git|atom|lock)$/i.test(text) && !text.endsWith('.') && !text.includes('..');
}

/** A namespace may have several segments: `group/subgroup`. */
export function isNamespace(text: string): boolean {
  return text.length <= 255 && text.split('/').every(isPathSegment);
}

/** Converts text, for example the name of a directory, to a path segment. Returns `fallback` if no valid segment remains. */
export function toPathSegment(text: string, fallback: string): string {
  const candidate = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[^A-Za-z0-9_.]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[-.]+/, '')
    .slice(0, 60)
    .replace(/(?:\.(?:git|atom|lock)|[-.])+$/i, '');
  return isPathSegment(candidate) ? candidate : fallback;
}

/** Returns the key of a project. As in GitLab, paths are case-insensitive. */
export function projectKey(pathWithNamespace: string): string {
  return pathWithNamespace.toLowerCase();
}
