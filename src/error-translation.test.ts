import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../tests/support/app.ts';
import { seen, testRoutes } from '../tests/support/routes.ts';
import { translateError } from './error-translation.ts';
import { errorKind } from './errors.ts';
import { Deadline, DeadlineExceeded } from './lib/deadline.ts';
import { GitLabRefused, GitLabUnauthorized, GitLabUnavailable } from './platform/gitlab/types.ts';
import { errorOfResponse } from './platform/kubernetes/failures.ts';
import { KubernetesError, KubernetesUnavailable } from './platform/kubernetes/types.ts';
import { AddressRefused, OutboundFailure } from './platform/outbound-http/types.ts';
import { ResourceClassesUnauthorized, ResourceClassesUnavailable } from './platform/resource-classes/types.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ routes: [testRoutes()], env: { NB_REQUEST__DEADLINE_MS: '300' } });
});
afterAll(() => app[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}) => app.send({ path: `/notebooks${path}`, headers });

describe('an error of another server', () => {
  it.each<[unknown, number, string, number | null]>([
    [new GitLabUnauthorized('x'), 1401, 'GitLab does not accept your credentials.', null],
    [new GitLabRefused('x', 403, undefined), 1403, 'GitLab denies you this request.', null],
    [new GitLabUnavailable('x'), 3000, 'GitLab is temporarily unavailable.', 5],
    [new GitLabUnavailable('x', { retryAfterSeconds: 6.2 }), 3000, 'GitLab is temporarily unavailable.', 7],
    [new KubernetesUnavailable('x'), 3000, 'The Kubernetes API is temporarily unavailable.', 5],
    [new KubernetesError(429, 'TooManyRequests', 'x', 3), 3000, 'The Kubernetes API is overloaded.', 3],
    [new KubernetesError(503, 'Unavailable', 'x'), 3000, 'The Kubernetes API is overloaded.', 5],
    [new KubernetesError(422, 'Invalid', 'x'), 3000, 'The Kubernetes API rejected the request (Invalid).', null],
    [
      new KubernetesError(403, 'Forbidden', 'exceeded quota'),
      3000,
      'The resource quota of the platform is exhausted.',
      null,
    ],
    [
      new KubernetesError(403, 'Forbidden', 'x'),
      2001,
      'The Kubernetes API denies the service a permission that it needs.',
      null,
    ],
    [new KubernetesError(404, 'NoSuchApi', 'x'), 2001, 'The Kubernetes API has no resource for sessions.', null],
    [
      new ResourceClassesUnauthorized('x', true),
      1401,
      'The resource class service does not accept your access token.',
      null,
    ],
    [
      new ResourceClassesUnauthorized('x', false),
      1401,
      'The resource class service serves signed-in users only.',
      null,
    ],
    [new ResourceClassesUnavailable('cannot be reached'), 3000, 'The resource class service cannot be reached.', 5],
    [new AddressRefused('10.0.0.1'), 1000, `${new AddressRefused('10.0.0.1').message}.`, null],
    [
      new OutboundFailure('unreachable', 'x.test does not respond'),
      3000,
      'A server outside of the platform did not give a usable response: x.test does not respond.',
      5,
    ],
    [new DeadlineExceeded('reading a list', 1), 3004, 'Reading a list did not finish in time.', 5],
  ])('%s has the code %d', (cause, code, message, retryAfterSeconds) => {
    const error = translateError(cause);
    expect([error?.kind.code, error?.message, error?.retryAfterSeconds]).toEqual([code, message, retryAfterSeconds]);
    expect(error?.cause).toBe(cause);
  });

  it('keeps its reason and advice in the detail when the context has a message', () => {
    const error = translateError(new KubernetesError(422, 'Invalid', 'x'), {
      message: 'The session could not be created.',
      kinds: { rejected: errorKind.cannotStart },
    });
    expect([error?.kind, error?.message]).toEqual([errorKind.cannotStart, 'The session could not be created.']);
    expect(error?.detail).toMatch(/^The Kubernetes API rejected the request \(Invalid\)\. Contact/);
  });

  it('keeps the words of the server when the context has advice', () => {
    const cause = new GitLabRefused('x', 403, 'The branch is protected.');
    const error = translateError(cause, { message: 'Not deleted.', advice: 'Ask a maintainer.' });
    expect(error?.detail).toBe('GitLab says: "The branch is protected." Ask a maintainer.');
  });

  it('is a timeout of the server when it arrives after the deadline of the call', () => {
    const context = { server: 'GitLab', deadline: Deadline.after(0) };
    for (const cause of [new GitLabUnavailable('x'), new DeadlineExceeded('x', 1)]) {
      const error = translateError(cause, context);
      expect([error?.kind, error?.message]).toEqual([errorKind.timedOut, 'GitLab did not respond in time.']);
    }
    expect(translateError(new GitLabUnauthorized('x'), context)?.kind).toBe(errorKind.unauthenticated);
  });

  it('is the only kind of error that is translated', () => {
    expect(translateError(new TypeError('a bug'))).toBeUndefined();
    expect(translateError(undefined)).toBeUndefined();
  });
});

