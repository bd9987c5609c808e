import { ApiError, errorKind } from '../errors.ts';

export interface RequestTarget {
  /** Begins with one slash; percent-encoding is left as it came. */
  path: string;
  /** Without the question mark; undefined where there is none. */
  query: string | undefined;
}

/**
 * The path and query of a request line. Double slashes count as one (the original redirected). Throws ApiError 404 for a
 * path whose percent signs encode nothing or no UTF-8 (nothing is there; in a query they stand for themselves), and 400
 * for addresses that name a host: that is what Host is for.
 */
export function readTarget(url: string): RequestTarget {
  if (!url.startsWith('/')) {
    throw new ApiError(errorKind.badRequest, 'The request line must hold a path.', {
      detail: 'It begins with a slash, as in GET /notebooks/servers.',
    });
  }
  const mark = url.indexOf('?');
  const path = (mark === -1 ? url : url.slice(0, mark)).replaceAll(/\/{2,}/g, '/');
  const query = mark === -1 ? undefined : url.slice(mark + 1);
  try {
    decodeURIComponent(path);
  } catch (cause) {
    throw new ApiError(errorKind.missing, 'The path of the address has a percent sign that encodes no UTF-8 text.', {
      detail: 'A percent sign itself is written %25.',
      fields: [{ path: 'path', message: 'is not properly percent-encoded' }],
      cause,
    });
  }
  return { path, query };
}

/**
 * Parts of the document's paths whose slashes may be raw, encoded or mixed, each as one segment. `path` is below the
 * prefix and decodes; one that has no such parts comes back as it is.
 */
export function foldSlashes(path: string): string {
  if (path.startsWith('/launch/')) return foldLaunchPath(path);
  return foldHistoryPath(path) ?? foldAutosavePath(path);
}

/** `projects/group/project/branches` as `projects/group%2Fproject/branches`; undefined: it is another address. */
function foldHistoryPath(path: string): string | undefined {
  const [, project, list] = /^\/projects\/(.+)\/(branches|commits)$/.exec(path) ?? [];
  if (project === undefined) return undefined;
  return `/projects/${encodeURIComponent(decodeURIComponent(project))}/${list}`;
}

/**
 * `group/project/autosave/renku/autosave/...` as `group%2Fproject/autosave/renku%2Fautosave%2F...`. A group or project
 * may be called `autosave`, too: an address that ends with it is the list of what stands before; else the name is what
 * begins as the names of autosaves do, or, where nothing does, all that follows the first `autosave`.
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

/**
 * `launch/group/sub/project` as `launch/group%2Fsub/project`: the document has one part for the namespace, and its
 * slashes may be raw, encoded or mixed.
 */
function foldLaunchPath(path: string): string {
  const [, namespace, project] = /^\/launch\/(.+)\/([^/]+)\/?$/.exec(path) ?? [];
  if (namespace === undefined || project === undefined) return path;
  return `/launch/${encodeURIComponent(decodeURIComponent(namespace))}/${project}`;
}
