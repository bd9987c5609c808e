import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import { testConfig } from '../../../tests/support/sessions/config.ts';
import type { Call } from '../../../tests/support/sessions/fake-cluster.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { anonymous, john, type TestResponse } from '../../../tests/support/sessions/service.ts';
import type { NewSession } from '../../autosaves/types.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

let backends: Backends;
let { cluster, gitlab, registry, replica } = {} as Backends;

beforeEach(async () => {
  backends = await startBackends();
  ({ cluster, gitlab, registry, replica } = backends);
});

afterEach(() => backends.close());

const project = { namespace: 'my-group', project: 'my-project', branch: 'master', commit_sha: commitSha };
const servers = (): JupyterServer[] => cluster.objects('jupyterservers');
const secrets = (): KubernetesObject[] => cluster.objects('secrets');
const valuesOf = (secret: KubernetesObject | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries((secret as unknown as { data?: Record<string, string> } | undefined)?.data ?? {}).map(
      ([key, value]) => [key, Buffer.from(value, 'base64').toString()],
    ),
  );
const statuses = (responses: TestResponse[]): number[] => responses.map(({ status }) => status).sort();
const isCreation = (call: Call): boolean => call.method === 'POST' && call.resource === 'jupyterservers';

describe('a new session', () => {
  it('is created with its Secret in three calls to the API server', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const { status, body } = await call('POST', '/servers', project);
    expect(status).toBe(201);
    expect(cluster.calls.map(({ method, resource }) => `${method} ${resource}`)).toEqual([
      'GET jupyterservers',
      'POST jupyterservers',
      'POST secrets',
    ]);
    const [secret] = secrets();
    expect(secret?.metadata.name).toBe(`${body.name}-credentials`);
    expect(secret?.metadata.ownerReferences?.[0]).toMatchObject({ name: body.name, uid: servers()[0]?.metadata.uid });
    expect(valuesOf(secret)).toEqual({
      'gitlab-oauth-token': 'the-gitlab-token',
      'oidc-client-secret': 'the-oidc-client-secret',
    });
  });

  it('of a private image also has a pull secret, which is created in parallel', async () => {
    registry.login = 'oauth2:the-gitlab-token';
    const call = (await replica()).as(john(gitlab.url));
    const { status, body } = await call('POST', '/servers', project);
    expect([status, body.image]).toEqual([201, `${registry.host}/my-group/my-project:${commitSha.slice(0, 7)}`]);
    expect(secrets().map(({ metadata }) => metadata.name)).toEqual([
      `${body.name}-credentials`,
      `${body.name}-image-secret`,
    ]);
    const pull = secrets()[1] as unknown as { type: string; data: Record<string, string> };
    expect(pull.type).toBe('kubernetes.io/dockerconfigjson');
    const config = JSON.parse(Buffer.from(pull.data['.dockerconfigjson'] ?? '', 'base64').toString());
    expect(Object.keys(config.auths)).toEqual([registry.host]);
    expect(JSON.stringify(servers())).not.toContain('the-gitlab-token');
  });

  it('with buckets has a Secret for each private bucket, and shows all buckets', async () => {
    const base = testConfig().cloud_storage;
    const cloud_storage = { ...base, s3: { enabled: true, read_only: true } };
    const call = (await replica({ config: { cloud_storage } })).as(john(gitlab.url));
    const { status, body } = await call('POST', '/servers', {
      ...project,
      cloudstorage: [
        { endpoint: 'https://s3.example.org', bucket: 'open-data', more: 'ignored' },
        { endpoint: 'https://s3.example.org', bucket: 'my-data', access_key: 'a', secret_key: 'my-storage-key' },
      ],
    });
    expect(status).toBe(201);
    const buckets = ['open-data', 'my-data'].map((bucket) => ({ endpoint: 'https://s3.example.org', bucket }));
    expect(body.cloudstorage).toEqual(buckets);
    expect((await call('GET', `/servers/${body.name}`)).body.cloudstorage).toEqual(buckets);
    expect(secrets().map(({ metadata }) => metadata.name)).toEqual([
      `${body.name}-credentials`,
      `${body.name}-ds-1-secret`,
    ]);
    expect(JSON.stringify(servers())).not.toContain('my-storage-key');
  });

  it('of which only some Secrets were created is completed by the same request', async () => {
    registry.login = 'oauth2:the-gitlab-token';
    const call = (await replica()).as(john(gitlab.url));
    const isPullSecret = ({ method, resource, body }: Call): boolean =>
      method === 'POST' && resource === 'secrets' && body['type'] === 'kubernetes.io/dockerconfigjson';
    cluster.fault = (each) => (isPullSecret(each) ? { status: 503, reason: 'ServiceUnavailable' } : undefined);
    expect((await call('POST', '/servers', project)).status).toBe(500);
    expect(secrets()).toHaveLength(1);
    cluster.fault = () => undefined;
    expect((await call('POST', '/servers', project)).status).toBe(200);
    expect(secrets()).toHaveLength(2);
  });

  it('contains no credential of its user, and none is logged', async () => {
    const service = await replica();
    await service.as(john(gitlab.url))('POST', '/servers', {
      ...project,
      environment_variables: { KEY: 'my-own-password' },
    });
    const everything = JSON.stringify(servers()) + service.logged();
    for (const credential of [
      'the-gitlab-token',
      'the-access-token',
      'the-refresh-token',
      'the-oidc-client-secret',
      'my-own-password',
    ]) {
      expect(everything).not.toContain(credential);
    }
  });

  it('of an anonymous user has its own token and needs no Secret', async () => {
    const call = (await replica()).as(anonymous(gitlab.url));
    const { status, body } = await call('POST', '/servers', project);
    expect(status).toBe(201);
    const token = new URL(body.url).searchParams.get('token') ?? '';
    expect(token).toMatch(/^[-\w]{43}$/);
    expect(servers()[0]?.spec?.auth?.token).toBe(token);
    expect(secrets()).toEqual([]);
  });

  it('uses the commit that GitLab resolves, and keeps the name by which the caller named it', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const { body } = await call('POST', '/servers', { ...project, commit_sha: 'v1.0' });
    expect(body.annotations).toMatchObject({
      'renku.io/commit-sha': commitSha,
      'notebook-sessions.io/requested-ref': 'v1.0',
    });
    expect(servers()[0]?.metadata.labels?.['renku.io/commit-sha']).toBe(commitSha);
    expect(body.image).toBe(`${registry.host}/my-group/my-project:${commitSha.slice(0, 7)}`);
    expect(JSON.stringify(servers()[0]?.spec?.patches)).toContain(`"value":"${commitSha}"`);
    for (const name of ['v1.0', commitSha]) {
      const found = await call('GET', `/servers?commit_sha=${name}`);
      expect(Object.keys(found.body.servers)).toEqual([body.name]);
    }
    expect((await call('GET', `/servers?commit_sha=${commitSha.slice(0, 8)}`)).body.servers).toEqual({});
  });

  it('starts the clean-up of the autosaves that it replaces, once, and keeps those of other sessions', async () => {
    const cleanUps: NewSession[] = [];
    const service = await replica({ afterLaunch: (session) => void cleanUps.push(session) });
    const call = service.as(john(gitlab.url));
    const { body } = await call('POST', '/servers', { ...project, commit_sha: commitSha.slice(0, 8) });
    await call('POST', '/servers', { ...project, commit_sha: commitSha.slice(0, 8) });
    await call('POST', '/servers', { ...project, commit_sha: commitSha });
    gitlab.refs.set('main', '1'.repeat(40));
    await call('POST', '/servers', { ...project, commit_sha: 'main' });
    await call('POST', '/servers', { ...project, commit_sha: commitSha, branch: 'feature/x' });
    expect(cleanUps).toMatchObject([
      { name: body.name, user: { username: 'john.doe' }, projectId: 42, branch: 'master', commitSha, commitsInUse: [] },
      { branch: 'master', commitSha: '1'.repeat(40), commitsInUse: [commitSha] },
      { branch: 'feature/x', commitsInUse: [] },
    ]);
  });

  it('of a user who may not push, or of an anonymous user, starts no clean-up of autosaves', async () => {
    const cleanUps: NewSession[] = [];
    const service = await replica({ afterLaunch: (session) => void cleanUps.push(session) });
    gitlab.accessLevel = 20;
    const responses = [
      await service.as(john(gitlab.url))('POST', '/servers', project),
      await service.as(anonymous(gitlab.url))('POST', '/servers', project),
    ];
    expect(statuses(responses)).toEqual([201, 201]);
    expect(cleanUps).toEqual([]);
  });

  it('warns if it runs the default image', async () => {
    registry.fault = () => 404;
    const { status, body } = await (await replica()).as(john(gitlab.url))('POST', '/servers', project);
    expect([status, body.image]).toEqual([201, 'renku/singleuser:latest']);
    expect(body.status.warnings).toEqual([{ message: expect.stringContaining('default image'), critical: false }]);
    expect(servers()[0]?.spec?.jupyterServer?.rootDir).toMatch(/^\/home\/jovyan\/work\//);
  });
});

