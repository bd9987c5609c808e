import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ada,
  bob,
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../../../tests/support/local/forge/served-forge.ts';
import { loopbackHttp } from '../../../tests/support/outbound-http.ts';
import { Deadline } from '../../lib/deadline.ts';
import { createGitLab } from './client.ts';
import { GitLabUnauthorized, GitLabUnavailable } from './types.ts';

const logged: string[] = [];
const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
const limits = { http: loopbackHttp(), log, maxResponseBytes: 200_000 };
const gitlab = createGitLab({ ...limits, requestTimeoutMs: 60_000 });
const inTime = () => Deadline.after(60_000);

describe('the GitLab client on the forge', () => {
  let served: ServedForge;
  let token: string;
  let sha: string;
  const anonymous = () => ({ url: served.url, token: null });
  const asAda = () => ({ url: served.url, token });

  beforeAll(async () => {
    served = await serveForge();
    token = served.forge.issueToken(ada).token;
    await served.forge.ensureDemoProject();
    await served.forge.createProject({
      namespace: 'Group/Sub',
      path: 'Own',
      members: [{ username: 'ada', accessLevel: 30 }],
    });
    const tree = await makeRepository(join(served.scratch, 'tree'), { 'a.txt': 'a\n' });
    sha = await commitFiles(tree, { 'a.txt': 'b\n' }, 'b');
    await runGit(tree, 'tag', 'v1');
    await runGit(
      tree,
      'push',
      '--quiet',
      withToken(`${served.url}/Group/Sub/Own.git`, token),
      'main',
      'main:with/slash',
      'v1',
    );
  });
  afterAll(() => served.close());

  it("reads a project with the caller's access", async () => {
    expect(await gitlab.project(asAda(), 'group/sub/own', inTime())).toMatchObject({
      pathWithNamespace: 'Group/Sub/Own',
      defaultBranch: 'main',
      visibility: 'private',
      accessLevel: 30,
      httpUrlToRepo: `${served.url}/Group/Sub/Own.git`,
    });
    expect(await gitlab.project(anonymous(), 'Group/Sub/Own', inTime())).toBeUndefined();
    const demo = await gitlab.project(anonymous(), 'demo/first-light', inTime());
    expect(demo).toMatchObject({ visibility: 'public', accessLevel: 10 });
    expect(await gitlab.project({ ...anonymous(), url: `${served.url}/` }, demo?.id ?? 0, inTime())).toEqual(demo);
  });

  it('reads branches and commits by any name', async () => {
    expect(await gitlab.branch(asAda(), 'Group/Sub/Own', 'with/slash', inTime())).toEqual({
      name: 'with/slash',
      commitSha: sha,
    });
    expect(await gitlab.branch(asAda(), 'Group/Sub/Own', 'gone', inTime())).toBeUndefined();
    for (const ref of [sha, sha.slice(0, 7), 'v1', 'with/slash']) {
      expect(await gitlab.commit(asAda(), 'Group/Sub/Own', ref, inTime()), ref).toEqual({
        sha,
        committedDate: '2025-01-01T00:00:00.000+00:00',
      });
    }
    expect(await gitlab.commit(asAda(), 'Group/Sub/Own', 'f'.repeat(40), inTime())).toBeUndefined();
  });

  it('uses no name as the path of another resource', async () => {
    for (const name of ['', '.', '..', '\0', '../../../user', '%2e%2e', 'a\ud800']) {
      expect(await gitlab.project(asAda(), name, inTime()), name).toBeUndefined();
      expect(await gitlab.branch(asAda(), 'Group/Sub/Own', name, inTime()), name).toBeUndefined();
      expect(await gitlab.commit(asAda(), 'Group/Sub/Own', name, inTime()), name).toBeUndefined();
    }
  });

  it('treats an invalid name of a branch as one that does not exist', async () => {
    for (const name of ['a b', 'main~1', '*', 'HEAD']) {
      expect(await gitlab.branch(asAda(), 'Group/Sub/Own', name, inTime()), name).toBeUndefined();
      expect(await gitlab.commit(asAda(), 'Group/Sub/Own', name === 'HEAD' ? '@{1}' : name, inTime())).toBeUndefined();
    }
  });

  it('lists branches by the start of their names, with dates, page by page', async () => {
    const branches = (prefix: string, page = 1) =>
      gitlab.branches(asAda(), 'group/sub/own', { prefix, page }, inTime());
    expect(await branches('WITH/')).toEqual({
      branches: [{ name: 'with/slash', commitSha: sha, committedDate: '2025-01-01T00:00:00.000+00:00' }],
      nextPage: undefined,
    });
    const many = Array.from({ length: 101 }, (_, i) => `many/${String(i).padStart(3, '0')}`);
    const tree = join(served.scratch, 'tree');
    const remote = withToken(`${served.url}/Group/Sub/Own.git`, token);
    await runGit(tree, 'push', '--quiet', remote, ...many.map((name) => `main:refs/heads/${name}`));
    const [first, second, third] = [await branches('many/'), await branches('many/', 2), await branches('many/', 3)];
    expect([first?.branches.length, first?.nextPage]).toEqual([100, 2]);
    expect([second?.branches.map(({ name }) => name), second?.nextPage]).toEqual([['many/100'], undefined]);
    expect(third).toEqual({ branches: [], nextPage: undefined });
    expect((await branches('none'))?.branches).toEqual([]);
    expect(await gitlab.branches(anonymous(), 'group/sub/own', { prefix: '', page: 1 }, inTime())).toBeUndefined();
    expect(await gitlab.branches(asAda(), '..', { prefix: '', page: 1 }, inTime())).toBeUndefined();
  });

  it('deletes a branch once', async () => {
    const remote = withToken(`${served.url}/Group/Sub/Own.git`, token);
    const name = 'to/be%2Fdeleted#1';
    await runGit(join(served.scratch, 'tree'), 'push', '--quiet', remote, `main:refs/heads/${name}`);
    const remove = (branch: string) => gitlab.deleteBranch(asAda(), 'Group/Sub/Own', branch, inTime());
    expect(await remove(name)).toBe(true);
    expect(await remove(name)).toBe(false);
    for (const none of ['', '.', '..', '\0']) expect(await remove(none)).toBe(false);
    expect(await gitlab.branch(asAda(), 'Group/Sub/Own', name, inTime())).toBeUndefined();
    await expect(remove('main')).rejects.toMatchObject({
      name: 'GitLabRefused',
      status: 400,
      reason: 'The default branch of a project cannot be deleted.',
    });
  });

  it('finds the common ancestor of two commits', async () => {
    const base = (...refs: [string, string]) => gitlab.mergeBase(asAda(), 'Group/Sub/Own', refs, inTime());
    const parent = await runGit(join(served.scratch, 'tree'), 'rev-parse', 'main~1');
    expect(await base(parent.slice(0, 7), sha)).toBe(parent);
    expect(await base('main', 'v1')).toBe(sha);
    expect(await base('1234567', sha)).toBeUndefined();
    expect(await gitlab.mergeBase(asAda(), 'Group/Sub/None', ['main', 'v1'], inTime())).toBeUndefined();
  });

  it('compares a branch with an earlier commit', async () => {
    const compare = (from: string, to: string, project = 'Group/Sub/Own') =>
      gitlab.compare(asAda(), project, { from, to }, inTime());
    const parent = await runGit(join(served.scratch, 'tree'), 'rev-parse', 'main~1');
    expect(await compare(parent.slice(0, 7), 'with/slash')).toEqual({
      commits: [
        { sha, title: 'b', authorName: 'Test', committedDate: '2025-01-01T00:00:00.000+00:00', parents: [parent] },
      ],
      files: ['a.txt'],
      hasAllFiles: true,
    });
    expect(await compare('main', 'v1')).toEqual({ commits: [], files: [], hasAllFiles: true });
    expect(await compare('1234567', 'main')).toBeUndefined();
    expect(await compare('main', 'nothing')).toBeUndefined();
    expect(await compare('main', 'v1', 'Group/Sub/None')).toBeUndefined();
    expect(await compare('main', 'v1', '..')).toBeUndefined();
  });

  it("lists the caller's projects, last active first, a page at a time", async () => {
    const paths = async (access: { url: string; token: string | null }, page: number, search?: string) =>
      (await gitlab.projects(access, { page, ...(search ? { search } : {}) }, inTime())).map(
        (project) => project.pathWithNamespace,
      );
    expect(await paths(asAda(), 1)).toEqual(['Group/Sub/Own', 'demo/first-light']);
    expect(await paths(asAda(), 2)).toEqual([]);
    expect(await paths(asAda(), 1, 'group/s')).toEqual(['Group/Sub/Own']);
    expect(await paths({ url: served.url, token: served.forge.issueToken(bob).token }, 1)).toEqual([
      'demo/first-light',
    ]);
    expect(await paths(anonymous(), 1)).toEqual(['demo/first-light']);
  });

  it('reports an expired or invalid token', async () => {
    const old = { url: served.url, token: served.forge.issueToken(ada, new Date(0)).token };
    await expect(gitlab.project(old, 'demo/first-light', inTime())).rejects.toThrow(GitLabUnauthorized);
    await expect(gitlab.projects({ ...old, token: 'line\nbreak' }, { page: 1 }, inTime())).rejects.toThrow(
      GitLabUnauthorized,
    );
  });
});

