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

/** Polls the API until the session is in one of the states. Throws with the last response after `timeoutMs`. */
export async function waitForState(
  platform: Platform,
  name: string,
  states: string[],
  timeoutMs = 200_000,
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
    `session ${name} was not ${states.join(' or ')} within ${timeoutMs} ms; last response:\n${last}\n${platform.output()}`,
  );
}

/**
 * Opens a session like a signed-in browser: through the ingress, with the cookie of the sign-in. Does not wait: throws if
 * the session is not ready.
 */
export async function openSession(platform: Platform, url: string): Promise<Jupyter> {
  const { cookie, status, text } = await signInToSession(platform, url);
  if (status >= 400) throw new Error(`opening ${url}: the response was ${status}: ${text.slice(0, 500)}`);
  return new Jupyter(url.replace(/[/?]*(\?.*)?$/, ''), { cookie });
}

/**
 * Follows the redirects of the sign-in with a cookie jar for each of the two hosts. Returns the cookie for the session
 * and the last response, which comes from the session if it is ready.
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
    // fetch would set the Sec-Fetch headers to those of a script, and not to those of a link that a user follows.
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
  throw new Error(`opening ${url}: too many redirects, the last one to ${next}`);
}

/** Returns the request to launch the demo project at a commit. */
export function launchBody(commit: string, more: object = {}): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ namespace: 'demo', project: 'first-light', branch: 'main', commit_sha: commit, ...more }),
  };
}

/** Returns the newest commit of a branch of the demo project. */
export async function demoCommit(platform: Platform, branch = 'main'): Promise<string> {
  const response = await platform.api(`/forge/api/v4/projects/demo%2Ffirst-light/repository/branches/${branch}`);
  if (!response.ok) throw new Error(`the forge responded with ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { commit: { id: string } }).commit.id;
}