describe('an existing session', () => {
  it('is found without a call to the API server', async () => {
    const call = (await replica()).as(john(gitlab.url));
    cluster.isMute = true;
    const first = await call('POST', '/servers', project);
    const before = cluster.calls.length;
    const again = await call('POST', '/servers', { ...project, image: 'another/image' });
    expect([again.status, again.body.name]).toEqual([200, first.body.name]);
    expect(cluster.calls.length).toBe(before);
  });

  it('that is hibernated is resumed, with the caller’s present tokens', async () => {
    const call = (await replica()).as(john(gitlab.url));
    await call('POST', '/servers', project);
    const made = servers()[0] as JupyterServer;
    cluster.put({ ...made, spec: { ...made.spec, jupyterServer: { ...made.spec?.jupyterServer, hibernated: true } } });
    const { name } = made.metadata;
    await expect.poll(async () => (await call('GET', `/servers/${name}`)).body.status.state).toBe('hibernated');
    const before = cluster.calls.length;
    const resumed = await call('POST', '/servers', project);
    expect([resumed.status, resumed.body.name, resumed.body.status.state]).toEqual([200, name, 'starting']);
    expect(servers()[0]?.spec?.jupyterServer?.hibernated).toBe(false);
    expect(cluster.calls.slice(before).map(({ method, resource }) => `${method} ${resource}`)).toEqual([
      'GET jupyterservers',
      'PUT secrets',
      'PATCH jupyterservers',
    ]);
  });

  it('is found by every spelling of its project', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const first = await call('POST', '/servers', project);
    const spellings = [
      { namespace: 'MY-Group/', project: 'My-Project' },
      { namespace: '/', project: 'my-group/my-project' },
    ];
    for (const spelling of spellings) {
      const { status, body } = await call('POST', '/servers', { ...project, ...spelling });
      expect([status, body.name]).toEqual([200, first.body.name]);
    }
    const listed = await call('GET', '/servers?namespace=my-group&project=MY-project&branch=master');
    expect(Object.keys(listed.body.servers)).toEqual([first.body.name]);
  });

  it('of the original service is found in its namespace', async () => {
    const call = (await replica()).as(john(gitlab.url));
    cluster.put({
      metadata: {
        name: 'john-2edoe-my-2dproject-b54c96fb',
        namespace: 'renku',
        uid: 'uid-1',
        labels: { 'renku.io/userId': 'uuid-john', 'renku.io/safe-username': 'john-2edoe' },
        annotations: {
          'renku.io/userId': 'uuid-john',
          'renku.io/namespace': 'my-group',
          'renku.io/projectName': 'my-project',
          'renku.io/branch': 'master',
          'renku.io/commit-sha': commitSha,
        },
      },
      spec: { auth: { oidc: { enabled: true } } },
    });
    await expect.poll(async () => Object.keys((await call('GET', '/servers')).body.servers)).toHaveLength(1);
    const { status, body } = await call('POST', '/servers', project);
    expect([status, body.name]).toEqual([200, 'john-2edoe-my-2dproject-b54c96fb']);
    expect(secrets()).toEqual([]);
  });

  it('is not used for another user, branch or commit', async () => {
    const service = await replica();
    gitlab.refs.set('v2.0', '2'.repeat(40));
    const names = new Set<string>();
    for (const [identity, change] of [
      [john(gitlab.url), {}],
      [john(gitlab.url), { branch: 'feature/x' }],
      [john(gitlab.url), { commit_sha: 'v2.0' }],
      [anonymous(gitlab.url), {}],
      [anonymous(gitlab.url, 'anon-abc123', 'header'), {}],
      [{ ...john(gitlab.url), id: 'uuid-other' }, {}],
    ] as const) {
      const { status, body } = await service.as(identity)('POST', '/servers', { ...project, ...change });
      expect(status).toBe(201);
      names.add(body.name);
    }
    expect(names.size).toBe(6);
  });
});

