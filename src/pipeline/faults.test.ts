import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../../tests/support/app.ts';
import { seen, testRoutes } from '../../tests/support/routes.ts';
import { DeadlineExceeded } from '../lib/deadline.ts';
import { GitLabUnauthorized, GitLabUnavailable } from '../platform/gitlab/types.ts';
import { errorOfResponse } from '../platform/kubernetes/failures.ts';
import { KubernetesError, KubernetesUnavailable } from '../platform/kubernetes/types.ts';
import { kubernetesTrouble } from '../sessions/kubernetes-trouble.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ routes: [testRoutes()], env: { NB_REQUEST__DEADLINE_MS: '300' } });
});
afterAll(() => app[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}) => app.send({ path: `/notebooks${path}`, headers });

describe('trouble', () => {
  const cases: [string, unknown, number, number, string][] = [
    ['GitLab down', new GitLabUnavailable('https://10.1.2.3 refused', { retryAfterSeconds: 7 }), 500, 3000, 'GitLab'],
    ['GitLab refusing the token', new GitLabUnauthorized('glpat-abcdefghijklmnopqrst'), 401, 1401, 'GitLab'],
    ['the API server down', new KubernetesUnavailable('get js 10.0.0.1 ECONNREFUSED'), 500, 3000, 'Kubernetes'],
    ['the API server busy', new KubernetesError(429, 'TooManyRequests', 'inside', 3), 500, 3000, 'Kubernetes'],
    ['missing rights', new KubernetesError(403, 'Forbidden', 'system:serviceaccount:inside'), 500, 2001, 'Kubernetes'],
    ['a missing resource definition', new KubernetesError(404, 'NoSuchApi', 'inside'), 500, 2001, 'Kubernetes'],
    ['a deadline', new DeadlineExceeded('asking the registry', 10_000), 500, 3004, 'Asking the registry'],
    [
      'a fetch that timed out',
      Object.assign(new Error('inside'), { name: 'TimeoutError' }),
      500,
      3004,
      'did not finish in time',
    ],
    ['a bug', new Error('password=hunter2 at 10.0.0.1'), 500, 2000, 'unexpected'],
    ['something thrown that is no error', 'inside', 500, 2000, 'unexpected'],
  ];

  it.each(cases)('%s is told without the inside', async (_what, error, status, code, culprit) => {
    seen.fault = error;
    const response = await get('/logs/fault');
    expect(response.status).toBe(status);
    expect(response.error().code).toBe(code);
    expect(response.error().message).toContain(culprit);
    expect(response.text).not.toMatch(/inside|10\.\d|hunter2|glpat|ECONN|serviceaccount|stack|\.ts/);
  });

  it.each([
    { status: 507, reason: 'InsufficientStorage', message: 'the disk of this machine is full' },
    { status: 500, message: 'etcdserver: mvcc: database space exceeded' },
    { status: 500, message: 'etcdserver: no space' },
  ])('a full disk of the API server is named, the local one’s and etcd’s', async ({ status, ...said }) => {
    const body = JSON.stringify({ kind: 'Status', status: 'Failure', code: status, ...said });
    const error = errorOfResponse('create jupyterservers', status, undefined, body);
    seen.fault = error;
    const response = await get('/logs/fault');
    expect(response.status).toBe(500);
    expect(response.error()).toMatchObject({ code: 3000, message: 'The disk that holds the sessions is full.' });
    const launch = kubernetesTrouble(error, 'The session could not be made.');
    expect(launch).toMatchObject({ detail: expect.stringContaining('The disk that holds the sessions is full.') });
  });

  it('says when to try again', async () => {
    seen.fault = new GitLabUnavailable('x', { retryAfterSeconds: 6.2 });
    expect((await get('/logs/fault')).headers['retry-after']).toBe('7');
  });

  it('that is a bug is in the log with its stack, its cause and the id of the response', async () => {
    seen.fault = new Error('the outer one', {
      cause: Object.assign(new Error('Bearer abcdefghijkl0123'), { request: { headers: 'secret-header' } }),
    });
    const { requestId } = (await get('/logs/fault')).error();
    const line =
      app
        .log()
        .split('\n')
        .find((each) => each.includes(requestId) && each.includes('the outer one')) ?? '';
    const logged = JSON.parse(line) as { level: number; err: { stack: string; cause: { message: string } } };
    expect(logged.level).toBe(50);
    expect(logged.err.stack).toContain('faults.test.ts');
    expect(logged.err.cause.message).toBe('Bearer [removed]');
    expect(line).not.toContain('secret-header');
  });

  it('in the middle of an response ends the connection', async () => {
    await expect(app.send({ path: '/notebooks/logs/half' })).rejects.toThrow();
  });

  it('with the time is told even if a handler does not look at it', async () => {
    const since = performance.now();
    const responses = await Promise.all([get('/logs/slow'), get('/logs/deaf')]);
    expect(responses.map((response) => [response.status, response.error().code])).toEqual([
      [500, 3004],
      [500, 3004],
    ]);
    expect(responses[0]?.error().message).toBe('Waiting for nothing did not finish in time.');
    expect(performance.now() - since).toBeLessThan(5_000);
  });

  it('an response that is not as documented fails in tests', async () => {
    expect((await get('/servers/wrong')).error().code).toBe(2000);
  });
});