describe('a response to an error', () => {
  const cases: [string, unknown, number, number, string][] = [
    ['GitLab down', new GitLabUnavailable('https://10.1.2.3 refused', { retryAfterSeconds: 7 }), 500, 3000, 'GitLab'],
    ['GitLab refusing the token', new GitLabUnauthorized('glpat-abcdefghijklmnopqrst'), 401, 1401, 'GitLab'],
    ['the API server down', new KubernetesUnavailable('get js 10.0.0.1 ECONNREFUSED'), 500, 3000, 'Kubernetes'],
    ['the API server busy', new KubernetesError(429, 'TooManyRequests', 'inside', 3), 500, 3000, 'Kubernetes'],
    ['missing rights', new KubernetesError(403, 'Forbidden', 'system:serviceaccount:inside'), 500, 2001, 'Kubernetes'],
    ['a missing resource definition', new KubernetesError(404, 'NoSuchApi', 'inside'), 500, 2001, 'Kubernetes'],
    ['a deadline', new DeadlineExceeded('calling the registry', 10_000), 500, 3004, 'Calling the registry'],
    [
      'a fetch that timed out',
      Object.assign(new Error('inside'), { name: 'TimeoutError' }),
      500,
      3004,
      'did not respond in time',
    ],
    ['a bug', new Error('password=hunter2 at 10.0.0.1'), 500, 2000, 'unexpected'],
    ['a thrown value that is not an error', 'inside', 500, 2000, 'unexpected'],
  ];

  it.each(cases)('names the cause, but nothing internal: %s', async (_what, error, status, code, culprit) => {
    seen.fault = error;
    const answer = await get('/logs/fault');
    expect(answer.status).toBe(status);
    expect(answer.error().code).toBe(code);
    expect(answer.error().message).toContain(culprit);
    expect(answer.text).not.toMatch(/inside|10\.\d|hunter2|glpat|ECONN|serviceaccount|stack|\.ts/);
  });

  it.each([
    { status: 507, reason: 'InsufficientStorage', message: 'the disk of this machine is full' },
    { status: 500, message: 'etcdserver: mvcc: database space exceeded' },
    { status: 500, message: 'etcdserver: no space' },
  ])(
    'says that the disk of the API server is full, the local one or the one of etcd: $message',
    async ({ status, ...said }) => {
      const body = JSON.stringify({ kind: 'Status', status: 'Failure', code: status, ...said });
      const error = errorOfResponse('create jupyterservers', status, undefined, body);
      seen.fault = error;
      const answer = await get('/logs/fault');
      expect(answer.status).toBe(500);
      expect(answer.error()).toMatchObject({ code: 3000, message: 'The disk that stores the sessions is full.' });
      const launch = translateError(error, { message: 'The session could not be created.' });
      expect(launch).toMatchObject({ detail: expect.stringContaining('The disk that stores the sessions is full.') });
    },
  );

  it('has the time after which to try again', async () => {
    seen.fault = new GitLabUnavailable('x', { retryAfterSeconds: 6.2 });
    expect((await get('/logs/fault')).headers['retry-after']).toBe('7');
  });

  it('has the id of the log entry of a bug, with its stack and cause', async () => {
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
    expect(logged.err.stack).toContain('error-translation.test.ts');
    expect(logged.err.cause.message).toBe('Bearer [removed]');
    expect(line).not.toContain('secret-header');
  });

  it('is impossible in the middle of a response: the connection is closed', async () => {
    await expect(app.send({ path: '/notebooks/logs/half' })).rejects.toThrow();
  });

  it('is sent at the deadline even if a handler ignores it', async () => {
    const since = performance.now();
    const answers = await Promise.all([get('/logs/slow'), get('/logs/deaf')]);
    expect(answers.map((answer) => [answer.status, answer.error().code])).toEqual([
      [500, 3004],
      [500, 3004],
    ]);
    expect(answers[0]?.error().message).toBe('Waiting for nothing did not finish in time.');
    expect(performance.now() - since).toBeLessThan(30_000);
  });

  it('replaces a response that does not match the API document, in tests', async () => {
    expect((await get('/servers/wrong')).error().code).toBe(2000);
  });
});
