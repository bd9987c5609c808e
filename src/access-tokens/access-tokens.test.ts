import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testConfig } from '../../tests/support/sessions/config.ts';
import { commitSha, type FakeGitLab, startFakeGitLab } from '../../tests/support/sessions/fake-gitlab.ts';
import { type FakeRegistry, startFakeRegistry } from '../../tests/support/sessions/fake-registry.ts';
import { kubeconfigOf } from '../../tests/support/sessions/kubeconfig.ts';
import { anonymous, john, startService, type TestService } from '../../tests/support/sessions/service.ts';
import type { Config } from '../config/types.ts';
import type { AccessTokenList, AccessTokenResponse, ErrorResponse } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import { annotation } from '../jupyter-server/labels.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { createApiServer } from '../local/api-server/api-server.ts';
import { openCluster } from '../local/api-server/open-cluster.ts';
import type { Store } from '../local/api-server/store.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import { matchAccessToken, readAccessTokens } from '../session-contract/access-tokens.ts';

const log = pino({ level: 'silent' });
const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };

let store: Store;
let gitlab: FakeGitLab;
let registry: FakeRegistry;
let replica: (changes?: Partial<Config>) => Promise<TestService>;
const ends: (() => void | Promise<void>)[] = [];

beforeEach(async () => {
  store = openCluster({ path: ':memory:', log });
  store.create(resource.namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'renku' } });
  const api = createApiServer({ cluster: store, token: 'the-token-of-the-service', log });
  const server = createServer(api.handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  [gitlab, registry] = await Promise.all([startFakeGitLab(), startFakeRegistry()]);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  ends.push(
    () => api.close(),
    () => void server.close(),
    () => store.close(),
    gitlab.close,
    registry.close,
  );
  replica = async (config = {}) => {
    const cluster = { kubeconfig: kubeconfigOf(url, 'the-token-of-the-service') };
    const service = await startService({ cluster, gitlab, registry }, { config });
    ends.unshift(() => service.close());
    return service;
  };
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function launched(service: TestService, identity: Identity) {
  const call = service.as(identity);
  const { body } = await call('POST', '/servers', project);
  const path = `/servers/${body.name}/tokens`;
  return {
    path,
    name: body.name,
    url: body.url,
    create: async (request: object = {}) => {
      const response = await call('POST', path, request);
      return { status: response.status, body: response.body as unknown as AccessTokenResponse & ErrorResponse };
    },
    list: async () => ((await call('GET', path)).body as unknown as AccessTokenList).tokens,
    remove: async (id: string) => (await call('DELETE', `${path}/${id}`)).status,
    object: () => store.get<JupyterServer>(jupyterServers, 'renku', body.name),
  };
}

describe('access tokens of a session', () => {
  it('are returned once, stored as hashes in the object, and accepted by every replica', async () => {
    const session = await launched(await replica(), john(gitlab.url));
    const response = await session.create({ label: 'VS Code', expires_in: 3600 });
    expect(response.status).toBe(201);
    const { token, url, expires, created, id } = response.body;
    expect(url).toBe(`${session.url}/?token=${token}`);
    expect(Date.parse(expires ?? '') - Date.parse(created)).toBe(3_600_000);
    const other = (await replica()).as(john(gitlab.url));
    const listed = (await other('GET', session.path)).body as unknown as AccessTokenList;
    expect(listed).toEqual({ tokens: [{ id, label: 'VS Code', created, expires }] });
    const text = session.object()?.metadata.annotations?.[annotation.accessTokens];
    expect(text).not.toContain(token);
    expect(matchAccessToken(readAccessTokens(text), token, Date.now())?.id).toBe(id);
    const shown = await other('GET', `/servers/${session.name}`);
    expect(JSON.stringify(shown.body)).not.toContain('access-tokens');
  });

  it('are valid for 7 days by default, and for at most 90 days', async () => {
    const session = await launched(await replica(), john(gitlab.url));
    const { created, expires } = (await session.create()).body;
    expect(Date.parse(expires ?? '') - Date.parse(created)).toBe(7 * 86_400_000);
    for (const [expires_in, status] of [
      [7_776_000, 201],
      [7_776_001, 422],
      [59, 422],
    ]) {
      expect((await session.create({ expires_in })).status, String(expires_in)).toBe(status);
    }
  });

  it('are at most 20, also with concurrent requests, and each returned token is valid', async () => {
    const service = await replica();
    const session = await launched(service, john(gitlab.url));
    const responses = await Promise.all(Array.from({ length: 25 }, () => session.create()));
    const accepted = responses.filter(({ status }) => status === 201);
    expect(accepted).toHaveLength(20);
    for (const { status, body } of responses.filter((response) => !accepted.includes(response))) {
      expect([status, body.error.code]).toEqual([409, 1409]);
      expect(body.error.detail).toContain('Delete a token');
    }
    const kept = readAccessTokens(session.object()?.metadata.annotations?.[annotation.accessTokens]);
    for (const { body } of accepted) expect(matchAccessToken(kept, body.token, Date.now())?.id).toBe(body.id);
    expect(await session.remove(accepted[0]?.body.id ?? '')).toBe(204);
    expect((await session.create()).status).toBe(201);
  });

  it('are invalid after their deletion, and the deletion of an unknown token is a 404', async () => {
    const session = await launched(await replica(), john(gitlab.url));
    const { id } = (await session.create()).body;
    expect(await session.remove(id ?? '')).toBe(204);
    expect(await session.list()).toEqual([]);
    expect(await session.remove(id ?? '')).toBe(404);
    expect(await session.remove('NOT-HEX')).toBe(404);
  });

  it('are created, listed and deleted by their owner only', async () => {
    const service = await replica();
    const session = await launched(service, john(gitlab.url));
    const { id } = (await session.create()).body;
    const stranger = service.as({ ...john(gitlab.url), id: 'uuid-jane', username: 'jane' });
    expect((await stranger('GET', session.path)).status).toBe(404);
    expect((await stranger('POST', session.path, {})).status).toBe(404);
    expect((await stranger('DELETE', `${session.path}/${id}`)).status).toBe(404);
    expect(await session.list()).toHaveLength(1);
  });

  it('are not created for a session that is being stopped', async () => {
    const service = await replica();
    const session = await launched(service, john(gitlab.url));
    const held = { metadata: { finalizers: ['example.org/held'] } };
    store.mergePatch(jupyterServers, 'renku', session.name, held);
    expect((await service.as(john(gitlab.url))('DELETE', `/servers/${session.name}`)).status).toBe(204);
    expect((await session.create()).body.error).toMatchObject({
      code: 1409,
      message: expect.stringContaining('stopped'),
    });
  });
});

describe('without an ingress that checks access tokens', () => {
  const withoutIngress = () => {
    const { sessions } = testConfig();
    return replica({ sessions: { ...sessions, access_tokens: { enabled: false } } });
  };

  it('the error for a registered user refers to the access tokens of the platform', async () => {
    const session = await launched(await withoutIngress(), john(gitlab.url));
    const { status, body } = await session.create();
    expect([status, body.error.code]).toEqual([409, 1409]);
    expect(body.error.detail).toContain('Authorization: Bearer');
  });

  it('an anonymous session returns its own token', async () => {
    const session = await launched(await withoutIngress(), anonymous(gitlab.url));
    const { status, body } = await session.create();
    const token = session.object()?.spec?.auth?.token;
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: null, token, expires: null });
    expect(body.url).toContain(`/?token=${token}`);
  });
});
