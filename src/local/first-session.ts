import type { Deadline } from '../lib/deadline.ts';
import { asObject, parseJson } from '../lib/json.ts';
import { requestText } from './http/client.ts';

export interface ProjectPath {
  readonly namespace: string;
  readonly project: string;
}

export const demoProject: ProjectPath = { namespace: 'demo', project: 'first-light' };
/** A session of the demo project opens with its notebook. */
const demoUrl = '/lab/tree/first-light.ipynb';

/** Returns the project of the first link: the first of the user's own projects, or the demo project. */
export const firstProject = (own: readonly ProjectPath[], demo: boolean): ProjectPath | undefined =>
  own[0] ?? (demo ? demoProject : undefined);

/** Returns the page that opens a session of the project's default branch. */
export const launchPageOf = ({ namespace, project }: ProjectPath): string =>
  `/notebooks/launch/${[...namespace.split('/'), project].map(encodeURIComponent).join('/')}`;

/**
 * Launches a session of a project's default branch, or finds the existing one. The requests are those of a browser of the
 * signed-in local user. Throws an Error with the reason if there is no session.
 */
export async function launchFirst(
  platform: { origin: string; cookieHeader: string },
  path: ProjectPath,
  deadline: Deadline,
): Promise<void> {
  const service = `${platform.origin}/notebooks`;
  const { signal } = deadline;
  const get = async (url: string, list: string): Promise<unknown[]> => {
    const { status, text } = await requestText(url, { signal, headers: { cookie: platform.cookieHeader } });
    const found = asObject(parseJson(text))?.[list];
    if (status !== 200 || !Array.isArray(found)) throw new Error(`${new URL(url).pathname} responded with ${status}`);
    return found;
  };
  const name = `${path.namespace}/${path.project}`;
  const projects = await get(`${service}/projects?${new URLSearchParams({ search: name })}`, 'projects');
  const branch = projects.map(asObject).find((project) => project?.['path'] === name)?.['default_branch'];
  if (typeof branch !== 'string') throw new Error('the project has no branch');
  const history = `${service}/projects/${encodeURIComponent(name)}/commits?${new URLSearchParams({ ref: branch })}`;
  const [commit] = await get(history, 'commits');
  const isDemo = path.namespace === demoProject.namespace && path.project === demoProject.project;
  const body = {
    ...path,
    branch,
    commit_sha: asObject(commit)?.['commit_sha'] ?? branch,
    ...(isDemo ? { default_url: demoUrl } : {}),
  };
  const headers = { cookie: platform.cookieHeader, 'content-type': 'application/json' };
  const { status, text } = await requestText(`${service}/servers`, { signal, headers }, JSON.stringify(body));
  if (status !== 200 && status !== 201) {
    const error = asObject(asObject(parseJson(text))?.['error']);
    throw new Error(`${error?.['message'] ?? status} ${error?.['detail'] ?? ''}`.trim());
  }
}
