import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import { pino } from 'pino';
import { request as undiciRequest } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ada,
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../../tests/support/local/forge/served-forge.ts';
import { loopbackHttp } from '../../tests/support/outbound-http.ts';
import { testConfig } from '../../tests/support/sessions/config.ts';
import { createApp } from '../app.ts';
import { toApiError } from '../error-translation.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { GitCredentials, Identity } from '../identity/types.ts';
import { loadDocument } from '../pipeline/document.ts';
import { createGitLab } from '../platform/gitlab/client.ts';
import { pageErrors } from './page-errors.ts';
import { pagesRoutes } from './routes.ts';

const log = pino({ level: 'silent' });
const request = { deadline_ms: 10_000, body_limit_bytes: 1_048_576, allowed_hosts: [], allowed_origins: [] };
const requestId = 'request-7777';
const project = 'Group/Sub/Solar-Wind';
const hostileName = '</script><img src=x onerror=alert(1)>\u2028';

let forge: ServedForge;
let server: Server;
let origin: string;
/** The caller; if undefined, the pipeline rejects the request before a route runs. */
let caller: Identity | undefined;
let registered: Identity;
let anonymous: Identity;
let onMain: string;
let onFeature: string;

const as = (git: GitCredentials): Identity => ({
  kind: 'registered',
  id: 'user-1',
  username: 'ada',
  email: ada.email,
  fullName: 'Ada Lovelace',
  issuer: 'http://127.0.0.1/auth',
  accessToken: 'x',
  refreshToken: null,
  git,
});

