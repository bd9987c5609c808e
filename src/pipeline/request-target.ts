import { ApiError, errorKind } from '../errors.ts';

export interface RequestTarget {
  /** Begins with one slash; still percent-encoded. */
  path: string;
  /** Without the question mark; undefined if there is none. */
  query: string | undefined;
}

/**
 * Returns the path and the query of a request line. Repeated slashes in the path count as one (the original service
 * redirected). Throws ApiError 404 if the path is not valid percent-encoded UTF-8, and 400 if the request line contains
 * anything other than a path, such as an address with a host.
 */
export function readTarget(url: string): RequestTarget {
  if (!url.startsWith('/')) {
    throw new ApiError(errorKind.badRequest, 'The request line must contain a path.', {
      detail: 'A path begins with a slash, as in GET /notebooks/servers.',
    });
  }
  const queryAt = url.indexOf('?');
  const path = (queryAt === -1 ? url : url.slice(0, queryAt)).replaceAll(/\/{2,}/g, '/');
  const query = queryAt === -1 ? undefined : url.slice(queryAt + 1);
  try {
    decodeURIComponent(path);
  } catch (cause) {
    throw new ApiError(errorKind.missing, 'The path of the address is not valid percent-encoded UTF-8.', {
      detail: 'Write a percent sign as %25.',
      fields: [{ path: 'path', message: 'must be percent-encoded UTF-8' }],
      cause,
    });
  }
  return { path, query };
}

/**
 * Encodes the slashes within path parameters, so that each parameter is one segment. Clients may send these slashes raw,
 * encoded or mixed. `path` is below the prefix and valid percent-encoded UTF-8; other paths are returned unchanged.
 */
export function foldSlashes(path: string): string {
  if (path.startsWith('/launch/')) return foldLaunchPath(path);
  return foldHistoryPath(path) ?? foldAutosavePath(path);
}

/** Turns `projects/group/project/branches` into `projects/group%2Fproject/branches`; undefined for other paths. */
function foldHistoryPath(path: string): string | undefined {
  const [, project, list] = /^\/projects\/(.+)\/(branches|commits|autosaves)$/.exec(path) ?? [];
  if (project === undefined) return undefined;
  return `/projects/${encodeURIComponent(decodeURIComponent(project))}/${list}`;
}

/**
 * Turns `group/project/autosave/renku/autosave/...` into `group%2Fproject/autosave/renku%2Fautosave%2F...`. A group or a
 * project may be named `autosave`, too. Therefore a path that ends with `/autosave` is a list of autosaves, and the
 * rest of the path is the project. In other paths, the name of the autosave begins at `renku/autosave/`; without
 * this text, it begins after the first `autosave`.
 */
function foldAutosavePath(path: string): string {
  const text = decodeURIComponent(path).replaceAll(/\/{2,}/g, '/');
  const [, ofList] = /^\/(.+)\/autosave$/s.exec(text) ?? [];
  if (ofList !== undefined) return `/${encodeURIComponent(ofList)}/autosave`;
  const [, project, name] =
    /^\/(.+?)\/autosave\/(renku\/autosave\/.+)$/s.exec(text) ?? /^\/(.+?)\/autosave\/(.+)$/s.exec(text) ?? [];
  if (project === undefined || name === undefined) return path;
  return `/${encodeURIComponent(project)}/autosave/${encodeURIComponent(name)}`;
}

/** Turns `launch/group/sub/project` into `launch/group%2Fsub/project`. */
function foldLaunchPath(path: string): string {
  const [, namespace, project] = /^\/launch\/(.+)\/([^/]+)\/?$/.exec(path) ?? [];
  if (namespace === undefined || project === undefined) return path;
  return `/launch/${encodeURIComponent(decodeURIComponent(namespace))}/${project}`;
}