describe('an object of another owner that has the name of the session', () => {
  it('is never returned to the caller', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const { body } = await call('POST', '/servers', project);
    cluster.finish(body.name);
    const theirs = { token: 'the-token-of-another-user' };
    cluster.put({ metadata: { name: body.name, namespace: 'renku', uid: 'other' }, spec: { auth: theirs } });
    await expect.poll(async () => (await call('GET', '/servers')).body.servers).toEqual({});
    const refused = await call('POST', '/servers', project);
    expect([refused.status, refused.body.error.code]).toEqual([500, 3002]);
    expect(JSON.stringify(refused.body)).not.toContain(theirs.token);
  });
});

describe('50 identical launches at the same time', () => {
  it('on one replica create one session', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const responses = await Promise.all(Array.from({ length: 50 }, () => call('POST', '/servers', project)));
    expect(statuses(responses)).toEqual([...Array(49).fill(200), 201]);
    expect(servers()).toHaveLength(1);
    expect(cluster.calls.filter(isCreation)).toHaveLength(1);
  });

  it('on two replicas create one session, and one response says that it is new', async () => {
    const [one, other] = [(await replica()).as(john(gitlab.url)), (await replica()).as(john(gitlab.url))];
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, index) => (index % 2 ? one : other)('POST', '/servers', project)),
    );
    expect(statuses(responses)).toEqual([...Array(49).fill(200), 201]);
    expect(new Set(responses.map(({ body }) => body.name)).size).toBe(1);
    expect([servers().length, secrets().length]).toEqual([1, 1]);
  });

  it('create one session when the response to the create request is lost', async () => {
    let lost = 0;
    cluster.fault = (call) => (isCreation(call) && lost++ === 0 ? 'response lost' : undefined);
    const call = (await replica({ deadlineMs: 3_000 })).as(john(gitlab.url));
    const responses = await Promise.all(Array.from({ length: 50 }, () => call('POST', '/servers', project)));
    expect(statuses(responses)).toEqual([...Array(49).fill(200), 201]);
    expect([servers().length, secrets().length]).toEqual([1, 1]);
  });

  it('create one session when the create request arrives long after its deadline', async () => {
    const arrival = Promise.withResolvers<undefined>();
    let creations = 0;
    cluster.fault = (call) => (isCreation(call) && creations++ === 0 ? arrival.promise : undefined);
    const call = (await replica({ deadlineMs: 3_000 })).as(john(gitlab.url));
    const responses = await Promise.all(Array.from({ length: 50 }, () => call('POST', '/servers', project)));
    arrival.resolve(undefined);
    expect(statuses(responses)).toEqual([...Array(49).fill(200), 201]);
    expect((await call('POST', '/servers', project)).status).toBe(200);
    expect(servers()).toHaveLength(1);
  });
});