beforeAll(async () => {
  forge = await serveForge();
  const { token } = forge.forge.issueToken(ada);
  registered = as({ url: forge.url, token, tokenExpiresAt: -1 });
  anonymous = {
    kind: 'anonymous',
    source: 'cookie',
    id: 'anon-1',
    username: 'anon-1',
    git: { url: forge.url, token: null, tokenExpiresAt: 0 },
  };
  const members = [{ username: 'ada', accessLevel: 40 }];
  await forge.forge.createProject({
    namespace: 'Group/Sub',
    path: 'Solar-Wind',
    name: hostileName,
    description: 'Particles',
    members,
  });
  await forge.forge.createProject({ namespace: 'ada', path: 'empty', members });
  const tree = await makeRepository(join(forge.scratch, 'tree'), { 'a.txt': 'one\n' });
  onFeature = await runGit(tree, 'rev-parse', 'HEAD');
  await runGit(tree, 'tag', 'v1');
  await runGit(tree, 'branch', 'feature/x');
  onMain = await commitFiles(tree, { 'a.txt': 'two\n' }, 'second');
  await runGit(tree, 'push', '--quiet', '--all', withToken(`${forge.url}/${project}.git`, token));
  await runGit(tree, 'push', '--quiet', '--tags', withToken(`${forge.url}/${project}.git`, token));

  const config = {
    version: '1.2.3',
    service_prefix: '/notebooks',
    request,
    limits: testConfig().limits,
    server: testConfig().server,
  };
  const app = createApp({
    config,
    log,
    document: loadDocument('/notebooks'),
    identify: async () => {
      if (!caller) throw new ApiError(errorKind.unauthenticated, 'You are not signed in.');
      return { identity: caller };
    },
    health: express.Router(),
    routes: [],
    pages: pagesRoutes({ config, gitlab: createGitLab({ http: loopbackHttp(), log }), log }),
    pageErrors: pageErrors({ config, log, explain: toApiError }),
    validateResponses: true,
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await forge.close();
});

async function get(path: string, options: { as?: Identity | undefined; headers?: Record<string, string> } = {}) {
  caller = 'as' in options ? options.as : registered;
  const response = await fetch(`${origin}/notebooks${path}`, {
    redirect: 'manual',
    headers: { accept: 'text/html,*/*;q=0.8', 'sec-fetch-site': 'none', 'x-request-id': requestId, ...options.headers },
  });
  const text = await response.text();
  return { response, status: response.status, text, data: () => dataIn(text) };
}

function dataIn(page: string): Record<string, unknown> {
  const json = /<script type="application\/json" id="launch-data">(.*?)<\/script>/s.exec(page)?.[1];
  return JSON.parse(json ?? 'null') as Record<string, unknown>;
}

describe('launch page', () => {
  it('launches the default branch if the URL has no ref', async () => {
    const { status, response, data } = await get(`/launch/${project}`);
    expect(status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(data()).toEqual({
      namespace: 'Group/Sub',
      project: 'Solar-Wind',
      branch: 'main',
      commitSha: onMain,
      name: hostileName,
      begin: 'launch',
      options: {},
    });
  });

  it('shows the options in its URL, and waits for a click', async () => {
    const query =
      'ref=v1&branch=feature/x&image=a/b:1&resource_class_id=2&storage=5&lfs_auto_fetch=true&default_url=/tree';
    expect((await get(`/launch/${project}?${query}`)).data()).toMatchObject({
      begin: 'configure',
      branch: 'feature/x',
      commitSha: onFeature,
      options: { image: 'a/b:1', resource_class_id: 2, storage: 5, lfs_auto_fetch: true, default_url: '/tree' },
    });
    expect((await get(`/launch/${project}?configure=yes`)).data()).toMatchObject({ begin: 'configure', options: {} });
    expect((await get(`/launch/${project}?configure=false`)).data()).toMatchObject({ begin: 'launch' });
    const invalid = await get(`/launch/${project}?storage=much`);
    expect([invalid.status, invalid.response.headers.get('content-type')]).toEqual([422, 'text/html; charset=utf-8']);
  });

  it.each([
    ['a branch with a slash', 'feature/x', () => ({ branch: 'feature/x', commitSha: onFeature })],
    ['a tag', 'v1', () => ({ branch: 'main', commitSha: onFeature })],
    ['nothing', '', () => ({ branch: 'main', commitSha: onMain })],
  ])('accepts %s as ref', async (_what, ref, expected) => {
    const { data } = await get(`/launch/${project}?ref=${encodeURIComponent(ref)}`);
    expect(data()).toMatchObject(expected());
  });

  it('accepts a short commit id', async () => {
    const { data } = await get(`/launch/${project}?ref=${onFeature.slice(0, 8)}`);
    expect(data()).toMatchObject({ branch: 'main', commitSha: onFeature });
  });

  it.each([
    ['slashes', `/launch/${project}`],
    ['an encoded slash', '/launch/Group%2FSub/Solar-Wind'],
    ['lower case and a slash at the end', '/launch/group/sub/solar-wind/'],
  ])('accepts a path with %s, and links to the prefix with a correct relative URL', async (_how, path) => {
    const { status, text, data } = await get(path);
    expect(status).toBe(200);
    expect(data()).toMatchObject({ namespace: 'Group/Sub', project: 'Solar-Wind' });
    const root = /data-root="([^"]+)"/.exec(text)?.[1] ?? '';
    expect(new URL(root, `${origin}/notebooks${path}`).pathname).toBe('/notebooks/');
  });

  it.each([
    ['cross-site', 'consent'],
    ['same-site', 'consent'],
    [undefined, 'consent'],
    ['same-origin', 'launch'],
    ['none', 'launch'],
  ])('launches immediately only if the user came from this site or typed the URL (%s)', async (site, begin) => {
    caller = registered;
    const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const headers = site ? { 'sec-fetch-site': site, ...link } : {};
    // fetch cannot be used, because it sets these headers itself.
    const { body } = await undiciRequest(`${origin}/notebooks/launch/${project}`, { headers });
    expect(dataIn(await body.text())).toMatchObject({ begin });
  });

  it('shows a name with HTML as text, with a content security policy that allows no inline script', async () => {
    const { text, response } = await get(`/launch/${project}`);
    expect(text).not.toContain('<img src=x');
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;');
    const policy = response.headers.get('content-security-policy');
    for (const directive of ["script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "connect-src 'self'"]) {
      expect(policy?.split('; ')).toContain(directive);
    }
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+="/);
    expect([...text.matchAll(/<script(?! type="(?:application\/json|module" src=))/g)]).toEqual([]);
    expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });
});

describe('an error', () => {
  it.each([
    [
      'a project that does not exist',
      '/launch/group/nope',
      404,
      'The project group/nope does not exist, or you do not have access.',
    ],
    ['a project without commits', '/launch/ada/empty', 404, 'ada/empty has no commits yet.'],
    [
      'a tag with a branch that does not exist',
      `/launch/${project}?ref=v1&branch=nope`,
      404,
      `${project} has no branch “nope”.`,
    ],
    ['an unknown address', '/nonexistent', 404, 'This address does not exist.'],
    ['a path below a page', '/docs/nonexistent/', 404, 'This address does not exist.'],
    [
      'a ref that does not exist',
      `/launch/${project}?ref=nope`,
      404,
      `${project} has no branch, tag or commit “nope”.`,
    ],
    ['a ref with control characters', `/launch/${project}?ref=a%00b`, 422, 'A field of the request is not valid.'],
    ['two refs', `/launch/${project}?ref=a&ref=b`, 404, `${project} has no branch, tag or commit “a”.`],
    ['no project', '/launch/group', 404, 'This address does not exist.'],
    [
      'dot segments',
      '/launch/group%2F..%2FSub/x',
      404,
      'The project group/../Sub/x does not exist, or you do not have access.',
    ],
    ['a NUL', '/launch/group/a%00b', 422, 'A field of the request is not valid.'],
    ['a broken percent-encoding', '/launch/group/%E0%A4%A', 404, 'percent sign'],
  ])('is shown as an HTML page: %s', async (_what, path, status, message) => {
    const page = await get(path);
    expect(page.status).toBe(status);
    expect(page.response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const content = /<main.*<\/main>/s.exec(page.text)?.[0];
    expect(content).toContain(message);
    expect(content).toContain(requestId);
  });

  it('says to an anonymous caller that private projects require a sign-in', async () => {
    const { status, text } = await get(`/launch/${project}`, { as: anonymous });
    expect(status).toBe(404);
    expect(text).toContain('You are not signed in, so only public projects can be found.');
  });

  it('names GitLab when GitLab does not respond', async () => {
    const down = as({ url: 'http://127.0.0.1:9', token: 'x', tokenExpiresAt: -1 });
    const { status, text } = await get('/launch/group/project', { as: down });
    expect(status).toBe(500);
    expect(text).toContain('GitLab is temporarily unavailable.');
    expect(text).toContain('Try again');
  });

  it('is 401 when GitLab rejects the credentials', async () => {
    const revoked = as({ url: forge.url, token: 'revoked', tokenExpiresAt: -1 });
    const { status, text } = await get('/launch/group/project', { as: revoked });
    expect(status).toBe(401);
    expect(text).toContain('You are not signed in');
  });

  it('is a page if the pipeline rejects the request before a route runs, and JSON for programs', async () => {
    for (const path of ['/', `/launch/${project}`]) {
      const page = await get(path, { as: undefined });
      expect(page.status).toBe(401);
      expect(page.text).toContain('You are not signed in.');
    }
    const program = await get(`/launch/${project}`, {
      as: undefined,
      headers: { accept: 'application/json, text/html;q=0.1' },
    });
    expect(program.status).toBe(401);
    expect(JSON.parse(program.text)).toMatchObject({ error: { code: 1401, requestId } });
    expect((await get('/', { as: undefined })).text).toContain('Not signed in');
    expect((await get('/nonexistent')).text).not.toContain('Not signed in');
    const api = await get('/projects', { as: undefined });
    expect(JSON.parse(api.text)).toMatchObject({ error: { code: 1401 } });
    // The response to an API request is always JSON, even if the request is rejected before its route is known.
    const foreign = await get('/projects', {
      headers: { origin: 'https://evil.example', accept: 'text/html,*/*;q=0.5' },
    });
    expect([foreign.status, foreign.response.headers.get('content-type')]).toEqual([
      403,
      'application/json; charset=utf-8',
    ]);
    for (const accept of ['application/json', '*/*', 'application/json, text/plain, */*']) {
      const { text } = await get('/nonexistent', { headers: { accept } });
      expect(JSON.parse(text), accept).toMatchObject({ error: { code: 1404, requestId } });
    }
  });
});

describe('sessions page', () => {
  it('has the prefix with a trailing slash as its URL', async () => {
    const { status, response } = await get('');
    expect(status).toBe(308);
    expect(new URL(response.headers.get('location') ?? '', `${origin}/notebooks`).href).toBe(`${origin}/notebooks/`);
  });

  it('names the user', async () => {
    expect((await get('/')).text).toContain('Ada Lovelace');
    expect((await get('/', { as: anonymous })).text).toContain('You are not signed in');
  });
});

describe('assets', () => {
  it('can be cached permanently under the URLs in the page', async () => {
    const { text } = await get('/');
    const addresses = [...text.matchAll(/(?:href|src)="(\.\/assets\/[^"]+)"/g)].map(
      (match) => match[1]?.slice(1) ?? '',
    );
    expect(addresses).toHaveLength(6);
    for (const address of addresses) {
      const { status, response } = await get(address);
      expect(status).toBe(200);
      expect(response.headers.get('cache-control')).toContain('immutable');
      // Without this header, fetch adds `cache-control: no-cache`, which browsers do not send when they revalidate.
      const etag = response.headers.get('etag') ?? '';
      const again = await get(address, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } });
      expect(again.status).toBe(304);
    }
    const stale = await get('/assets/0000000000000000/sessions.js');
    expect(stale.response.headers.get('cache-control')).toBe('no-cache');
  });

  it('include only styles and scripts', async () => {
    for (const name of ['tsconfig.json', '..%2froutes.ts', '%2e%2e/routes.ts', 'nope.js', '']) {
      expect((await get(`/assets/x/${name}`)).status).toBe(404);
    }
  });
});

