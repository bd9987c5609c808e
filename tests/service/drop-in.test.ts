import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../support/app.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { startWholeService, type WholeService } from '../support/whole-service.ts';

/**
 * Unusual requests that clients of renku-notebooks 1.18.1 can send: the responses are those of 1.18.1, or
 * docs/differences.md lists the difference.
 */
let backends: Backends;
let service: WholeService;

beforeAll(async () => {
  backends = await startBackends();
  const { cluster, gitlab, registry } = backends;
  service = await startWholeService({
    kubeconfig: cluster.kubeconfig,
    config: { git: { url: gitlab.url, registry: registry.host } },
    validateResponses: true,
  });
});
beforeEach(() => {
  backends.cluster.fault = () => undefined;
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await backends.close();
});

const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
const launch = (body: object = {}, headers: Record<string, string> = {}) =>
  service.request('POST', '/servers', { ...project, ...body }, headers);
const outcome = ({ status, error }: Awaited<ReturnType<typeof launch>>) => [status, error().code];

describe('unusual requests with the responses of 1.18.1', () => {
  it('uses the first value of a repeated parameter, and finds nothing for an empty filter', async () => {
    const launched = await launch();
    expect([200, 201]).toContain(launched.status);
    const name = String(launched.json()['name']);
    const found = async (query: string) => {
      const response = await service.request('GET', `/servers?${query}`);
      return Object.keys(response.json()['servers'] as object);
    };
    expect(await found('project=my-project&project=other')).toEqual([name]);
    expect(await found('project=other&project=my-project')).toEqual([]);
    for (const filter of ['project', 'namespace', 'branch', 'commit_sha']) {
      expect(await found(`${filter}=`), filter).toEqual([]);
      expect(await found(`${filter}=a%0Ab`), filter).toEqual([]);
      expect(await found(`${filter}=${'x'.repeat(2000)}`), filter).toEqual([]);
    }
    expect(await found('')).toEqual([name]);
  });

  it('truncates a number with a fraction in a body, and rejects such a number as text', async () => {
    const launched = await launch({ branch: 'feature/x', storage: 2.7, resource_class_id: 1.9 });
    expect(launched.status, launched.text).toBe(201);
    expect(launched.json()).toMatchObject({ resources: { requests: { storage: '2G' } } });
    for (const storage of ['2.7', '2.0', true])
      expect(outcome(await launch({ storage })), String(storage)).toEqual([422, 1422]);
  });

  it('rejects an image without a name', async () => {
    expect(outcome(await service.request('GET', '/images?image_url='))).toEqual([422, 1002]);
    expect(outcome(await service.request('GET', '/images'))).toEqual([422, 1422]);
  });

  it('responds with 3002 if Kubernetes fails to create the session', async () => {
    backends.gitlab.refs.set('another', 'a'.repeat(40));
    for (const status of [500, 503, 429]) {
      backends.cluster.fault = ({ method, resource }) =>
        method === 'POST' && resource === 'jupyterservers' ? { status, reason: 'InternalError' } : undefined;
      expect(outcome(await launch({ commit_sha: 'another' })), String(status)).toEqual([500, 3002]);
    }
  });

  it.each([
    ['300 letters', 'x'.repeat(300)],
    ['20,000 letters', 'x'.repeat(20_000)],
    ['a line break', 'a%0Ab'],
    ['capitals', 'A-B'],
    ['NUL', '%00'],
    ['a path', '..%2f..%2fpods'],
  ])(
    'responds with 404 without a call to Kubernetes for a session name that is impossible: %s',
    async (_what, name) => {
      const calls = backends.cluster.calls.length;
      expect(outcome(await service.request('GET', `/servers/${name}`))).toEqual([404, 1404]);
      expect(outcome(await service.request('DELETE', `/servers/${name}`))).toEqual([404, 1404]);
      expect(outcome(await service.request('GET', `/logs/${name}`))).toEqual([404, 1404]);
      expect(backends.cluster.calls).toHaveLength(calls);
    },
  );

  it('responds with 404 for an invalid percent sign in a path, and takes it literally in a query', async () => {
    for (const path of ['/servers/%zz', '/servers/%ff', '/%']) {
      expect(outcome(await service.request('GET', path)), path).toEqual([404, 1404]);
    }
    for (const query of ['project=%', 'project=%zz&unknown=%ff', '%=%']) {
      expect((await service.request('GET', `/servers?${query}`)).status, query).toBe(200);
    }
  });

  it('ignores the charset of a JSON content type', async () => {
    for (const charset of ['latin1', 'utf-16', 'no-such', '"']) {
      const response = await launch({}, { 'content-type': `application/json; charset=${charset}` });
      expect([200, 201], charset).toContain(response.status);
    }
    const broken = await send(service.port, {
      method: 'POST',
      path: '/notebooks/servers',
      headers: { 'content-type': 'application/json; charset=latin1' },
      body: Buffer.from('{"project": "\xe9"}', 'latin1'),
    });
    expect([400, 401]).toContain(broken.status);
  });

  it.each(['2.0', '1e2', '0x10', '', 'many', '-1'])('rejects max_lines=%s', async (lines) => {
    expect(outcome(await service.request('GET', `/logs/some-session?max_lines=${lines}`))).toEqual([422, 1422]);
  });

  it('responds with 404 for an autosave or a project with a line break at the end of the name', async () => {
    const name = 'renku/autosave/john.doe/main/0123456/abcdef0';
    for (const path of [
      `/my-group%2Fmy-project/autosave/${encodeURIComponent(name)}%0A`,
      `/my-group%2Fmy-project%0A/autosave/x`,
    ]) {
      expect(outcome(await service.request('DELETE', path)), path).toEqual([404, 1404]);
    }
    expect(outcome(await service.request('GET', '/my-group%2Fmy-project%0A/autosave'))).toEqual([404, 1404]);
  });

  it('responds with 405 for other methods than GET, HEAD and OPTIONS of the health addresses', async () => {
    for (const path of ['/health', '/ready']) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const response = await send(service.port, { method, path });
        expect([response.status, response.error().code, response.headers.allow], `${method} ${path}`).toEqual([
          405,
          1405,
          'GET, HEAD, OPTIONS',
        ]);
      }
      expect((await send(service.port, { method: 'HEAD', path })).status).toBe(200);
      const options = await send(service.port, { method: 'OPTIONS', path });
      expect([options.status, options.headers.allow]).toEqual([204, 'GET, HEAD, OPTIONS']);
    }
  });
});

describe('unusual requests with other responses than in 1.18.1, as docs/differences.md says', () => {
  it.each([{ branch: '' }, { branch: 'a\nb' }, { project: '' }, { namespace: '' }])(
    'responds with 422 with the path of the field for an impossible name: %j',
    async (body) => {
      const response = await launch(body);
      expect(outcome(response)).toEqual([422, 1422]);
      expect(response.error().fields?.map(({ path }) => path)).toEqual([`body.${Object.keys(body)[0]}`]);
    },
  );

  it('responds with 401 with the path of the header for git credentials without a scheme', async () => {
    const credentials = { [backends.gitlab.url]: { AuthorizationHeader: 'the-token', AccessTokenExpiresAt: null } };
    const header = Buffer.from(JSON.stringify(credentials)).toString('base64');
    const response = await service.request('GET', '/servers', undefined, { 'renku-auth-git-credentials': header });
    expect(outcome(response)).toEqual([401, 1401]);
    expect(response.error().fields?.[0]?.path).toContain('AuthorizationHeader');
  });
});
