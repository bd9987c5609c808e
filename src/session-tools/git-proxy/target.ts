/** The URL to which a request is sent. */
export interface Target {
  readonly protocol: 'http:' | 'https:';
  /** Without brackets around an IPv6 address. */
  readonly hostname: string;
  readonly port: number;
  /** The value of the Host header. */
  readonly host: string;
  /** As received. */
  readonly path: string;
  /** With the question mark; may be empty. */
  readonly query: string;
}

const form = /^\/(https?)\/([^/?#@\\]+)(\/[^?#]*)?(\?[^#]*)?$/;

/** Returns the target of a request's path and query (`/https/gitlab.example.org/group/project.git/info/refs?...`). */
export function parseTarget(requested: string): Target | undefined {
  const [, scheme, authority, path = '/', query = ''] = form.exec(requested) ?? [];
  if ((scheme !== 'http' && scheme !== 'https') || !authority) return undefined;
  const url = URL.parse(`${scheme}://${authority}/`);
  // URL changes some hosts, such as `0x7f.1`: only a host in its usual form is unambiguous.
  if (!url || url.host !== withoutDefaultPort(authority.toLowerCase(), scheme)) return undefined;
  const port = url.port === '' ? defaultPort[scheme] : Number(url.port);
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  return { protocol: `${scheme}:`, hostname, port, host: url.host, path, query };
}

const defaultPort = { http: 80, https: 443 } as const;

const withoutDefaultPort = (authority: string, scheme: 'http' | 'https'): string =>
  authority.replace(new RegExp(`:${defaultPort[scheme]}$`), '');

/**
 * Returns whether the target belongs to the repository: the same protocol, host and port, and a path that begins with the
 * repository's, segment by segment. The repository has the path with and without `.git`. A path that a server could read in
 * another way (encoded slashes, dots, backslashes, control characters) belongs to no repository.
 */
export function belongsTo(target: Target, repository: URL): boolean {
  if (target.protocol !== repository.protocol || target.host !== repository.host) return false;
  const path = segments(target.path);
  const own = segments(repository.pathname.replace(/\/+$/, ''));
  if (!path || !own || own.length === 0) return false;
  const name = (segment: string | undefined) => segment?.replace(/\.git$/, '');
  return own.every((segment, index) =>
    index === own.length - 1 ? name(path[index]) === name(segment) : path[index] === segment,
  );
}

/** Returns the decoded segments of a path; undefined if the path is ambiguous. */
function segments(path: string): string[] | undefined {
  if (path === '' || path === '/') return [];
  const decoded: string[] = [];
  for (const part of path.slice(1).split('/')) {
    const segment = decode(part);
    if (segment === undefined || segment === '.' || segment === '..' || /[/\\%\p{Cc}]/u.test(segment)) return undefined;
    decoded.push(segment);
  }
  return decoded;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
