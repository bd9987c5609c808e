/** What a path on the sessions' site asks for. */
export type SessionPath =
  /** `rest` begins with a slash, or is empty for `/sessions/<name>` alone; as it was sent, nothing decoded. */
  | { kind: 'session'; name: string; rest: string }
  /** Some other page. */
  | { kind: 'other' }
  /** Written so that two programs could read two different pages in it. */
  | { kind: 'ambiguous' };

/** The API server's rule for a JupyterServer, and the service's own. */
const namePattern = /^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/;

export function isSessionName(text: string): boolean {
  return namePattern.test(text);
}

/**
 * Takes the name out of a path once, before anything is decoded or simplified: whatever follows it belongs to that
 * session and goes there as it is. Steps up (`..`, however they are encoded) are not passed on at all.
 */
export function parseSessionPath(path: string): SessionPath {
  const [, name, rest = ''] = /^\/sessions\/([^/]*)(\/.*)?$/s.exec(path) ?? [];
  if (name === undefined || !isSessionName(name)) return { kind: 'other' };
  return hasSteps(rest) ? { kind: 'ambiguous' } : { kind: 'session', name, rest };
}

function hasSteps(path: string): boolean {
  let decoded = path;
  // Twice: what is decoded here and once more behind must not climb either.
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

/** The session's base path, with which Jupyter's own paths begin. */
export function basePath(name: string): string {
  return `/sessions/${name}/`;
}

/** A path and query inside that session, or the session's first page where `next` is anything else. */
export function insideSession(name: string, next: string | null): string {
  const base = basePath(name);
  if (next === null || !/^[\x21-\x7e]{1,4096}$/.test(next)) return base;
  const path = next.split(/[?#]/, 1)[0] ?? '';
  const parsed = parseSessionPath(path);
  return parsed.kind === 'session' && parsed.name === name && parsed.rest !== '' ? next : base;
}