describe('a launch while the session is being deleted', () => {
  it('replaces the Secrets of a former session, which Kubernetes is about to delete', async () => {
    const call = (await replica()).as(john(gitlab.url));
    cluster.fault = ({ method, resource }) =>
      method === 'POST' && resource === 'secrets' ? { status: 409, reason: 'AlreadyExists' } : undefined;
    const { status, body } = await call('POST', '/servers', project);
    expect(status).toBe(201);
    const replaced = cluster.calls.filter(({ method, resource }) => method === 'PUT' && resource === 'secrets');
    expect(replaced.map(({ name }) => name)).toEqual([`${body.name}-credentials`]);
    const [own] = servers();
    expect(replaced[0]?.body).toMatchObject({ metadata: { ownerReferences: [{ uid: own?.metadata.uid }] } });
    // The same launch again must not replace the variables of the first one.
    await call('POST', '/servers', project);
    expect(cluster.calls.filter(({ method, resource }) => method === 'PUT' && resource === 'secrets')).toHaveLength(1);
  });

  it('waits, and returns a new session', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const { body } = await call('POST', '/servers', project);
    const first = servers()[0]?.metadata.uid;
    expect((await call('DELETE', `/servers/${body.name}`)).status).toBe(204);
    expect((await call('GET', '/servers')).body.servers[body.name]?.status.state).toBe('stopping');
    const launching = call('POST', '/servers', project);
    await expect.poll(() => gitlab.paths.length).toBeGreaterThan(3);
    expect(servers()[0]?.metadata.uid).toBe(first);
    cluster.finish(body.name);
    const again = await launching;
    expect([again.status, again.body.status.state]).toEqual([201, 'starting']);
    expect(servers()[0]?.metadata.uid).not.toBe(first);
  });

  it('fails at once, with the solution, if the machine of the session does not respond', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const { body } = await call('POST', '/servers', project);
    const conditions = [
      { type: 'ContainersReady', status: 'True' },
      { type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:10:00Z' },
    ];
    const [server] = servers();
    if (!server) throw new Error('no session was created');
    cluster.put({ ...server, status: { state: 'starting', mainPod: { uid: 'p', status: { conditions } } } });
    const seen = async () => (await call('GET', `/servers/${body.name}`)).body.status.message;
    await expect.poll(seen).toContain('has not responded since 2026-01-01T00:10:00Z');
    await call('DELETE', `/servers/${body.name}`);
    const stopping = (await call('GET', '/servers')).body.servers[body.name];
    expect(stopping?.status.warnings).toContainEqual({
      message: expect.stringContaining('forced=true'),
      critical: false,
    });
    const again = await call('POST', '/servers', project);
    expect([again.status, again.body.error.code]).toEqual([409, 3409]);
    expect(again.body.error.detail).toContain('has not responded since 2026-01-01T00:10:00Z, so');
    expect(again.body.error.detail).toContain(`DELETE servers/${body.name}?forced=true`);
  });

  it('fails with Retry-After if the deletion takes too long', async () => {
    const call = (await replica({ deadlineMs: 3_500 })).as(john(gitlab.url));
    const { body } = await call('POST', '/servers', project);
    await call('DELETE', `/servers/${body.name}`);
    const again = await call('POST', '/servers', project);
    expect([again.status, again.body.error.code]).toEqual([409, 3409]);
    expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(servers()).toHaveLength(1);
  });

  it('behaves in the same way on a replica that does not know of the deletion', async () => {
    const [here, there] = [
      (await replica()).as(john(gitlab.url)),
      (await replica({ withoutCache: true })).as(john(gitlab.url)),
    ];
    const { body } = await here('POST', '/servers', project);
    await here('DELETE', `/servers/${body.name}`);
    expect((await there('GET', `/servers/${body.name}`)).body.status.state).toBe('stopping');
    expect((await there('GET', '/servers')).body.servers[body.name]?.status.state).toBe('stopping');
  });
});

