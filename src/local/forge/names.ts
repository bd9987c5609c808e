/**
 * Names of projects and namespaces. What passes here is safe in a URL, as a directory name and as an argument; nothing
 * from a request is ever used as a path: requests are looked up among these names.
 */

/** GitLab's rule for a path segment, without the endings that would be mistaken for something else. */
const segment = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

export function isPathSegment(text: string): boolean {
  return segment.test(text) && !/\.(?:git|atom|lock)$/i.test(text) && !text.endsWith('.') && !text.includes('..');
}

/** A namespace may have parts: `group/subgroup`. */
export function isNamespace(text: string): boolean {
  return text.length <= 255 && text.split('/').every(isPathSegment);
}

/** The nearest path segment to any text, for example a directory's name; `fallback` where nothing is left of it. */
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

/** Projects are the same whatever the case of their path, as on GitLab. */
export function projectKey(pathWithNamespace: string): string {
  return pathWithNamespace.toLowerCase();
}
