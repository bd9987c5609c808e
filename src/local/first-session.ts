import { request } from 'node:http';
import type { Deadline } from '../lib/deadline.ts';

/** Bytes of an answer that is read before it is taken for nonsense. */
const maxAnswerBytes = 1024 * 1024;

export interface ProjectPath {
  readonly namespace: string;
  readonly project: string;
}

export const demoProject: ProjectPath = { namespace: 'demo', project: 'first-light' };
/** The demo is about this notebook, so its session opens with it. */
const demoUrl = '/lab/tree/first-light.ipynb';

/** What the first link leads to: the user's own project, the first of them where there are several, else the demo. */
export const firstProject = (own: readonly ProjectPath[], demo: boolean): ProjectPath | undefined =>
  own[0] ?? (demo ? demoProject : undefined);

/** The page that leads into the session of the project's default branch, or says why there is none. */
export const launchPageOf = ({ namespace, project }: ProjectPath): string =>
  `/notebooks/launch/${[...namespace.split('/'), project].map(encodeURIComponent).join('/')}`;

/**
 * Launches the session of a project's default branch (or finds it), as the signed-in local user and over HTTP: the same
 * way that a browser takes, so that what works here works there. Throws an Error that says why it was not launched.
 */
export async function launchFirst(
  platform: { origin: string; cookieHeader: string },
  path: ProjectPath,
  deadline: Deadline,
): Promise<void> {
  const { cookieHeader: cookie } = platform;
  const service = `${platform.origin}/notebooks`;
  const name = `${path.namespace}/${path.project}`;
  const search = new URLSearchParams({ search: name });
  const { projects } = await ask<{ projects: { path: string; default_branch: string | null }[] }>(
    `${service}/projects?${search}`,
    cookie,
    deadline,
  );
  const branch = projects.find((project) => project.path === name)?.default_branch;
  if (!branch) throw new Error('it has no branch');
  const history = `${service}/projects/${encodeURIComponent(name)}/commits?${new URLSearchParams({ ref: branch })}`;
  const { commits } = await ask<{ commits: { commit_sha: string }[] }>(history, cookie, deadline);
  const isDemo = path.namespace === demoProject.namespace && path.project === demoProject.project;
  const body = {
    ...path,
    branch,
    commit_sha: commits[0]?.commit_sha ?? branch,
    ...(isDemo ? { default_url: demoUrl } : {}),
  };
  const launched = await call(`${service}/servers`, { cookie, body: JSON.stringify(body) }, deadline);
  if (launched.status !== 200 && launched.status !== 201) {
    const { error } = JSON.parse(launched.text) as { error?: { message: string; detail: string | null } };
    throw new Error(`${error?.message ?? launched.status} ${error?.detail ?? ''}`.trim());
  }
}

async function ask<Body>(url: string, cookie: string, deadline: Deadline): Promise<Body> {
  const { status, text } = await call(url, { cookie }, deadline);
  if (status !== 200) throw new Error(`${new URL(url).pathname} answered ${status}`);
  return JSON.parse(text) as Body;
}

/** GET, or POST where there is a body. node:http and not fetch, which would add headers that only browsers send. */
function call(
  url: string,
  { cookie, body }: { cookie: string; body?: string },
  deadline: Deadline,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: body === undefined ? 'GET' : 'POST',
      signal: deadline.signal,
      headers: { cookie, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > maxAnswerBytes) sent.destroy(new Error(`${url} answered too much`));
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.end(body);
  });
}
