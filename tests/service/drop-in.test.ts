import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../support/app.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { startWholeService, type WholeService } from '../support/whole-service.ts';

/**
 * Unusual requests that clients of renku-notebooks 1.18.1 can send: each is answered as 1.18.1 answered it, or has a row
 * in docs/differences.md.
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
  service.ask('POST', '/servers', { ...project, ...body }, headers);
const told = ({ status, error }: Awaited<ReturnType<typeof launch>>) => [status, error().code];

describe('requests that are answered as 1.18.1 answered them', () => {
  it('uses the first value of a repeated parameter, and finds nothing for an empty filter', async () => {
    const made = await launch();
    expect([200, 201]).toContain(made.status);
    const name = String(made.json()['name']);
    const found = async (query: string) => {
      const answer = await service.ask('GET', `/servers?${query}`);
      return Object.keys(answer.json()['servers'] as object);
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
    const made = await launch({ branch: 'feature/x', storage: 2.7, resource_class_id: 1.9 });
    expect(made.status, made.text).toBe(201);
    expect(made.json()).toMatchObject({ resources: { requests: { storage: '2G' } } });
    for (const storage of ['2.7', '2.0', true])
      expect(told(await launch({ storage })), String(storage)).toEqual([422, 1422]);
  });

  it('rejects an image without a name', async () => {
    expect(told(await service.ask('GET', '/images?image_url='))).toEqual([422, 1002]);
    expect(told(await service.ask('GET', '/images'))).toEqual([422, 1422]);
  });

  it('answers 3002 if Kubernetes fails to create the session', async () => {
    backends.gitlab.refs.set('another', 'a'.repeat(40));
    for (const status of [500, 503, 429]) {
      backends.cluster.fault = ({ method, resource }) =>
        method === 'POST' && resource === 'jupyterservers' ? { status, reason: 'InternalError' } : undefined;
      expect(told(await launch({ commit_sha: 'another' })), String(status)).toEqual([500, 3002]);
    }
  });

  it.each([
    ['300 letters', 'x'.repeat(300)],
    ['20,000 letters', 'x'.repeat(20_000)],
    ['a line break', 'a%0Ab'],
    ['capitals', 'A-B'],
    ['NUL', '%00'],
    ['a path', '..%2f..%2fpods'],
  ])('answers 404 without a call to Kubernetes for a session name that is impossible: %s', async (_what, name) => {
    const calls = backends.cluster.calls.length;
    expect(told(await service.ask('GET', `/servers/${name}`))).toEqual([404, 1404]);
    expect(told(await service.ask('DELETE', `/servers/${name}`))).toEqual([404, 1404]);
    expect(told(await service.ask('GET', `/logs/${name}`))).toEqual([404, 1404]);
    expect(backends.cluster.calls).toHaveLength(calls);
  });

  it('answers 404 for an invalid percent sign in a path, and takes it literally in a query', async () => {
    for (const path of ['/servers/%zz', '/servers/%ff', '/%']) {
      expect(told(await service.ask('GET', path)), path).toEqual([404, 1404]);
    }
    for (const query of ['project=%', 'project=%zz&unknown=%ff', '%=%']) {
      expect((await service.ask('GET', `/servers?${query}`)).status, query).toBe(200);
    }
  });

  it('ignores the charset of a JSON content type', async () => {
    for (const charset of ['latin1', 'utf-16', 'no-such', '"']) {
      const answer = await launch({}, { 'content-type': `application/json; charset=${charset}` });
      expect([200, 201], charset).toContain(answer.status);
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
    expect(told(await service.ask('GET', `/logs/some-session?max_lines=${lines}`))).toEqual([422, 1422]);
  });

  it('answers 404 for an autosave or a project with a line break at the end of the name', async () => {
    const name = 'renku/autosave/john.doe/main/0123456/abcdef0';
    for (const path of [
      `/my-group%2Fmy-project/autosave/${encodeURIComponent(name)}%0A`,
      `/my-group%2Fmy-project%0A/autosave/x`,
    ]) {
      expect(told(await service.ask('DELETE', path)), path).toEqual([404, 1404]);
    }
    expect(told(await service.ask('GET', '/my-group%2Fmy-project%0A/autosave'))).toEqual([404, 1404]);
  });

  it('answers 405 for other methods than GET, HEAD and OPTIONS of the health addresses', async () => {
    for (const path of ['/health', '/ready']) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await send(service.port, { method, path });
        expect([answer.status, answer.error().code, answer.headers.allow], `${method} ${path}`).toEqual([
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

describe('not requests that are answered as 1.18.1 answered them, by a row of docs/differences.md', () => {
  it.each([{ branch: '' }, { branch: 'a\nb' }, { project: '' }, { namespace: '' }])(
    'answers 422 with the path of the field for an impossible name: %j',
    async (body) => {
      const answer = await launch(body);
      expect(told(answer)).toEqual([422, 1422]);
      expect(answer.error().fields?.map(({ path }) => path)).toEqual([`body.${Object.keys(body)[0]}`]);
    },
  );

  it('answers 401 with the path of the header for git credentials without a scheme', async () => {
    const credentials = { [backends.gitlab.url]: { AuthorizationHeader: 'the-token', AccessTokenExpiresAt: null } };
    const header = Buffer.from(JSON.stringify(credentials)).toString('base64');
    const answer = await service.ask('GET', '/servers', undefined, { 'renku-auth-git-credentials': header });
    expect(told(answer)).toEqual([401, 1401]);
    expect(answer.error().fields?.[0]?.path).toContain('AuthorizationHeader');
  });
});
