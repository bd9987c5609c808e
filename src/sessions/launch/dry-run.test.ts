import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { anonymous, john } from '../../../tests/support/sessions/service.ts';
import type { DryRunResponse, LaunchProblem } from '../../generated/openapi.ts';

let backends: Backends;
let { cluster, gitlab, registry, replica } = {} as Backends;

beforeEach(async () => {
  backends = await startBackends();
  ({ cluster, gitlab, registry, replica } = backends);
});
afterEach(() => backends.close());

const project = { namespace: 'my-group', project: 'my-project', branch: 'master', commit_sha: commitSha };

type Call = Awaited<ReturnType<typeof asJohn>>;
const asJohn = async (options = {}) => (await replica(options)).as(john(gitlab.url));

async function dryRun(call: Call, body: object, query = 'dry_run=true'): Promise<DryRunResponse> {
  const response = await call('POST', `/servers?${query}`, body);
  expect(response.status).toBe(200);
  return response.body as unknown as DryRunResponse;
}
const codes = (problems: readonly LaunchProblem[]) => problems.map(({ code }) => code);
const writes = () => cluster.calls.filter(({ method }) => method !== 'GET');

describe('a dry run', () => {
  it('shows what a launch would create, and creates nothing', async () => {
    const call = await asJohn();
    const body = {
      ...project,
      commit_sha: 'v1.0',
      resource_class_id: 2,
      storage: 20,
      default_url: '/rstudio',
      environment_variables: { KEY: 'my-own-password' },
    };
    const result = await dryRun(call, body);
    expect(result).toEqual({
      dryRun: true,
      exists: false,
      possible: true,
      preview: {
        name: expect.stringMatching(/^john-doe-my-project-/),
        project: 'My-Group/My-Project',
        branch: 'master',
        commit_sha: commitSha,
        image: `${registry.host}/my-group/my-project:${commitSha.slice(0, 7)}`,
        resourceClass: { id: 2, name: 'gpu' },
        resources: { cpu: 4, memory: '16G', storage: '20G', gpu: 1 },
        default_url: '/rstudio',
        lfs_auto_fetch: false,
        environment_variables: ['KEY'],
        cloudstorage: [],
        warnings: [],
      },
      problems: [],
    });
    expect(JSON.stringify(result)).not.toContain('my-own-password');
    expect(writes()).toEqual([]);
    expect((await call('GET', '/servers')).body.servers).toEqual({});

    const launched = await call('POST', '/servers', body);
    expect([launched.status, launched.body.name, launched.body.image]).toEqual([
      201,
      result.preview?.name,
      result.preview?.image,
    ]);
    expect(launched.body.resources?.requests).toEqual(result.preview?.resources);
  });

  it('shows that the launch would use the default image', async () => {
    registry.fault = () => 404;
    const { possible, preview } = await dryRun(await asJohn(), project);
    expect(possible).toBe(true);
    expect(preview?.image).toBe('renku/singleuser:latest');
    expect(preview?.warnings).toEqual([expect.stringContaining('default image renku/singleuser:latest')]);
  });

  it('reports everything that is missing or invalid, with the errors of the launch', async () => {
    registry.fault = () => 404;
    const call = await asJohn();
    const body = {
      ...project,
      branch: 'mian',
      image: `${registry.host}/a/b:1`,
      resource_class_id: 99,
      environment_variables: { CI_COMMIT_SHA: 'x' },
    };
    const { possible, preview, problems } = await dryRun(call, body);
    expect(possible).toBe(false);
    expect(codes(problems)).toEqual([1005, 1404, 1004]);
    expect(problems.flatMap(({ fields }) => fields.map(({ path }) => path))).toEqual([
      'body.resource_class_id',
      'body.branch',
      'body.image',
      'body.environment_variables.CI_COMMIT_SHA',
    ]);
    expect(preview).toMatchObject({ commit_sha: commitSha, image: null, resourceClass: null, resources: null });
    const refused = await call('POST', '/servers', body);
    expect([refused.status, refused.body.error.code]).toEqual([problems[0]?.status, problems[0]?.code]);
    expect(writes()).toEqual([]);
  });

  it('reports each unavailable server once, with the time for a second attempt', async () => {
    gitlab.fault = () => 503;
    registry.fault = () => 503;
    cluster.fault = () => ({ status: 503, reason: 'ServiceUnavailable' });
    const { possible, problems } = await dryRun(await asJohn(), { ...project, image: `${registry.host}/a/b` });
    expect(possible).toBe(false);
    expect(problems.map(({ code, status, retryAfterSeconds }) => [code, status, retryAfterSeconds])).toEqual([
      [3000, 500, 5],
      [3000, 500, 5],
      [3000, 500, 5],
    ]);
    const all = problems.map(({ message, detail }) => `${message} ${detail}`).join(' ');
    for (const culprit of ['Kubernetes', 'GitLab', registry.host]) expect(all).toContain(culprit);
  });

  it('of an existing session returns this session and makes no other check', async () => {
    const call = await asJohn();
    const { body } = await call('POST', '/servers', project);
    const before = gitlab.paths.length;
    const result = await dryRun(call, { ...project, resource_class_id: 99 });
    expect(result).toMatchObject({ exists: true, possible: true, problems: [], server: { name: body.name } });
    expect(result.preview).toBeUndefined();
    expect(gitlab.paths.length).toBe(before);
    // Another replica, whose cache is empty, also finds it.
    const other = (await replica({ withoutCache: true })).as(john(gitlab.url));
    expect((await dryRun(other, project)).server?.name).toBe(body.name);
  });

  it('of a session that is being deleted does not wait, and says that the launch would wait', async () => {
    const call = await asJohn();
    const { body } = await call('POST', '/servers', project);
    await call('DELETE', `/servers/${body.name}`);
    const result = await dryRun(call, project);
    expect(result).toMatchObject({ exists: false, possible: true });
    expect(result.preview?.warnings).toEqual([expect.stringContaining('being deleted')]);
  });

  it('shows no link to a session that does not exist, and never a session of another user', async () => {
    const service = await replica();
    const { preview } = await dryRun(service.as(anonymous(gitlab.url)), project);
    expect(JSON.stringify(preview)).not.toContain('token');
    const theirs = await service.as(anonymous(gitlab.url))('POST', '/servers', project);
    const mine = await dryRun(service.as(anonymous(gitlab.url, 'anon-other')), project);
    expect([mine.exists, mine.preview?.name === theirs.body.name]).toEqual([false, false]);
  });

  it('is requested by every spelling of true only, and has the body of a launch', async () => {
    const call = await asJohn();
    expect((await dryRun(call, project, 'dry_run=True')).dryRun).toBe(true);
    const wrong = await call('POST', '/servers?dry_run=maybe', project);
    expect([wrong.status, wrong.body.error.fields?.[0]?.path]).toEqual([422, 'query.dry_run']);
    const badUrl = await call('POST', '/servers?dry_run=true', { ...project, default_url: '//evil.example' });
    expect([badUrl.status, badUrl.body.error.code]).toEqual([422, 1422]);
    expect((await call('POST', '/servers?dry_run=false', project)).status).toBe(201);
  });
});