describe('the GitLab client with a faulty GitLab', () => {
  let server: Server;
  let url: string;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let requests: IncomingMessage[];
  const access = () => ({ url, token: 'secret-token' });
  const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  const validBranch = { name: 'main', commit: { id: 'a'.repeat(40) } };
  const branch = (deadline = inTime()) => gitlab.branch(access(), 'a/b', 'main', deadline);

  beforeEach(async () => {
    requests = [];
    logged.length = 0;
    server = createServer((request, response) => {
      requests.push(request);
      answer(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/gitlab`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    expect(logged.join('\n')).not.toContain('secret-token');
  });

  it.each([
    ['answers 500', (response: ServerResponse) => json(response, 500, { message: '500' })],
    [
      'answers with a page',
      (response: ServerResponse) => response.setHeader('content-type', 'text/html').end('<html>'),
    ],
    [
      'answers 404 with a page',
      (response: ServerResponse) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'),
    ],
    ['answers with another shape', (response: ServerResponse) => json(response, 200, { name: 'main', commit: null })],
    ['answers with a list', (response: ServerResponse) => json(response, 200, [validBranch])],
    ['answers with a number', (response: ServerResponse) => json(response, 200, 5)],
    ['answers without a body', (response: ServerResponse) => response.writeHead(200).end()],
    ['never stops answering', (response: ServerResponse) => response.writeHead(200).end(`"${'x'.repeat(300_000)}"`)],
    [
      'cuts its answer',
      (response: ServerResponse) =>
        response.writeHead(200, { 'content-length': '500' }).write('{"a"', () => response.destroy()),
    ],
    ['cuts the connection', (response: ServerResponse) => response.destroy()],
    [
      'redirects in a circle',
      (response: ServerResponse) => response.writeHead(302, { location: `${url}/api/v4/again` }).end(),
    ],
    [
      'redirects to a sign-in page',
      (response: ServerResponse) => response.writeHead(302, { location: '/users/sign_in' }).end(),
    ],
  ])('reports a GitLab that %s as unavailable', async (_what, respond) => {
    answer = (_request, response) => respond(response);
    await expect(branch()).rejects.toThrow(GitLabUnavailable);
    expect(requests.length).toBeLessThanOrEqual(4);
  });

  it('reports a GitLab that is down as unavailable, and names it', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const host = `127.0.0.1:${(gone.address() as AddressInfo).port}`;
    gone.close();
    await once(gone, 'close');
    await expect(gitlab.project({ url: `http://${host}`, token: null }, 'a/b', inTime())).rejects.toThrow(
      `GitLab cannot be reached: ${host} does not accept connections`,
    );
    await expect(gitlab.project({ url: 'not an address', token: null }, 'a/b', inTime())).rejects.toThrow(
      GitLabUnavailable,
    );
  });

  it('ends a request to a silent GitLab at the time limit, without a retry', async () => {
    answer = () => undefined;
    const started = performance.now();
    const impatient = createGitLab({ ...limits, requestTimeoutMs: 2_000 });
    await expect(impatient.branch(access(), 'a/b', 'main', Deadline.after(600_000))).rejects.toThrow(
      /did not respond in time/,
    );
    expect(requests).toHaveLength(1);
    await expect(branch(Deadline.after(100))).rejects.toThrow(GitLabUnavailable);
    const caller = new AbortController();
    const waiting = branch(Deadline.after(600_000, caller.signal));
    caller.abort();
    await expect(waiting).rejects.toThrow(GitLabUnavailable);
    expect(performance.now() - started).toBeLessThan(60_000);
    // On a busy machine, the second request may end before it is sent.
    expect(requests.length).toBeLessThanOrEqual(2);
  });

  it('names GitLab also to a caller without a token that waits for the request of another one', async () => {
    answer = () => undefined;
    const leaving = new AbortController();
    const ask = (deadline: Deadline) => gitlab.branch({ url, token: null }, 'a/b', 'main', deadline);
    const first = Promise.allSettled([ask(Deadline.after(600_000, leaving.signal))]);
    await expect(ask(Deadline.after(100))).rejects.toThrow(GitLabUnavailable);
    leaving.abort();
    await first;
  });

  it('sends no token to another host', async () => {
    const tokens: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      tokens.push(request.headers.authorization);
      json(response, 200, validBranch);
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    answer = (_request, response) =>
      response
        .writeHead(302, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/gitlab/api/v4/x` })
        .end();
    await expect(branch()).rejects.toThrow(/redirects to/);
    other.close();
    expect(tokens).toEqual([]);
  });

  it('follows the redirect of a renamed project inside the API', async () => {
    answer = (request, response) => {
      if (request.url?.includes('/projects/7/')) json(response, 200, validBranch);
      else response.writeHead(302, { location: `${url}/api/v4/projects/7/repository/branches/main` }).end();
    };
    expect(await branch()).toEqual({ name: 'main', commitSha: validBranch.commit.id });
    expect(requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer secret-token',
      'Bearer secret-token',
    ]);
    expect(requests[0]?.url).toBe('/gitlab/api/v4/projects/a%2Fb/repository/branches/main');
  });

  it('retries once after a temporary failure, and not before the time that GitLab names', async () => {
    const statuses = [503, 200];
    answer = (_request, response) => json(response, statuses.shift() ?? 500, validBranch);
    expect(await branch()).toMatchObject({ name: 'main' });
    const limited = [429, 200];
    answer = (_request, response) => json(response, limited.shift() ?? 500, validBranch, { 'retry-after': '1' });
    const started = performance.now();
    expect(await branch()).toMatchObject({ name: 'main' });
    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
    expect(requests).toHaveLength(4);
  });

  it('retries a rate-limited request as often as the deadline allows', async () => {
    const limited = [429, 429, 429, 200];
    answer = (_request, response) => json(response, limited.shift() ?? 500, validBranch);
    expect(await branch()).toMatchObject({ name: 'main' });
    expect(requests).toHaveLength(4);
    requests.length = 0;
    answer = (_request, response) => json(response, 429, {});
    await expect(branch(Deadline.after(2_000))).rejects.toThrow(/accepts no more requests for now/);
    expect(requests.length).toBeGreaterThan(1);
    expect(requests.length).toBeLessThan(5);
  });

  it('pauses the requests of all callers, or of one account if GitLab limits the account', async () => {
    const of = (token: string) => gitlab.branch({ url, token }, 'a/b', 'main', Deadline.after(3_000));
    let headers: Record<string, string> = { 'retry-after': '60', 'ratelimit-name': 'throttle_authenticated_api' };
    answer = (request, response) =>
      request.headers.authorization === 'Bearer busy'
        ? json(response, 429, {}, headers)
        : json(response, 200, validBranch);
    await expect(of('busy')).rejects.toMatchObject({ retryAfterSeconds: 60 });
    await expect(of('busy')).rejects.toMatchObject({ retryAfterSeconds: 60 });
    expect(requests).toHaveLength(1);
    expect(await of('other')).toMatchObject({ name: 'main' });
    answer = (_request, response) => json(response, 429, {}, headers);
    headers = { 'retry-after': '60' };
    await expect(of('other')).rejects.toMatchObject({ retryAfterSeconds: 60 });
    await expect(of('third')).rejects.toMatchObject({ retryAfterSeconds: 60 });
    expect(requests).toHaveLength(3);
  });

  it('sends one request for many callers without a token, and one for each caller with a token', async () => {
    answer = (_request, response) => json(response, 200, validBranch);
    const ask = (token: string | null) => gitlab.branch({ url, token }, 'a/b', 'main', inTime());
    await Promise.all([ask(null), ask(null), ask(null)]);
    expect(await ask(null)).toMatchObject({ name: 'main' });
    expect(requests).toHaveLength(1);
    await Promise.all([ask('one'), ask('one'), ask('two')]);
    expect(requests).toHaveLength(4);
    // A missing resource is looked up again each time.
    answer = (_request, response) => json(response, 404, { message: '404' });
    const other = () => gitlab.branch({ url, token: null }, 'a/b', 'other', inTime());
    expect([await other(), await other()]).toEqual([undefined, undefined]);
    expect(requests).toHaveLength(6);
  });

  it('does not wait beyond the deadline, and names the time after which to try again', async () => {
    answer = (_request, response) => json(response, 429, { message: 'slow down' }, { 'retry-after': '60' });
    await expect(branch()).rejects.toMatchObject({ name: 'GitLabUnavailable', retryAfterSeconds: 60 });
    expect(requests).toHaveLength(1);
  });

  it('sends a change once, to no other address, and passes on why GitLab denies it', async () => {
    const remove = () => gitlab.deleteBranch(access(), 7, 'a/b', inTime());
    for (const status of [400, 403, 405, 409, 412, 422]) {
      answer = (_request, response) => json(response, status, { message: ' Not\nnow,  \u001b[31m please ' });
      await expect(remove()).rejects.toMatchObject({ name: 'GitLabRefused', status, reason: 'Not now, [31m please' });
    }
    for (const body of [{}, { message: { base: ['no'] } }, { message: '' }, []]) {
      answer = (_request, response) => json(response, 403, body);
      await expect(remove()).rejects.toMatchObject({ name: 'GitLabRefused', reason: undefined });
    }
    answer = (_request, response) => json(response, 400, { message: 'x'.repeat(10_000) });
    await expect(remove()).rejects.toMatchObject({ reason: 'x'.repeat(300) });
    expect(requests[0]).toMatchObject({ method: 'DELETE', url: '/gitlab/api/v4/projects/7/repository/branches/a%2Fb' });

    requests.length = 0;
    for (const location of [`${url}/api/v4/projects/7`, 'https://elsewhere.example.org']) {
      answer = (_request, response) => response.writeHead(302, { location }).end();
      await expect(remove()).rejects.toThrow(/redirects a request that changes something/);
    }
    for (const status of [429, 502, 503, 504]) {
      answer = (_request, response) => json(response, status, {}, { 'retry-after': '1' });
      await expect(remove()).rejects.toMatchObject({ name: 'GitLabUnavailable', retryAfterSeconds: 1 });
    }
    expect(requests).toHaveLength(6);
    answer = (_request, response) => json(response, 401, { message: '401 Unauthorized' });
    await expect(remove()).rejects.toThrow(GitLabUnauthorized);
    answer = (_request, response) => json(response, 403, { error: 'insufficient_scope' });
    await expect(remove()).rejects.toThrow(GitLabUnauthorized);
    answer = (_request, response) => json(response, 200, { branch_name: 'a/b' });
    expect(await remove()).toBe(true);
  });

  it('leaves out incomplete branches, and rejects any other document', async () => {
    const branches = () => gitlab.branches(access(), 7, { prefix: 'x', page: 1 }, inTime());
    answer = (_request, response) => json(response, 200, [{ name: 'x/1', commit: null }, null, validBranch]);
    expect(await branches()).toEqual({
      branches: [{ name: 'main', commitSha: validBranch.commit.id, committedDate: null }],
      nextPage: undefined,
    });
    expect(new URL(requests[0]?.url ?? '', url).searchParams.get('search')).toBe('^x');
    answer = (_request, response) => json(response, 200, { not: 'a list' });
    await expect(branches()).rejects.toThrow('did not send a valid list of branches');
    answer = (_request, response) => json(response, 200, { id: 'no commit' });
    await expect(gitlab.mergeBase(access(), 7, ['a', 'b'], inTime())).rejects.toThrow(GitLabUnavailable);
  });

  it('passes on what GitLab says of the account, the token and itself, but no token', async () => {
    const cases: [number, unknown, string, string | undefined][] = [
      [403, { message: '403 Forbidden - Your password expired.' }, 'GitLabRefused', 'Your password expired.'],
      [
        403,
        { error: 'insufficient_scope', error_description: 'It needs more.' },
        'GitLabUnauthorized',
        'It needs more.',
      ],
      [
        401,
        { error: 'invalid_token', error_description: 'Token was revoked.' },
        'GitLabUnauthorized',
        'Token was revoked.',
      ],
      [401, { message: '401 Unauthorized' }, 'GitLabUnauthorized', undefined],
      [
        451,
        { message: '451 Unavailable For Legal Reasons' },
        'GitLabRefused',
        'This is unavailable for legal reasons.',
      ],
      [500, { message: 'secret-token is in maintenance' }, 'GitLabUnavailable', '[removed] is in maintenance'],
      [418, { message: 'I am a teapot' }, 'GitLabUnavailable', 'I am a teapot'],
    ];
    for (const [status, body, name, reason] of cases) {
      answer = (_request, response) => json(response, status, body);
      await expect(branch()).rejects.toMatchObject({ name, reason });
      await expect(gitlab.projects(access(), { page: 1 }, inTime())).rejects.toMatchObject({ name, reason });
    }
  });

  it('distinguishes missing and inaccessible resources from errors', async () => {
    answer = (_request, response) => json(response, 403, { message: '403 Forbidden' });
    expect(await branch()).toBeUndefined();
    answer = (_request, response) => json(response, 403, { error: 'insufficient_scope' });
    await expect(branch()).rejects.toThrow(GitLabUnauthorized);
    answer = (_request, response) => json(response, 401, { message: '401 Unauthorized' });
    await expect(branch()).rejects.toThrow(GitLabUnauthorized);
    expect(await gitlab.branch({ url, token: null }, 'a/b', 'main', inTime())).toBeUndefined();
    expect(await gitlab.projects({ url, token: null }, { page: 1 }, inTime())).toEqual([]);
  });

  it('reads projects with missing parts, and leaves out invalid ones', async () => {
    const plain = { id: 3, path_with_namespace: 'a/b', http_url_to_repo: 'https://git.example.org/a/b.git' };
    const group = { ...plain, permissions: { project_access: null, group_access: { access_level: 40 } } };
    answer = (_request, response) =>
      json(response, 200, [plain, group, { id: 'x' }, null, { ...plain, http_url_to_repo: 'file:///etc' }]);
    expect(await gitlab.projects(access(), { page: 1 }, inTime())).toMatchObject([
      { name: 'b', accessLevel: 10, visibility: 'private', webUrl: 'https://git.example.org/a/b', defaultBranch: null },
      { accessLevel: 40 },
    ]);
    answer = (_request, response) => json(response, 200, { not: 'a list' });
    await expect(gitlab.projects(access(), { page: 1 }, inTime())).rejects.toThrow(GitLabUnavailable);
  });
});
