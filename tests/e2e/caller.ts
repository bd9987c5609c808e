import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { components } from '../../src/generated/openapi.ts';
import { credentials } from '../support/identity.ts';
import type { UserName } from './backends.ts';
import { platform, untilGone } from './platform.ts';
import { release } from './release.ts';

export type Session = components['schemas']['NotebookResponse'];
export type SessionState = Session['status']['state'];

const pollMs = 500;

/** An installed release: the address of its API and the namespace of its sessions. */
export interface Site {
  readonly api: string;
  readonly namespace: string;
}

export const hasWarning = ({ status }: Session, pattern: RegExp): boolean =>
  status.warnings.some(({ message }) => pattern.test(message));

const mainSite: Site = { api: `https://${release.host}/notebooks`, namespace: release.sessionsNamespace };

/** A user of the API. */
export interface Caller {
  /** The headers with which the user is identified. */
  readonly identity: Readonly<Record<string, string>>;
  /** Sends a request to a path of the API. Does not check the status. */
  api(path: string, init?: { method?: string; body?: object; timeoutMs?: number }): Promise<Response>;
  /** Sends a launch, and sends it again if the response says so: the GitLab may be busy with the launches of other tests. */
  post(body: object): Promise<Response>;
  /** Launches a session. Throws if the response is not 201 (created). */
  launch(body: object): Promise<Session>;
  /** Launches a session that exists. Throws if the response is not 200. */
  launchAgain(body: object): Promise<Session>;
  /** Polls until the session is in that state, or `accepts` returns true. Throws with the last response after `timeoutMs`. */
  until(name: string, accepts: SessionState | ((session: Session) => boolean), timeoutMs?: number): Promise<Session>;
  /** Deletes a session and waits until its pod, children and Secrets are deleted. */
  remove(name: string, options?: { forced?: boolean }): Promise<void>;
}

/** Returns the headers of an anonymous user that no other test knows, with the id from a gateway. */
export const anonymousHeaders = () => ({ 'Renku-Auth-Anon-Id': `anon-${randomBytes(8).toString('hex')}` });

/** Returns an anonymous user that no other test knows. */
export const anonymous = (): Caller => withHeaders(anonymousHeaders());

/** Returns the user that these headers identify. */
export const withHeaders = (headers: Record<string, string>): Caller => caller(mainSite, headers);

/** Returns an anonymous user with the cookie that the service sets at the first request. */
export async function withCookie(site: Site): Promise<Caller> {
  const response = await fetch(`${site.api}/servers`);
  const [cookie = ''] = response.headers.getSetCookie().map((each) => each.replace(/;.*/, ''));
  return caller(site, { cookie });
}

/** Returns the headers that the gateway of a platform adds for a signed-in user. */
export async function registeredHeaders(name: UserName): Promise<Record<string, string>> {
  const { gitUrl, gitTokens, issuer } = platform().backends;
  const response = await fetch(`${issuer}/id-token?user=${name}&audience=${release.audience}`);
  if (!response.ok) throw new Error(await response.text());
  const git = { AuthorizationHeader: `bearer ${gitTokens[name]}`, AccessTokenExpiresAt: 1_900_000_000 };
  return {
    'Renku-Auth-Access-Token': 'access',
    'Renku-Auth-Id-Token': await response.text(),
    'Renku-Auth-Refresh-Token': 'refresh',
    'Renku-Auth-Git-Credentials': credentials({ [gitUrl]: git }),
  };
}

/** Returns a signed-in user. */
export const registered = async (name: UserName): Promise<Caller> => caller(mainSite, await registeredHeaders(name));

function caller(site: Site, identity: Record<string, string>): Caller {
  const api: Caller['api'] = (path, { method = 'GET', body, timeoutMs = 30_000 } = {}) =>
    fetch(`${site.api}${path}`, {
      method,
      headers: { ...identity, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });

  /** Returns status 0 if a connection fails, as it may while a node or a replica is replaced. */
  const read = (name: string) =>
    api(`/servers/${name}`).then(
      async (response) => ({ status: response.status, text: await response.text() }),
      (error: unknown) => ({ status: 0, text: String(error) }),
    );

  async function post(body: object, retries = 3): Promise<Response> {
    const response = await api('/servers', { method: 'POST', body });
    const retryAfter = response.headers.get('retry-after');
    if (retryAfter === null || retries === 0) return response;
    await response.body?.cancel();
    await delay(Number(retryAfter) * 1000);
    return post(body, retries - 1);
  }

  async function launch(body: object, expected: number): Promise<Session> {
    const response = await post(body);
    const text = await response.text();
    if (response.status !== expected) throw new Error(`POST servers: ${response.status} ${text}`);
    return JSON.parse(text) as Session;
  }

  return {
    identity,
    api,
    post,
    launch: (body) => launch(body, 201),
    launchAgain: (body) => launch(body, 200),
    async until(name, wanted, timeoutMs = 400_000) {
      const accepts = typeof wanted === 'function' ? wanted : (session: Session) => session.status.state === wanted;
      const end = performance.now() + timeoutMs;
      for (;;) {
        const { status, text } = await read(name);
        if (status === 200) {
          const session = JSON.parse(text) as Session;
          if (accepts(session)) return session;
        }
        if (performance.now() > end) {
          const what = typeof wanted === 'function' ? 'as expected' : wanted;
          const pod = await describePod(name, site.namespace);
          throw new Error(`The session ${name} is not ${what} after ${timeoutMs} ms: ${status} ${text}\n${pod}`);
        }
        await delay(pollMs);
      }
    },
    async remove(name, { forced = false } = {}) {
      const response = await api(`/servers/${name}${forced ? '?forced=true' : ''}`, { method: 'DELETE' });
      if (response.status !== 204) throw new Error(`DELETE ${name}: ${response.status} ${await response.text()}`);
      await untilGone(name, site.namespace);
    },
  };
}

/** Returns what the cluster says about the pod of a session, for the message of a failed test. */
async function describePod(name: string, namespace: string): Promise<string> {
  return platform()
    .kubectl(['describe', 'pod', `${name}-0`, '--namespace', namespace])
    .catch(String);
}