describe('an interrupted launch', () => {
  it('is completed by the same request on another replica', async () => {
    cluster.fault = ({ resource }) =>
      resource === 'secrets' ? { status: 503, reason: 'ServiceUnavailable' } : undefined;
    const failed = await (await replica()).as(john(gitlab.url))('POST', '/servers', project);
    expect([failed.status, failed.body.error.code]).toEqual([500, 3000]);
    expect([servers().length, secrets().length]).toEqual([1, 0]);
    cluster.fault = () => undefined;
    const call = (await replica()).as(john(gitlab.url));
    expect((await call('POST', '/servers', project)).status).toBe(200);
    expect(secrets()).toHaveLength(1);
    const before = cluster.calls.length;
    expect((await call('POST', '/servers', project)).status).toBe(200);
    expect(cluster.calls.length).toBe(before);
  });

  it('leaves nothing behind when the cluster rejects the Secret', async () => {
    cluster.fault = ({ resource }) => (resource === 'secrets' ? { status: 422, reason: 'Invalid' } : undefined);
    const { status, body } = await (await replica()).as(john(gitlab.url))('POST', '/servers', project);
    expect([status, body.error.code]).toEqual([500, 3002]);
    expect(servers()[0]?.metadata.deletionTimestamp).toBeDefined();
  });

  it('continues after its caller has disconnected', async () => {
    const arrival = Promise.withResolvers<undefined>();
    cluster.fault = (call) => (isCreation(call) ? arrival.promise : undefined);
    const call = (await replica()).as(john(gitlab.url));
    const caller = new AbortController();
    const launching = call('POST', '/servers', project, caller.signal);
    await expect.poll(() => cluster.calls.some(isCreation)).toBe(true);
    caller.abort();
    await expect(launching).rejects.toThrow();
    arrival.resolve(undefined);
    await expect.poll(() => secrets().length).toBe(1);
  });
});
