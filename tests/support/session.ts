import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { request } from 'undici';
import WebSocket from 'ws';
import { cookieFrom, type Platform } from './platform.ts';

/** A session as a signed-in browser would see it: behind the ingress, with the cookie of the sign-in dance. */
export interface OpenSession {
  url: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Starts a kernel and returns its id. */
  startKernel(): Promise<string>;
  /** Runs code in a kernel and returns what it printed, and the text of what it displayed and of its last value. */
  execute(kernel: string, code: string): Promise<string>;
}

export interface SessionAnswer {
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
): Promise<SessionAnswer> {
  const end = performance.now() + timeoutMs;
  let last = '';
  while (performance.now() < end) {
    const response = await platform.api(`/notebooks/servers/${name}`);
    last = await response.text();
    if (response.status === 404 && states.includes('gone'))
      return JSON.parse('{"status":{"state":"gone"}}') as SessionAnswer;
    if (response.ok) {
      const session = JSON.parse(last) as SessionAnswer;
      if (states.includes(session.status.state)) return session;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(
    `session ${name} was not ${states.join(' or ')} within ${timeoutMs} ms; last answer:\n${last}\n${platform.output()}`,
  );
}

/** Signs in as a browser does and waits for nothing: a session that does not answer yet is an error. */
export async function openSession(platform: Platform, url: string): Promise<OpenSession> {
  const { cookie, status, text } = await signInToSession(platform, url);
  if (status >= 400) throw new Error(`opening ${url}: the answer was ${status}: ${text.slice(0, 500)}`);
  return opened(url.replace(/[/?]*(\?.*)?$/, ''), { cookie });
}

/** As a program sees it that has the session's own token. */
export function withToken(url: string, token: string): OpenSession {
  return opened(url, { authorization: `token ${token}` });
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

function opened(url: string, credentials: Record<string, string>): OpenSession {
  const call = (path: string, init?: RequestInit) =>
    fetch(`${url}${path}`, { ...init, headers: { ...credentials, ...init?.headers } });
  return {
    url,
    fetch: call,
    async startKernel() {
      const response = await call('/api/kernels', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'python3' }),
      });
      if (!response.ok) throw new Error(`starting a kernel: ${response.status} ${await response.text()}`);
      return ((await response.json()) as { id: string }).id;
    },
    execute: (kernel, code) =>
      execute(`${url.replace(/^http/, 'ws')}/api/kernels/${kernel}/channels`, credentials, code),
  };
}

/** Speaks the Jupyter messaging protocol (version 5) far enough to run one cell. */
function execute(address: string, credentials: Record<string, string>, code: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address, {
      headers: { ...credentials, origin: new URL(address.replace(/^ws/, 'http')).origin },
    });
    const id = randomUUID();
    let text = '';
    const limit = setTimeout(() => finish(new Error(`no answer of the kernel within 60 s; so far: ${text}`)), 60_000);
    const finish = (error?: Error) => {
      clearTimeout(limit);
      socket.close();
      if (error) reject(error);
      else resolve(text);
    };
    socket.on('error', finish);
    socket.on('open', () => {
      const header = {
        msg_id: id,
        username: 'test',
        session: randomUUID(),
        msg_type: 'execute_request',
        version: '5.3',
      };
      const content = { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false };
      socket.send(JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: 'shell', buffers: [] }));
    });
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as {
        parent_header?: { msg_id?: string };
        header: { msg_type: string };
        content: { text?: string; data?: Record<string, string>; evalue?: string; execution_state?: string };
      };
      if (message.parent_header?.msg_id !== id) return;
      if (message.header.msg_type === 'stream') text += message.content.text ?? '';
      if (['execute_result', 'display_data'].includes(message.header.msg_type))
        text += message.content.data?.['text/plain'] ?? '';
      if (message.header.msg_type === 'error') finish(new Error(message.content.evalue ?? 'the cell failed'));
      if (message.header.msg_type === 'status' && message.content.execution_state === 'idle') finish();
    });
  });
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
