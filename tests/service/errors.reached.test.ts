import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/types.ts';
import { type ErrorBody, type ErrorKind, errorKind } from '../../src/errors.ts';
import { send, type TestResponse } from '../support/app.ts';
import { startAgentSession } from '../support/session-agent/agent-session.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { testConfig } from '../support/sessions/config.ts';
import { commitSha, johnsAutosave } from '../support/sessions/fake-gitlab.ts';
import { startWholeService, type WholeService, type WholeServiceOptions } from '../support/whole-service.ts';

const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };

let backends: Backends;
let usual: WholeService;
/** A service with a short deadline for each request. */
let hasty: WholeService;
const running: WholeService[] = [];

/** Starts a service. @param wrap replaces the connection to the cluster. */
async function start(changes: Partial<Config> = {}, wrap?: WholeServiceOptions['wrap']): Promise<WholeService> {
  const { cluster, gitlab, registry } = backends;
  const started = await startWholeService({
    kubeconfig: cluster.kubeconfig,
    config: { git: { url: gitlab.url, registry: registry.host }, ...changes },
    ...(wrap ? { wrap } : {}),
  });
  running.push(started);
  return started;
}

const requestConfig = (changes: Partial<Config['request']>): Pick<Config, 'request'> => ({
  request: { ...testConfig().request, ...changes },
});

beforeAll(async () => {
  backends = await startBackends();
  usual = await start();
  hasty = await start(requestConfig({ deadline_ms: 1_500 }));
});
afterAll(async () => {
  for (const each of running) await each[Symbol.asyncDispose]();
  await backends.close();
});

const launch = (body: object = {}, at: WholeService = usual) => at.request('POST', '/servers', { ...project, ...body });

/** Calls `send` while GitLab does not answer. */
async function withSilentGitLab<T>(send: () => Promise<T>): Promise<T> {
  backends.gitlab.fault = () => 'silence';
  try {
    return await send();
  } finally {
    backends.gitlab.fault = () => undefined;
  }
}

async function withClusterThat(
  fault: Backends['cluster']['fault'],
  send: () => Promise<TestResponse>,
): Promise<TestResponse> {
  backends.cluster.fault = fault;
  try {
    return await send();
  } finally {
    backends.cluster.fault = () => undefined;
  }
}

async function launched(at: WholeService, body: object): Promise<string> {
  const response = await launch(body, at);
  expect(response.status, response.text).toBe(201);
  return String(response.json()['name']);
}

/** Returns the response to a request whose body never ends. */
async function halfRequest({ service, port }: WholeService): Promise<TestResponse> {
  service.server.headersTimeout = 100;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /notebooks/version HTTP/1.1\r\nHost: a\r\n');
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const json = () => JSON.parse(body) as Record<string, unknown>;
  const error = () => json()['error'] as ReturnType<TestResponse['error']>;
  return { status: Number(head.split(' ')[1]), headers: {}, text: body, json, error };
}

