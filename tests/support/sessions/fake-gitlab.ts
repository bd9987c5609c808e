import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeGitLab {
  readonly url: string;
  readonly paths: string[];
  /** The header `traceparent` of each request. */
  readonly traces: (string | undefined)[];
  /** What happens to a call instead of the usual response: an HTTP status, a whole response, or no response. */
  fault: (path: string) => number | FakeResponse | 'silence' | undefined;
  /** Of the caller, in the project. */
  accessLevel: number;
  /** Further names of commits, with their ids; tests may change them. */
  readonly refs: Map<string, string>;
  /** Of the project. */
  defaultBranch: string | null;
  isEmpty: boolean;
  close(): Promise<void>;
}

export interface FakeResponse {
  readonly status: number;
  /** A string is sent as an HTML page, anything else as JSON. */
  readonly body: unknown;
}

export const commitSha = '0123456789abcdef0123456789abcdef01234567';

export const johnsAutosave = 'renku/autosave/john.doe/master/0123456/0123456';

/** Serves one project over HTTP: `My-Group/My-Project`, with the branches master and feature/x, an autosave of John's and the tag v1.0. */
export async function startFakeGitLab(): Promise<FakeGitLab> {
  const project = '/api/v4/projects/my-group/my-project';
  const commit = { id: commitSha, committed_date: '2026-01-01T00:00:00.000Z' };
  const titled = { ...commit, title: 'A commit', author_name: 'John Doe' };
  const described = (url: string) => ({
    id: 42,
    path_with_namespace: 'My-Group/My-Project',
    name: 'My project',
    default_branch: self.defaultBranch,
    empty_repo: self.isEmpty,
    visibility: 'public',
    web_url: `${url}/My-Group/My-Project`,
    http_url_to_repo: `${url}/My-Group/My-Project.git`,
    permissions: { project_access: { access_level: self.accessLevel } },
  });
  const branches = ['master', 'feature/x', johnsAutosave];
  const responses = new Map<string, (url: string) => object>([
    [project, described],
    ['/api/v4/projects/42', described],
    ['/api/v4/projects', (url) => [described(url)]],
    ...[project, '/api/v4/projects/42'].flatMap((each) => [
      [`${each}/repository/branches`, () => branches.map((name) => ({ name, commit }))] as const,
      [`${each}/repository/commits`, () => [titled]] as const,
      [`${each}/repository/compare`, () => ({ commits: [titled], diffs: [{ new_path: 'a.txt' }] })] as const,
      ...branches.map((name) => [`${each}/repository/branches/${name}`, () => ({ name, commit })] as const),
    ]),
    ...[commitSha, commitSha.slice(0, 8), 'v1.0'].map(
      (ref) => [`${project}/repository/commits/${ref}`, () => commit] as const,
    ),
  ]);
  const server = createServer((req, res) => {
    const path = decodeURIComponent(new URL(req.url ?? '/', 'http://gitlab').pathname);
    self.paths.push(path);
    const { traceparent } = req.headers;
    self.traces.push(typeof traceparent === 'string' ? traceparent : undefined);
    const fault = self.fault(path);
    if (fault === 'silence') return;
    if (typeof fault === 'object') {
      const isPage = typeof fault.body === 'string';
      res.writeHead(fault.status, { 'content-type': isPage ? 'text/html' : 'application/json' });
      res.end(isPage ? fault.body : JSON.stringify(fault.body));
      return;
    }
    const ref = self.refs.get(path.replace(`${project}/repository/commits/`, ''));
    const respond = ref === undefined ? responses.get(path) : () => ({ ...commit, id: ref });
    const status = fault ?? (respond ? 200 : 404);
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(JSON.stringify(status === 200 && respond ? respond(self.url) : { message: `${status}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: FakeGitLab = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths: [],
    traces: [],
    fault: () => undefined,
    accessLevel: 40,
    refs: new Map(),
    defaultBranch: 'master',
    isEmpty: false,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
