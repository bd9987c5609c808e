import { setTimeout as delay } from 'node:timers/promises';
import { inject } from 'vitest';
import type { components } from '../../src/generated/openapi.ts';
import { credentials } from '../support/identity.ts';
import type { UserName } from './backends.ts';
import { kubectlOf } from './cluster/start.ts';
import { release } from './release.ts';

export type Session = components['schemas']['NotebookResponse'];
export type SessionState = Session['status']['state'];

const pollMs = 500;

/** A caller of the API: its headers, as the gateway of the platform adds them. */
export interface Caller {
  /** Sends a request to a path of the API. Does not check the status. */
  api(path: string, init?: RequestInit): Promise<Response>;
  /** Launches a session. Throws if the response is not 201. */
  launch(body: object): Promise<Session>;
  /** Polls until the session is in one of the states, or `accepts` returns true. Throws with the last response after `timeoutMs`. */
  until(name: string, accepts: SessionState | ((session: Session) => boolean), timeoutMs?: number): Promise<Session>;
  /** Deletes a session and waits until its pod, children and Secrets are deleted. */
  remove(name: string, options?: { forced?: boolean }): Promise<void>;
}

/** Returns the cluster, the backends and kubectl. */
export function platform() {
  const { cluster, backends } = inject('e2e');
  return { cluster, backends, kubectl: kubectlOf(cluster) };
}

export function anonymous(id: string): Caller {
  return callerWith({ 'Renku-Auth-Anon-Id': `anon-${id}` });
}

export async function registered(name: UserName): Promise<Caller> {
  const { gitUrl, gitTokens, issuer } = platform().backends;
  const response = await fetch(`${issuer}/id-token?user=${name}&audience=${release.audience}`);
  if (!response.ok) throw new Error(await response.text());
  const git = { AuthorizationHeader: `bearer ${gitTokens[name]}`, AccessTokenExpiresAt: 1_900_000_000 };
  return callerWith({
    'Renku-Auth-Access-Token': 'access',
    'Renku-Auth-Id-Token': await response.text(),
    'Renku-Auth-Refresh-Token': 'refresh',
    'Renku-Auth-Git-Credentials': credentials({ [new URL(gitUrl).origin]: git, [gitUrl]: git }),
  });
}

function callerWith(identity: Record<string, string>): Caller {
  const api = (path: string, init: RequestInit = {}) =>
    fetch(`https://${release.host}/notebooks${path}`, {
      ...init,
      headers: { ...identity, 'content-type': 'application/json', ...(init.headers as Record<string, string>) },
      signal: AbortSignal.timeout(30_000),
    });

  async function until(
    name: string,
    accepts: SessionState | ((session: Session) => boolean),
    timeoutMs = 120_000,
  ): Promise<Session> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const response = await api(`/servers/${name}`);
      const text = await response.text();
      if (response.ok) {
        const session = JSON.parse(text) as Session;
        if (typeof accepts === 'function' ? accepts(session) : session.status.state === accepts) return session;
      }
      if (performance.now() > end)
        throw new Error(
          `after ${timeoutMs} ms the session ${name} is not ${typeof accepts === 'function' ? 'as expected' : accepts}: ` +
            `${response.status} ${text}\n${await describePod(name)}`,
        );
      await delay(pollMs);
    }
  }

  return {
    api,
    until,
    async launch(body) {
      const response = await api('/servers', { method: 'POST', body: JSON.stringify(body) });
      const text = await response.text();
      if (response.status !== 201) throw new Error(`POST servers: ${response.status} ${text}`);
      return JSON.parse(text) as Session;
    },
    async remove(name, { forced = false } = {}) {
      const response = await api(`/servers/${name}${forced ? '?forced=true' : ''}`, { method: 'DELETE' });
      if (response.status !== 204) throw new Error(`DELETE ${name}: ${response.status} ${await response.text()}`);
      await untilGone(name);
    },
  };
}

const kinds = 'jupyterservers,pods,statefulsets,services,ingresses,configmaps,secrets,persistentvolumeclaims';

/** Returns the objects of a session, as `kind/name`. */
export async function objectsOf(name: string): Promise<string[]> {
  const all = await platform().kubectl(['get', kinds, '--namespace', release.sessionsNamespace, '--output=name']);
  return all.split('\n').filter((line) => line.includes(`/${name}`));
}

/** Resolves when no object of the session exists. Throws after `timeoutMs` with the objects that do. */
export async function untilGone(name: string, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const objects = await objectsOf(name);
    if (objects.length === 0) return;
    if (performance.now() > end) throw new Error(`still there after ${timeoutMs} ms: ${objects.join(' ')}`);
    await delay(pollMs);
  }
}

/** Returns what the cluster says about the pod of a session, for the message of a failed test. */
async function describePod(name: string): Promise<string> {
  return platform()
    .kubectl(['describe', 'pod', `${name}-0`, '--namespace', release.sessionsNamespace])
    .catch(String);
}
