import { request } from 'node:http';
import type { Deadline } from '../deadline.ts';

/** Bytes of an answer that is read before it is taken for nonsense. */
const maxAnswerBytes = 1024 * 1024;
export const demoProject = { namespace: 'demo', project: 'first-light' };
const project = { ...demoProject, branch: 'main' };

/** The page that leads into the demo session, or says why there is none. */
export const demoPage = `/notebooks/launch/${project.namespace}/${project.project}?ref=${project.branch}`;

/**
 * Launches the demo project's session (or finds it), as the signed-in local user and over HTTP: the same way that a
 * browser takes, so that what works here works there.
 */
export async function launchDemo(
  platform: { origin: string; cookieHeader: string },
  deadline: Deadline,
): Promise<void> {
  const { origin, cookieHeader: cookie } = platform;
  const projectUrl = `${origin}/forge/api/v4/projects/${project.namespace}%2F${project.project}`;
  const branch = await call(`${projectUrl}/repository/branches/${project.branch}`, { cookie }, deadline);
  const { commit } = JSON.parse(branch.text) as { commit?: { id?: string } };
  if (!commit?.id) throw new Error(`the forge does not know the demo project (${branch.status})`);
  const launched = await call(
    `${origin}/notebooks/servers`,
    { cookie, body: JSON.stringify({ ...project, commit_sha: commit.id }) },
    deadline,
  );
  if (launched.status !== 200 && launched.status !== 201) {
    const { error } = JSON.parse(launched.text) as { error?: { message: string; detail: string | null } };
    throw new Error(
      `The demo session was not launched: ${error?.message ?? launched.status} ${error?.detail ?? ''}`.trim(),
    );
  }
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
