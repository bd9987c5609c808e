import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitSha, type FakeGitLab, startFakeGitLab } from '../../tests/support/sessions/fake-gitlab.ts';
import { type FakeRegistry, startFakeRegistry } from '../../tests/support/sessions/fake-registry.ts';
import { kubeconfigOf } from '../../tests/support/sessions/kubeconfig.ts';
import { john, startService, type TestService } from '../../tests/support/sessions/service.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { type ApiServer, createApiServer } from '../local/api-server/api-server.ts';
import { openCluster } from '../local/api-server/open-cluster.ts';
import type { Store } from '../local/api-server/store.ts';
import { resource } from '../platform/kubernetes/resources.ts';

const log = pino({ level: 'silent' });
const token = 'the-token-of-the-service';
const project = { namespace: 'my-group', project: 'my-project', branch: 'master', commit_sha: commitSha };

let store: Store;
let api: ApiServer;
let gitlab: FakeGitLab;
let registry: FakeRegistry;
let service: TestService;
let end: () => Promise<void>;

beforeEach(async () => {
  store = openCluster({ path: ':memory:', log });
  store.create(resource.namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'renku' } });
  api = createApiServer({ cluster: store, token, log });
  const server = createServer(api.handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  [gitlab, registry] = await Promise.all([startFakeGitLab(), startFakeRegistry()]);
  const kubeconfig = kubeconfigOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, token);
  service = await startService({ cluster: { kubeconfig }, gitlab, registry });
  end = async () => {
    await service.close();
    await api.close();
    server.close();
    store.close();
    await Promise.all([gitlab.close(), registry.close()]);
  };
});

afterEach(() => end());

/** Returns the number of calls since the start by verb and kind, without the calls of the session cache. */
function calls(): Record<string, number> {
  const { 'list jupyterservers': _lists, 'watch jupyterservers': _watches, ...others } = api.callCount();
  return others;
}

describe('on the embedded API server', () => {
  it('launches a session with three calls, reads it without a call, and stores all fields of the object', async () => {
    const call = service.as(john(gitlab.url));
    const { status, body } = await call('POST', '/servers', project);
    expect(status).toBe(201);
    const launched = { 'get jupyterservers': 1, 'create jupyterservers': 1, 'create secrets': 1 };
    expect(calls()).toEqual(launched);
    for (const path of ['/servers', `/servers/${body.name}`]) expect((await call('GET', path)).status).toBe(200);
    expect((await call('POST', '/servers', project)).status).toBe(200);
    expect(calls()).toEqual(launched);
    const stored = store.get<JupyterServer>(jupyterServers, 'renku', body.name);
    expect(stored?.spec?.auth?.oidc?.clientSecret).toEqual({
      secretKeyRef: { name: `${body.name}-credentials`, key: 'oidc-client-secret' },
    });
    expect(stored?.spec?.patches).toHaveLength(21);
    expect(store.get(resource.secrets, 'renku', `${body.name}-credentials`)).toBeDefined();
  });

  it('deletes the Secret with its session, and the next launch makes another session of the same name', async () => {
    const call = service.as(john(gitlab.url));
    const first = await call('POST', '/servers', project);
    const { uid } = store.get<JupyterServer>(jupyterServers, 'renku', first.body.name)?.metadata ?? {};
    expect((await call('DELETE', `/servers/${first.body.name}?forced=true`)).status).toBe(204);
    const second = await call('POST', '/servers', project);
    expect([second.status, second.body.name]).toEqual([201, first.body.name]);
    const metadata = store.get<JupyterServer>(jupyterServers, 'renku', first.body.name)?.metadata;
    expect(metadata?.uid).not.toBe(uid);
    const secret = store.get(resource.secrets, 'renku', `${first.body.name}-credentials`);
    expect(secret?.metadata.ownerReferences?.[0]?.uid).toBe(metadata?.uid);
  });
});
