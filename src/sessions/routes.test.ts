import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../tests/support/sessions/backends.ts';
import { commitSha } from '../../tests/support/sessions/fake-gitlab.ts';
import { anonymous, john } from '../../tests/support/sessions/service.ts';
import { ownerKey } from '../identity/owner.ts';
import type { Identity } from '../identity/types.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';

let backends: Backends;
let { cluster, gitlab, replica } = {} as Backends;

beforeEach(async () => {
  backends = await startBackends();
  ({ cluster, gitlab, replica } = backends);
});

afterEach(() => backends.close());

const user = john('https://gitlab.example.org');
const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };

let uid = 0;
function session(name: string, change: Partial<JupyterServer> = {}, namespace = 'renku'): JupyterServer {
  uid += 1;
  const metadata = {
    name,
    namespace,
    uid: `uid-${uid}`,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...change.metadata,
  };
  return { apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', ...change, metadata };
}

const ours = (name: string, owner: Identity, namespace?: string): JupyterServer =>
  session(name, { metadata: { labels: { 'notebook-sessions.io/owner': ownerKey(owner) } } }, namespace);

const originals = (name: string, userId: string, isRegistered: boolean): JupyterServer =>
  session(name, {
    metadata: { labels: { 'renku.io/userId': userId }, annotations: { 'renku.io/userId': userId } },
    spec: { auth: isRegistered ? { token: '', oidc: { enabled: true } } : { token: userId, oidc: { enabled: false } } },
  });

describe('the owner of a session', () => {
  const named = (id: string): Identity => ({ ...user, id, username: 'john.doe' });
  const anon = (source: 'header' | 'cookie', id = 'anon-1'): Identity =>
    anonymous('https://gitlab.example.org', id, source);
  const owners: Record<string, Identity> = {
    registered: named('1'),
    'same name': named('2'),
    'id like an anonymous': named('anon-1'),
    header: anon('header'),
    cookie: anon('cookie'),
    'header like a name': anon('header', 'john.doe'),
    'header like an id': anon('header', '1'),
  };
  const made: Record<string, JupyterServer> = {
    ...Object.fromEntries(
      Object.entries(owners).map(([who, owner], index) => [`of ${who}`, ours(`s-${index}`, owner)]),
    ),
    'original of registered': originals('original-registered', '1', true),
    'original of anonymous': originals('original-anonymous', 'anon-1', false),
    'original of an id without a kind': originals('original-odd', '1', false),
    'without an owner': session('ownerless'),
    'of two ids': session('of-two', {
      metadata: { labels: { 'renku.io/userId': '1' }, annotations: { 'renku.io/userId': '2' } },
      spec: { auth: { oidc: { enabled: true } } },
    }),
  };
  const expected: Record<string, string[]> = {
    ...Object.fromEntries(Object.keys(owners).map((who) => [who, [`of ${who}`]])),
    registered: ['of registered', 'original of registered'],
    header: ['of header', 'original of anonymous'],
    'header like an id': ['of header like an id', 'original of an id without a kind'],
  };

  it.each([
    ['cache', {}],
    ['live reads', { withoutCache: true }],
  ] as const)('decides which callers can list, read and delete it, and read its logs (%s)', async (_from, options) => {
    for (const server of Object.values(made)) cluster.put(server);
    const service = await replica(options);
    for (const [who, identity] of Object.entries(owners)) {
      const call = service.as(identity);
      const own = (expected[who] ?? []).map((what) => made[what]?.metadata.name);
      expect(Object.keys((await call('GET', '/servers')).body.servers).sort(), `list of ${who}`).toEqual(own.sort());
      for (const [what, { metadata }] of Object.entries(made)) {
        const status = own.includes(metadata.name) ? 200 : 404;
        expect((await call('GET', `/servers/${metadata.name}`)).status, `${who} reads ${what}`).toBe(status);
        expect((await call('GET', `/logs/${metadata.name}`)).status, `${who} reads the log ${what}`).toBe(status);
        if (status === 404) {
          expect((await call('DELETE', `/servers/${metadata.name}?forced=true`)).status, `${who} deletes ${what}`).toBe(
            404,
          );
        }
      }
    }
    expect(cluster.calls.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });
});

describe('a list', () => {
  it('is not broken by malformed objects, or objects of other programs', async () => {
    const labels = { 'notebook-sessions.io/owner': ownerKey(user) };
    const odd = [
      session('nothing', { metadata: { labels } }),
      session('nulls', { metadata: { labels }, spec: null, status: null } as never),
      session('types', {
        metadata: { labels, annotations: [] },
        spec: {
          routing: 'x',
          storage: { size: -1 },
          jupyterServer: { image: 3, resources: { requests: { cpu: {}, memory: '1GiB' } } },
          patches: 'no',
        },
        status: {
          state: 'dancing',
          mainPod: [],
          containerStates: { init: 'x', regular: { 'jupyter-server': 5 } },
          events: { a: null },
        },
      } as never),
      session('dates', { metadata: { labels, creationTimestamp: 'yesterday' } }),
      { ...session('labels'), metadata: { name: 'labels', namespace: 'renku', uid: 'u', labels: 'x' } as never },
    ];
    for (const server of odd) cluster.put(server);
    cluster.put(ours('good', user));
    const call = (await replica()).as(user);
    const { status, body } = await call('GET', '/servers');
    expect(status).toBe(200);
    expect(Object.keys(body.servers)).toEqual(['dates', 'good', 'nothing', 'nulls', 'types']);
    expect(body.servers['types']?.resources.requests).toEqual({ memory: '1.07G' });
    expect(body.servers['types']?.status.state).toBe('starting');
    for (const { metadata } of odd.slice(0, 4)) {
      expect((await call('GET', `/servers/${metadata.name}`)).status).toBe(200);
    }
  });

  it('needs no call to the API server', async () => {
    cluster.put(ours('mine', user));
    const call = (await replica()).as(user);
    for (const path of ['/servers', '/servers/mine', '/servers?project=x'])
      expect((await call('GET', path)).status).toBe(200);
    expect(cluster.calls).toEqual([]);
  });

  it('has the sessions that match every given filter', async () => {
    const about = (branch: string, commit: string, group = 'my-group'): Record<string, string> => ({
      'renku.io/namespace': group,
      'renku.io/projectName': 'my-project',
      'renku.io/branch': branch,
      'renku.io/commit-sha': commit,
    });
    const labels = { 'notebook-sessions.io/owner': ownerKey(user) };
    cluster.put(session('a', { metadata: { labels, annotations: about('main', 'aaaaaaa') } }));
    cluster.put(session('b', { metadata: { labels, annotations: about('Main', 'bbbbbbb') } }));
    cluster.put(session('c', { metadata: { labels, annotations: about('main', 'bbbbbbb', 'other/sub') } }));
    const call = (await replica()).as(user);
    const found = async (query: string) => Object.keys((await call('GET', `/servers?${query}`)).body.servers);
    expect(await found('unknown=x')).toEqual(['a', 'b', 'c']);
    expect(await found('branch=main')).toEqual(['a', 'c']);
    expect(await found('branch=Main')).toEqual(['b']);
    expect(await found('commit_sha=bbbbbbb')).toEqual(['b', 'c']);
    expect(await found('namespace=MY-Group')).toEqual(['a', 'b']);
    expect(await found('project=my-project')).toEqual(['a', 'b', 'c']);
    expect(await found('namespace=other&project=sub/my-project')).toEqual(['c']);
    expect(await found('project=my-project&branch=main&commit_sha=bbbbbbb')).toEqual(['c']);
    expect(await found('branch=other')).toEqual([]);
  });

  it('has the sessions of both namespaces', async () => {
    cluster.put(ours('old', user, 'renku'));
    cluster.put(ours('new', user, 'sessions'));
    const k8s = { renku_namespace: 'renku', sessions_namespace: 'sessions' };
    const call = (await replica({ config: { k8s } })).as(john(gitlab.url));
    expect(Object.keys((await call('GET', '/servers')).body.servers)).toEqual(['new', 'old']);
    const { body } = await call('POST', '/servers', project);
    expect(cluster.calls.map(({ method, namespace }) => `${method} ${namespace}`)).toEqual([
      'GET sessions',
      'POST sessions',
      'POST sessions',
    ]);
    expect((await call('DELETE', '/servers/old')).status).toBe(204);
    expect((await call('DELETE', `/servers/${body.name}`)).status).toBe(204);
    expect((await call('GET', '/servers/old')).body.status.state).toBe('stopping');
  });
});

describe('a read', () => {
  it('finds a session that another replica has just launched', async () => {
    const [here, there] = [await replica(), await replica()];
    cluster.isMute = true;
    const { body } = await here.as(john(gitlab.url))('POST', '/servers', project);
    expect((await there.as(john(gitlab.url))('GET', `/servers/${body.name}`)).status).toBe(200);
  });

  it.each(['no-such-session', 'NOT-A-NAME', '..', 'a%2F..%2Fb', 'x'.repeat(253)])('of %s is 404', async (name) => {
    const { status, body } = await (await replica()).as(user)('GET', `/servers/${name}`);
    expect([status, body.error.code]).toEqual([404, 1404]);
  });

  it('makes a call to the API server only for a valid name', async () => {
    const call = (await replica()).as(user);
    await call('GET', '/servers/NOT-A-NAME');
    expect(cluster.calls).toEqual([]);
    await call('GET', '/servers/a-name');
    expect(cluster.calls).toHaveLength(1);
  });
});

describe('a deletion', () => {
  it('shows the session as stopping until it is gone', async () => {
    cluster.put(ours('mine', user));
    const call = (await replica()).as(user);
    cluster.isMute = true;
    const { status } = await call('DELETE', '/servers/mine');
    expect(status).toBe(204);
    const [deletion] = cluster.calls.filter(({ method }) => method === 'DELETE');
    expect(deletion?.body).toMatchObject({
      propagationPolicy: 'Foreground',
      preconditions: { uid: expect.any(String) },
    });
    expect(deletion?.body).not.toHaveProperty('gracePeriodSeconds');
    expect((await call('GET', '/servers')).body.servers['mine']?.status.state).toBe('stopping');
    expect((await call('GET', '/servers/mine')).body.status).not.toHaveProperty('message');
    cluster.isMute = false;
    cluster.finish('mine');
    await expect.poll(async () => (await call('GET', '/servers/mine')).status).toBe(404);
    expect((await call('GET', '/servers')).body.servers).toEqual({});
    expect((await call('DELETE', '/servers/mine')).status).toBe(404);
  });

  it('kills the pod, too, if it is forced', async () => {
    cluster.put(ours('mine', user));
    expect((await (await replica()).as(user)('DELETE', '/servers/mine?forced=true')).status).toBe(204);
    const deletions = cluster.calls.filter(({ method }) => method === 'DELETE');
    expect(deletions.map(({ resource, name, body }) => [resource, name, body['gracePeriodSeconds']])).toEqual([
      ['jupyterservers', 'mine', 0],
      ['pods', 'mine-0', 1],
    ]);
  });

  it.each([
    { status: 503, reason: 'ServiceUnavailable' },
    { status: 403, reason: 'Forbidden' },
  ])('leads to 500 with code 3001 if the cluster responds with $status', async (fault) => {
    cluster.put(ours('mine', user));
    const call = (await replica({ deadlineMs: 2_000 })).as(user);
    cluster.fault = ({ method }) => (method === 'DELETE' ? fault : undefined);
    const { status, body } = await call('DELETE', '/servers/mine');
    expect([status, body.error.code]).toEqual([500, 3001]);
  });
});

describe('logs', () => {
  const running = (): JupyterServer => {
    const server = ours('mine', user);
    return {
      ...server,
      status: {
        containerStates: {
          init: { 'download-image': 'ready', 'git-clone': 'ready' },
          regular: { 'oauth2-proxy': 'ready', 'jupyter-server': 'ready' },
        },
      },
    };
  };
  const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index}\n`).join('');

  it('have the lines of each container that has a log, init containers first', async () => {
    cluster.put(running());
    cluster.podLogs.set('mine-0/jupyter-server', lines(300));
    cluster.podLogs.set('mine-0/git-clone', 'cloned\n');
    cluster.podLogs.set('mine-0/download-image', '');
    const call = (await replica()).as(user);
    const { body } = await call('GET', '/logs/mine');
    expect(Object.keys(body)).toEqual(['git-clone', 'jupyter-server']);
    expect(body).toHaveProperty('jupyter-server', lines(300).split('\n').slice(-251).join('\n'));
    const calls = cluster.calls.filter(({ resource }) => resource === 'log');
    expect(calls.map(({ query }) => query.get('timestamps'))).toEqual(Array(4).fill('true'));
    expect(await call('GET', '/logs/mine?max_lines=1')).toMatchObject({ body: { 'jupyter-server': 'line 299\n' } });
    expect((await call('GET', '/logs/mine?max_lines=0')).body).toEqual({});
    expect((await call('GET', '/logs/mine?max_lines=-1')).status).toBe(422);
  });

  it('have the other containers if one container cannot be read', async () => {
    cluster.put(running());
    cluster.podLogs.set('mine-0/jupyter-server', 'hello\n');
    cluster.fault = ({ query }) =>
      ({ 'git-clone': { status: 500, reason: 'InternalError' }, 'oauth2-proxy': 'silence' as const })[
        query.get('container') ?? ''
      ];
    const { status, body } = await (await replica({ deadlineMs: 2_000 })).as(user)('GET', '/logs/mine');
    expect(status).toBe(200);
    expect(body).toEqual({
      'git-clone': expect.stringContaining('cannot be read'),
      'oauth2-proxy': expect.stringContaining('cannot be read'),
      'jupyter-server': 'hello\n',
    });
  });

  it('lead to 500 with code 3000 if no container can be read', async () => {
    cluster.put(running());
    cluster.fault = () => ({ status: 500, reason: 'InternalError' });
    const { status, body } = await (await replica()).as(user)('GET', '/logs/mine');
    expect([status, body.error.code]).toEqual([500, 3000]);
  });

  it('end with the newest line if they are longer than the limit', async () => {
    cluster.put(running());
    const long = Array.from({ length: 9_000 }, (_, index) => `${index} ${'x'.repeat(1000)}\n`).join('');
    cluster.podLogs.set('mine-0/jupyter-server', long);
    const { body } = await (await replica()).as(user)('GET', '/logs/mine?max_lines=100000');
    const text = String((body as unknown as Record<string, string>)['jupyter-server']);
    expect(text.length).toBeLessThan(2 ** 21);
    expect(text.endsWith(long.slice(-1000))).toBe(true);
  });
});