/** For each error of the table a request that causes the error; the compiler checks that none is missing. */
const attempts: Record<keyof typeof errorKind, () => Promise<TestResponse>> = {
  invalidInput: () => launch({ storage: 0 }),
  invalidStorageAddress: async () => {
    const { cloud_storage } = testConfig();
    const azure_blob = { ...cloud_storage.azure_blob, enabled: true };
    const at = await start({ cloud_storage: { ...cloud_storage, azure_blob } });
    const cloudstorage = [{ endpoint: 'https://blob.example.org', bucket: 'data', secret_key: 'a-key' }];
    return launch({ cloudstorage }, at);
  },
  invalidImageReference: () => launch({ image: ':::?-+^' }),
  reservedVariable: () => launch({ environment_variables: { CI_COMMIT_SHA: 'x' } }),
  invalidResources: () => launch({ resource_class_id: 99 }),
  badRequest: () => usual.request('POST', '/servers', '{'),
  unauthenticated: () => usual.request('GET', '/servers', undefined, { 'renku-auth-git-credentials': 'nonsense' }),
  forbidden: () => usual.request('POST', '/servers', project, { origin: 'https://evil.example' }),
  missing: () => launch({ branch: 'mian' }),
  methodNotAllowed: () => usual.request('PUT', '/servers', {}),
  notAcceptable: () => usual.request('GET', '/servers', undefined, { accept: 'image/png' }),
  conflict: async () => usual.request('POST', `/servers/${await launched(usual, { branch: johnsAutosave })}/restart`),
  bodyTooLarge: () => launch({ default_url: `/${'x'.repeat(1_100_000)}` }),
  unsupportedMediaType: () => usual.request('POST', '/servers', 'a=b', { 'content-type': 'text/plain' }),
  misdirected: async () =>
    (await start(requestConfig({ allowed_hosts: ['api.example.org'] }))).request('GET', '/servers'),
  validation: () => usual.request('POST', '/servers', { namespace: 5 }),
  tooManyRequests: () =>
    withSilentGitLab(async () => {
      // All requests arrive before the deadline of the first one.
      const at = await start(requestConfig({ deadline_ms: 6_000 }));
      const all = await Promise.all(Array.from({ length: 25 }, (_, index) => launch({ branch: `b${index}` }, at)));
      const rejected = all.find(({ status }) => status === 429);
      if (!rejected) throw new Error('25 launches of one user at the same time were all accepted');
      return rejected;
    }),
  noSpace: async () => {
    await using session = await startAgentSession();
    session.agent.fault = { status: 507, reason: 'disk-full', message: 'The volume has no more space.' };
    const path = `/servers/${session.name}/kernels/kernel-1/snapshots`;
    const { status, body } = await session.call('POST', path);
    const json = () => ({ ...body });
    return { status, headers: {}, text: JSON.stringify(body), json, error: () => body.error };
  },
  tooManySessions: async () => {
    const limits = { ...testConfig().limits, sessions_per_user: { registered: 1, anonymous: null } };
    const at = await start({ limits });
    for (const [ref, id] of ['a', 'b'].entries()) backends.gitlab.refs.set(`limited-${ref}`, id.repeat(40));
    await launch({ commit_sha: 'limited-0' }, at);
    return launch({ commit_sha: 'limited-1' }, at);
  },
  headersTooLarge: () => usual.request('GET', '/servers', undefined, { 'x-large': 'x'.repeat(70_000) }),
  bug: async () => {
    const broken = await start({}, (client) => ({
      ...client,
      get: () => Promise.reject(new RangeError('a bug')),
    }));
    return broken.request('GET', '/servers/some-session');
  },
  misconfigured: async () => launch({}, await start({ resource_pools: [] })),
  intermittent: async () => {
    backends.gitlab.fault = () => 503;
    try {
      return await launch();
    } finally {
      backends.gitlab.fault = () => undefined;
    }
  },
  cannotDelete: async () => {
    const name = await launched(usual, { branch: 'feature/x' });
    const reject = ({ method }: { method: string }) =>
      method === 'DELETE' ? { status: 503, reason: 'ServiceUnavailable' } : undefined;
    return withClusterThat(reject, () => usual.request('DELETE', `/servers/${name}`));
  },
  cannotStart: () =>
    withClusterThat(
      ({ method, resource }) =>
        method === 'POST' && resource === 'jupyterservers' ? { status: 422, reason: 'Invalid' } : undefined,
      () => launch(),
    ),
  timedOut: () => withSilentGitLab(() => launch({}, hasty)),
  cannotChange: async () => {
    backends.gitlab.refs.set('changed', 'c'.repeat(40));
    const name = await launched(usual, { commit_sha: 'changed' });
    const reject = ({ method }: { method: string }) =>
      method === 'PATCH' ? { status: 503, reason: 'ServiceUnavailable' } : undefined;
    return withClusterThat(reject, () => usual.request('PATCH', `/servers/${name}`, { state: 'hibernated' }));
  },
  noVolumes: async () => {
    const { sessions } = testConfig();
    const at = await start({ sessions: { ...sessions, storage: { ...sessions.storage, pvs_enabled: false } } });
    return at.request('PATCH', '/servers/some-session', { state: 'hibernated' });
  },
  anonymousHibernation: () =>
    send(usual.port, {
      method: 'PATCH',
      path: '/notebooks/servers/some-session',
      headers: { 'content-type': 'application/json', 'renku-auth-anon-id': 'anon-someone' },
      body: JSON.stringify({ state: 'running' }),
    }),
  requestTimeout: () => halfRequest(hasty),
  beingDeleted: async () => {
    const name = await launched(usual, { commit_sha: 'v1.0' });
    await usual.request('DELETE', `/servers/${name}`);
    return launch({ commit_sha: 'v1.0' }, hasty);
  },
};

describe('every error of the table', () => {
  it.each(Object.keys(attempts) as (keyof typeof errorKind)[])('%s is reached by a request', async (name) => {
    const kind: ErrorKind = errorKind[name];
    const response = await attempts[name]();
    expect([response.status, response.error().code], response.text).toEqual([kind.status, kind.code]);
    const { message, detail, requestId, fields } = (response.json() as unknown as ErrorBody).error;
    expect(message).toMatch(/^[A-Z0-9].*\.$/);
    expect(detail, 'what to do').toMatch(/\S/);
    expect(requestId).toMatch(/^[-\w.]{8,64}$/);
    for (const { path } of fields ?? []) expect(path).toMatch(/^(body|query|path|header|cookie)\b/);
    // If the request can be repeated, the response says after which time.
    expect(Number(response.headers['retry-after'] ?? 0) > 0).toBe(kind.retryAfterSeconds !== null);
  });

  it('has the code and the status of 1.18.1, or a new code', () => {
    const kinds: ErrorKind[] = Object.values(errorKind);
    const known: Record<number, number[]> = {
      400: [1400],
      401: [1401],
      403: [1403],
      404: [1404],
      405: [1405],
      406: [1406],
      408: [3408],
      409: [1409, 3409],
      413: [1413],
      415: [1415],
      421: [1421],
      422: [1000, 1002, 1003, 1004, 1005, 1422, 3007],
      429: [1429, 1430],
      431: [1431],
      500: [2000, 2001, 3000, 3001, 3002, 3004, 3005, 3006],
      507: [3507],
    };
    const found = Object.groupBy(kinds, ({ status }) => status);
    const codes = Object.entries(found).map(([status, of = []]) => [status, of.map(({ code }) => code).sort()]);
    expect(Object.fromEntries(codes)).toEqual(known);
  });

  it('has a unique code in the range of the party that caused it', () => {
    const kinds: ErrorKind[] = Object.values(errorKind);
    expect(new Set(kinds.map(({ code }) => code)).size).toBe(kinds.length);
    for (const { code, status } of kinds) {
      expect(status < 500, String(code)).toBe(code < 2000 || [3007, 3408, 3409].includes(code));
    }
  });
});

it('a dry run without a user sets no cookie', async () => {
  const url = `http://127.0.0.1:${usual.port}/notebooks/servers`;
  const post = (query: string) =>
    fetch(url + query, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(project),
    });
  const dry = await post('?dry_run=true');
  expect([dry.status, dry.headers.get('set-cookie')]).toEqual([200, null]);
  expect((await post('')).headers.get('set-cookie')).toContain('notebook-sessions-anonymous=');
});
