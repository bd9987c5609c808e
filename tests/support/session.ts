import { join } from 'node:path';
import { request } from 'undici';
import { Jupyter } from './jupyter.ts';
import { cookieFrom, type Platform } from './platform.ts';

export interface SessionResponse {
  name: string;
  url: string;
  annotations: Record<string, string>;
  status: {
    state: string;
    message?: string | null;
    details: { step: string; status: string }[];
    warnings: { message: string; critical: boolean }[];
  };
}

const pollMs = 250;

/** Polls the API until the session is in one of the states; what the API says last goes into the error. */
export async function waitForState(
  platform: Platform,
  name: string,
  states: string[],
  timeoutMs = 120_000,
): Promise<SessionResponse> {
  const end = performance.now() + timeoutMs;
  let last = '';
  while (performance.now() < end) {
    const response = await platform.api(`/notebooks/servers/${name}`);
    last = await response.text();
    if (response.status === 404 && states.includes('gone'))
      return JSON.parse('{"status":{"state":"gone"}}') as SessionResponse;
    if (response.ok) {
      const session = JSON.parse(last) as SessionResponse;
      if (states.includes(session.status.state)) return session;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(
    `session ${name} was not ${states.join(' or ')} within ${timeoutMs} ms; last answer:\n${last}\n${platform.output()}`,
  );
}

/**
 * A session as a signed-in browser sees it: behind the ingress, with the cookie of the sign-in. Waits for nothing: a
 * session that does not answer yet is an error.
 */
export async function openSession(platform: Platform, url: string): Promise<Jupyter> {
  const { cookie, status, text } = await signInToSession(platform, url);
  if (status >= 400) throw new Error(`opening ${url}: the answer was ${status}: ${text.slice(0, 500)}`);
  return new Jupyter(url.replace(/[/?]*(\?.*)?$/, ''), { cookie });
}

/**
 * Goes through the redirects of the sign-in dance with a cookie jar for each of the two hosts. Returns the cookie for
 * the session and the last answer, which is the session's if it answers already.
 */
export async function signInToSession(
  platform: Platform,
  url: string,
): Promise<{ cookie: string; status: number; text: string }> {
  const jar: Record<string, string> = {
    '127.0.0.1': cookieFrom(join(platform.stateDir, 'cookies.txt')),
    localhost: '',
  };
  let next = url;
  for (let hop = 0; hop < 8; hop++) {
    const { hostname } = new URL(next);
    // Not fetch, which sets the Sec-Fetch headers itself: to a script's, not to a person's who follows a link.
    const response = await request(next, {
      headers: {
        cookie: jar[hostname] ?? '',
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        'sec-fetch-site': 'none',
      },
    });
    const text = await response.body.text();
    for (const line of [response.headers['set-cookie'] ?? []].flat()) {
      jar[hostname] = [jar[hostname], line.split(';')[0]].filter(Boolean).join('; ');
    }
    const location = response.headers['location'];
    if (typeof location !== 'string') return { cookie: jar['localhost'] ?? '', status: response.statusCode, text };
    next = new URL(location, next).href;
  }
  throw new Error(`opening ${url} did not end: last redirect to ${next}`);
}

/** The body of a launch of the demo project at a commit. */
export function launchBody(commit: string, more: object = {}): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ namespace: 'demo', project: 'first-light', branch: 'main', commit_sha: commit, ...more }),
  };
}

/** The commit at the tip of a branch of the demo project. */
export async function demoCommit(platform: Platform, branch = 'main'): Promise<string> {
  const response = await platform.api(`/forge/api/v4/projects/demo%2Ffirst-light/repository/branches/${branch}`);
  if (!response.ok) throw new Error(`the forge answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { commit: { id: string } }).commit.id;
}
