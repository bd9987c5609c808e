import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../tests/support/sessions/backends.ts';
import type { FakeResponse } from '../tests/support/sessions/fake-gitlab.ts';
import { commitSha, johnsAutosave } from '../tests/support/sessions/fake-gitlab.ts';
import { startWholeService, type WholeService } from '../tests/support/whole-service.ts';

/** Every route that calls GitLab passes on what GitLab says of the account of the caller. */

let backends: Backends;
let service: WholeService;
const start = () => {
  const { gitlab, registry, cluster } = backends;
  const config = { git: { url: gitlab.url, registry: registry.host } };
  return startWholeService({ kubeconfig: cluster.kubeconfig, config, validateResponses: true });
};

beforeAll(async () => {
  backends = await startBackends();
  service = await start();
});
afterEach(() => {
  backends.gitlab.fault = () => undefined;
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await backends.close();
});

const launch = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
const routes: [string, () => ReturnType<WholeService['request']>][] = [
  ['a launch', () => service.request('POST', '/servers', launch)],
  ['the list of projects', () => service.request('GET', '/projects')],
  ['the list of autosaves', () => service.request('GET', '/my-group/my-project/autosave')],
  ['the deletion of an autosave', () => service.request('DELETE', `/my-group/my-project/autosave/${johnsAutosave}`)],
];

const terms = '403 Forbidden - You (@john.doe) must accept the Terms of Service in order to perform this action.';
const answers: [what: string, answer: FakeResponse, status: number, code: number, says: RegExp][] = [
  [
    '403, terms not accepted',
    { status: 403, body: { message: terms } },
    403,
    1403,
    /"You \(@john\.doe\) must accept the Terms/,
  ],
  [
    '403, blocked',
    { status: 403, body: { message: '403 Forbidden - Your account has been blocked.' } },
    403,
    1403,
    /"Your account has been blocked\."/,
  ],
  ['451', { status: 451, body: '<html>' }, 403, 1403, /unavailable for legal reasons/],
  [
    '403, scope',
    {
      status: 403,
      body: { error: 'insufficient_scope', error_description: 'The request requires higher privileges.' },
    },
    401,
    1401,
    /"The request requires higher privileges\."/,
  ],
  [
    '401, revoked',
    {
      status: 401,
      body: { error: 'invalid_token', error_description: 'Token was revoked: the-gitlab-token <b>\u0007' },
    },
    401,
    1401,
    /"Token was revoked: \[removed\]"/,
  ],
  [
    '500',
    { status: 500, body: { message: 'GitLab Maintenance: the system is undergoing maintenance.' } },
    500,
    3000,
    /"GitLab Maintenance: the system is/,
  ],
];

describe.each(answers)('GitLab’s %s', (_what, answer, status, code, says) => {
  it.each(routes)('is passed on by %s', async (_route, call) => {
    backends.gitlab.fault = () => answer;
    const told = await call();
    expect([told.status, told.error().code], told.text).toEqual([status, code]);
    expect(told.error().message).toContain('GitLab');
    expect(told.error().detail).toMatch(says);
    expect(told.text).not.toMatch(/the-gitlab-token|<b>|\\u0007/);
  });

  it('is passed on by the launch page', async () => {
    backends.gitlab.fault = () => answer;
    const page = await service.request('GET', '/launch/my-group/my-project', undefined, { accept: 'text/html' });
    expect([page.status, page.headers['content-type']]).toEqual([status, expect.stringContaining('text/html')]);
    expect(page.text.replaceAll('&quot;', '"').replaceAll('&#34;', '"')).toMatch(says);
    expect(page.text).not.toContain('the-gitlab-token');
  });

  it('is one of the errors of a dry run', async () => {
    backends.gitlab.fault = () => answer;
    const told = await service.request('POST', '/servers?dry_run=true', launch);
    expect(told.status).toBe(200);
    const { possible, problems } = told.json() as { possible: boolean; problems: { code: number; detail: string }[] };
    expect(possible).toBe(false);
    expect(problems.map((problem) => problem.code)).toEqual([code]);
    expect(problems[0]?.detail).toMatch(says);
  });
});

describe('a temporary failure of GitLab', () => {
  it.each([503, 429])('has the reason and the time after which to try again: %d', async (status) => {
    await using other = await start();
    backends.gitlab.fault = () => ({ status, body: { message: 'GitLab is in read-only mode until noon.' } });
    const told = await other.request('GET', '/projects');
    expect([told.status, told.error().code]).toEqual([500, 3000]);
    expect(told.error().detail).toMatch(/^GitLab says: "GitLab is in read-only mode until noon\."/);
    expect(Number(told.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('is not what a 403 without a reason means: something does not exist for the caller', async () => {
    backends.gitlab.fault = () => ({ status: 403, body: { message: '403 Forbidden' } });
    expect((await service.request('POST', '/servers', launch)).error().code).toBe(1404);
    expect((await service.request('GET', '/my-group/my-project/autosave')).error().code).toBe(1404);
  });
});
