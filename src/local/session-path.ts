import { sessionPath } from '../jupyter-server/session-path.ts';

/** The meaning of a path under the origin of the sessions. */
export type SessionPath =
  /** `rest` begins with a slash, or is empty for `/sessions/<name>` alone. `rest` is not decoded. */
  | { kind: 'session'; name: string; rest: string }
  | { kind: 'other' }
  /** Two programs could interpret this path differently. */
  | { kind: 'ambiguous' };

/** The rule for names of JupyterServer resources. */
const namePattern = /^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/;

export function isSessionName(text: string): boolean {
  return namePattern.test(text);
}

/**
 * Splits a path into the session's name and the rest, which belongs to that session and is passed on without changes. Paths with
 * `.` or `..` segments, in any encoding, are ambiguous.
 */
export function parseSessionPath(path: string): SessionPath {
  const [, name, rest = ''] = /^\/sessions\/([^/]*)(\/.*)?$/s.exec(path) ?? [];
  if (name === undefined || !isSessionName(name)) return { kind: 'other' };
  return hasDotSegments(rest) ? { kind: 'ambiguous' } : { kind: 'session', name, rest };
}

function hasDotSegments(path: string): boolean {
  let decoded = path;
  // Decoded twice, because the upstream server may decode the path once more.
  for (let round = 0; round < 2; round += 1) {
    try {
      decoded = decodeURIComponent(decoded);
    } catch (error) {
      if (error instanceof URIError) return round === 0;
      throw error;
    }
    if (/\0/.test(decoded) || decoded.split(/[/\\]/).some((part) => part === '..' || part === '.')) return true;
  }
  return false;
}

/** Returns the path with which all paths of the session's Jupyter server begin. */
export function basePath(name: string): string {
  return `${sessionPath(name)}/`;
}

/** Returns `next` if it is a path (with query) inside that session; the session's first page otherwise. */
export function insideSession(name: string, next: string | null): string {
  const base = basePath(name);
  if (next === null || !/^[\x21-\x7e]{1,4096}$/.test(next)) return base;
  const path = next.split(/[?#]/, 1)[0] ?? '';
  const parsed = parseSessionPath(path);
  return parsed.kind === 'session' && parsed.name === name && parsed.rest !== '' ? next : base;
}