describe('GET /projects', () => {
  it('lists the projects that the caller can launch', async () => {
    const { text, response } = await get('/projects');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { projects } = JSON.parse(text) as { projects: { path: string }[] };
    expect(projects.map(({ path }) => path).sort()).toEqual([project, 'ada/empty'].sort());
    expect(projects.find(({ path }) => path === project)).toEqual({
      id: expect.any(Number),
      path: project,
      name: hostileName,
      description: 'Particles',
      default_branch: 'main',
      visibility: 'private',
      web_url: `${forge.url}/${project}`,
      last_activity_at: expect.any(String),
    });
  });

  it('finds projects by a part of the name', async () => {
    expect(JSON.parse((await get('/projects?search=%20SOLAR%20')).text)).toMatchObject({
      projects: [{ path: project }],
    });
    expect(JSON.parse((await get('/projects?search=nope')).text)).toEqual({ projects: [] });
    expect(JSON.parse((await get('/projects?page=2')).text)).toEqual({ projects: [] });
  });

  it.each(['page=0', 'page=x', 'page=1.5', 'page=1.0', 'page=x&page=2', `search=${'x'.repeat(201)}`])(
    'rejects %s',
    async (query) => {
      const { status, text } = await get(`/projects?${query}`);
      expect(status).toBe(422);
      expect(JSON.parse(text)).toMatchObject({
        error: { code: 1422, fields: [{ path: expect.stringMatching(/^query\./) }] },
      });
    },
  );
});

describe('the branches and commits of a project', () => {
  it('are listed, and can be searched by a part of a name', async () => {
    expect(JSON.parse((await get(`/projects/${project}/branches`)).text)).toEqual({
      branches: [
        { name: 'feature/x', commit_sha: onFeature, committed_at: expect.any(String) },
        { name: 'main', commit_sha: onMain, committed_at: expect.any(String) },
      ],
      next_page: null,
    });
    const found = JSON.parse((await get('/projects/group%2Fsub%2Fsolar-wind/branches?search=%20ATURE%20')).text);
    expect(found).toMatchObject({ branches: [{ name: 'feature/x' }] });
    const commits = (ref: string) => get(`/projects/${project}/commits?ref=${encodeURIComponent(ref)}`);
    expect(JSON.parse((await commits('main')).text)).toEqual({
      commits: [
        { commit_sha: onMain, title: 'second', author_name: expect.any(String), committed_at: expect.any(String) },
        {
          commit_sha: onFeature,
          title: expect.any(String),
          author_name: expect.any(String),
          committed_at: expect.any(String),
        },
      ],
      next_page: null,
    });
    for (const ref of ['feature/x', 'v1', onFeature]) {
      expect(JSON.parse((await commits(ref)).text), ref).toMatchObject({ commits: [{ commit_sha: onFeature }] });
    }
    expect(JSON.parse((await commits('')).text)).toMatchObject({ commits: [{ commit_sha: onMain }, {}] });
  });

  it('are listed in pages', async () => {
    const tree = join(forge.scratch, 'tree');
    for (let index = 0; index < 25; index += 1) await commitFiles(tree, { 'n.txt': `${index}\n` }, `step ${index}`);
    await runGit(
      tree,
      'push',
      '--quiet',
      withToken(`${forge.url}/${project}.git`, registered.git.token ?? ''),
      'HEAD:refs/heads/long',
    );
    const first = JSON.parse((await get(`/projects/${project}/commits?ref=long`)).text);
    expect([first.commits.length, first.commits[0].title, first.next_page]).toEqual([20, 'step 24', 2]);
    const second = JSON.parse((await get(`/projects/${project}/commits?ref=long&page=2`)).text);
    expect([second.commits.length, second.next_page]).toEqual([7, null]);
  });

  it.each([
    ['group/nope', 'main'],
    [project, 'nope'],
  ])('are 404 for %s with the ref %s', async (path, ref) => {
    const { status, text } = await get(`/projects/${path}/commits?ref=${ref}`);
    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 1404 } });
  });

  it('of a private project are 404 for an anonymous caller', async () => {
    for (const list of ['branches', 'commits']) {
      expect((await get(`/projects/${project}/${list}`, { as: anonymous })).status).toBe(404);
    }
  });
});
