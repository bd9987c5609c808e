import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
import { type ForgeProject, Records } from './records.ts';

let served: ServedForge;
let adasToken: string;
let bobsToken: string;
let secret: ForgeProject;
let first: string;
let second: string;

const get = (path: string, token?: string, init: RequestInit = {}) =>
  fetch(`${served.url}/api/v4${path}`, {
    ...init,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
const json = async (path: string, token?: string) =>
  (await get(path, token)).json() as Promise<Record<string, unknown>>;
const names = async (path: string, token?: string) =>
  ((await (await get(path, token)).json()) as { name: string }[]).map(({ name }) => name);

beforeAll(async () => {
  served = await serveForge();
  adasToken = served.forge.issueToken(ada).token;
  bobsToken = served.forge.issueToken(bob).token;
  await served.forge.ensureDemoProject();
  secret = await served.forge.createProject({
    namespace: 'Group/Sub',
    path: 'Secret-Project',
    description: 'Unknown',
    members: [{ username: 'ada', accessLevel: 40 }],
  });
  const tree = await makeRepository(join(served.scratch, 'tree'), { 'a.txt': 'one\n' });
  first = await runGit(tree, 'rev-parse', 'HEAD');
  second = await commitFiles(tree, { 'a.txt': 'two\n' }, 'second\n\nwith a body: äöü');
  await runGit(tree, 'tag', '--annotate', 'v1', first, '--message', 'first');
  await runGit(tree, 'branch', 'feature/with/slashes', first);
  await runGit(tree, 'branch', 'renku/autosave/ada/main/1111111/2222222', second);
  await runGit(tree, 'checkout', '--quiet', '--orphan', 'island');
  await commitFiles(tree, { 'b.txt': 'alone\n' }, 'alone');
  await runGit(tree, 'push', '--quiet', '--all', withToken(`${served.url}/Group/Sub/Secret-Project.git`, adasToken));
  await runGit(tree, 'push', '--quiet', '--tags', withToken(`${served.url}/Group/Sub/Secret-Project.git`, adasToken));
});
afterAll(() => served.close());

describe('projects', () => {
  it('are returned in the format of GitLab, by path (case-insensitive) and by number', async () => {
    const body = await json('/projects/group%2Fsub%2FSECRET-project', adasToken);
    expect(body).toMatchObject({
      id: secret.id,
      name: 'Secret-Project',
      path: 'Secret-Project',
      path_with_namespace: 'Group/Sub/Secret-Project',
      description: 'Unknown',
      default_branch: 'main',
      visibility: 'private',
      web_url: `${served.url}/Group/Sub/Secret-Project`,
      http_url_to_repo: `${served.url}/Group/Sub/Secret-Project.git`,
      namespace: { full_path: 'Group/Sub' },
      permissions: { project_access: { access_level: 40 }, group_access: null },
    });
    expect(Date.parse(String(body['last_activity_at']))).toBeGreaterThan(0);
    expect(await json(`/projects/${secret.id}`, adasToken)).toEqual(body);
  });

  it('are hidden from users without access if they are private, and visible to all callers if they are public', async () => {
    for (const token of [undefined, bobsToken]) {
      const response = await get(`/projects/${secret.id}`, token);
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ message: '404 Project Not Found' });
    }
    const demo = await json('/projects/demo%2Ffirst-light');
    expect(demo).toMatchObject({ visibility: 'public', default_branch: 'main' });
    expect(demo).not.toHaveProperty('permissions');
  });

  it('are listed by membership, visibility and search, sorted and in pages', async () => {
    expect(await names('/projects')).toEqual(['first-light']);
    expect(await names('/projects?membership=true')).toEqual([]);
    expect(await names('/projects?membership=true&order_by=name&sort=asc', adasToken)).toEqual([
      'Secret-Project',
      'first-light',
    ]);
    expect(await names('/projects?membership=true', bobsToken)).toEqual(['first-light']);
    expect(await names('/projects?search=SECRET', adasToken)).toEqual(['Secret-Project']);
    expect(await names('/projects?search=group/sub&search_namespaces=true', adasToken)).toEqual(['Secret-Project']);
    const page = await get('/projects?per_page=1&page=1&order_by=id&sort=asc', adasToken);
    expect(page.headers.get('x-next-page')).toBe('2');
    const next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1] ?? '';
    const followed = await fetch(next, { headers: { authorization: `Bearer ${adasToken}` } });
    expect(((await followed.json()) as { name: string }[]).map(({ name }) => name)).toEqual(['Secret-Project']);
    expect((await get('/projects?order_by=stars', adasToken)).status).toBe(400);
  });

  it('are all listed, whatever time zone a commit has', async () => {
    const eve = { username: 'eve', name: 'Eve', email: 'eve@example.org' };
    const token = served.forge.issueToken(eve).token;
    const members = [{ username: 'eve', accessLevel: 40 }];
    const { gitDir } = await served.forge.createProject({ namespace: 'eve', path: 'far-away', members });
    const tree = await makeRepository(join(served.scratch, 'far-away'), { 'a.txt': 'one\n' });
    const person = 'Eve <eve@example.org> 1700000000 +9900';
    const root = await runGit(tree, 'rev-parse', 'HEAD^{tree}');
    writeFileSync(join(tree, 'commit'), `tree ${root}\nauthor ${person}\ncommitter ${person}\n\nfar away\n`);
    const commit = await runGit(tree, 'hash-object', '-t', 'commit', '-w', 'commit');
    await runGit(tree, 'push', '--quiet', gitDir, `${commit}:refs/heads/main`);
    expect(await names('/projects?order_by=name&sort=asc', token)).toEqual(['far-away', 'first-light']);
    expect(await json('/projects/eve%2Ffar-away/repository/commits/main', token)).toMatchObject({
      committed_date: '2023-11-14T22:13:20.000+00:00',
    });
  });
});

describe('branches', () => {
  const branches = () => `/projects/${secret.id}/repository/branches`;

  it('are listed with their commits, and found by beginning, end or part of the name', async () => {
    const body = (await (await get(branches(), adasToken)).json()) as {
      name: string;
      default: boolean;
      commit: object;
    }[];
    expect(body.map(({ name }) => name)).toEqual([
      'feature/with/slashes',
      'island',
      'main',
      'renku/autosave/ada/main/1111111/2222222',
    ]);
    expect(body[2]).toMatchObject({
      default: true,
      protected: true,
      can_push: true,
      commit: { id: second, parent_ids: [first], committed_date: '2025-01-01T00:00:00.000+00:00', author_name: 'Test' },
    });
    expect(await names(`${branches()}?search=%5Erenku/autosave/`, adasToken)).toHaveLength(1);
    expect(await names(`${branches()}?search=%5Eautosave`, adasToken)).toEqual([]);
    expect(await names(`${branches()}?search=slashes%24`, adasToken)).toEqual(['feature/with/slashes']);
    expect(await names(`${branches()}?search=LAN`, adasToken)).toEqual(['island']);
    expect(await names(`${branches()}?per_page=2&page=2`, adasToken)).toEqual([
      'main',
      'renku/autosave/ada/main/1111111/2222222',
    ]);
  });

  it('are found only by their encoded name', async () => {
    expect(await json(`${branches()}/feature%2Fwith%2Fslashes`, adasToken)).toMatchObject({ commit: { id: first } });
    for (const name of ['feature', 'Main', 'refs']) {
      expect((await get(`${branches()}/${name}`, adasToken)).status, name).toBe(404);
    }
    for (const name of ['*', 'm*', '--all', '%00', 'HEAD', '..%2F..%2Fconfig', 'main%5E', 'refs%2Fheads%2Fmain']) {
      const response = await get(`${branches()}/${name}`, adasToken);
      expect(response.status, name).toBe(400);
      expect(await response.json()).toEqual({ message: 'The branch refname is invalid' });
    }
  });

  it('can be deleted by developers, except the default branch', async () => {
    const name = 'renku%2Fautosave%2Fada%2Fmain%2F1111111%2F2222222';
    const remove = (branch: string, token?: string) => get(`${branches()}/${branch}`, token, { method: 'DELETE' });
    expect((await remove(name, bobsToken)).status).toBe(404);
    const ofDefault = await remove('main', adasToken);
    expect(ofDefault.status).toBe(400);
    expect(await ofDefault.json()).toEqual({ message: 'The default branch of a project cannot be deleted.' });
    expect((await remove(name, adasToken)).status).toBe(204);
    expect((await remove(name, adasToken)).status).toBe(404);
    const demo = `${served.url}/api/v4/projects/demo%2Ffirst-light/repository/branches/solar-minima`;
    expect((await fetch(demo, { method: 'DELETE' })).status).toBe(401);
  });

  it('cannot be deleted by readers of the project, nor read by guests of a private project', async () => {
    const { id } = await served.forge.createProject({
      namespace: 'team',
      path: 'readers',
      members: [
        { username: 'ada', accessLevel: 20 },
        { username: 'bob', accessLevel: 10 },
      ],
    });
    const path = `/projects/${id}/repository/branches`;
    expect((await get(path, adasToken)).status).toBe(200);
    expect((await get(`${path}/main`, adasToken, { method: 'DELETE' })).status).toBe(403);
    expect((await get(`/projects/${id}`, bobsToken)).status).toBe(200);
    const refused = await get(path, bobsToken);
    expect([refused.status, await refused.json()]).toEqual([403, { message: '403 Forbidden' }]);
    const clone = `${served.url}/team/readers.git/info/refs?service=git-upload-pack`;
    const as = (token: string) => ({ authorization: `Basic ${Buffer.from(`oauth2:${token}`).toString('base64')}` });
    expect((await fetch(clone, { headers: as(adasToken) })).status).toBe(200);
    expect((await fetch(clone, { headers: as(bobsToken) })).status).toBe(403);
  });
});

describe('protected branches', () => {
  let path: string;
  let branches: string;
  const name = 'renku/autosave/bob/main/1111111/2222222';
  const send = (method: string, to: string, token: string) => get(to, token, { method });
  const remove = () => send('DELETE', `${branches}/${encodeURIComponent(name)}`, bobsToken);

  beforeAll(async () => {
    const { id } = await served.forge.createProject({
      namespace: 'team',
      path: 'guarded',
      members: [
        { username: 'ada', accessLevel: 40 },
        { username: 'bob', accessLevel: 30 },
      ],
    });
    path = `/projects/${id}/protected_branches`;
    branches = `/projects/${id}/repository/branches`;
    const tree = await makeRepository(join(served.scratch, 'guarded'), { 'a.txt': 'one\n' });
    const url = withToken(`${served.url}/team/guarded.git`, bobsToken);
    await runGit(tree, 'push', '--quiet', url, 'main', `main:${name}`);
  });

  it('are managed by maintainers only', async () => {
    for (const method of ['GET', 'POST']) expect((await send(method, `${path}?name=x`, bobsToken)).status).toBe(403);
    expect((await get('/projects/demo%2Ffirst-light/protected_branches')).status).toBe(401);
    expect(await (await get(path, adasToken)).json()).toEqual([]);
    expect((await send('POST', path, adasToken)).status).toBe(400);
    expect((await send('PUT', path, adasToken)).status).toBe(405);
  });

  it.each([name, 'renku/*', '*', '*/main/*2', 'renku/autosave/bob/main/1111111/2222222*'])(
    'that match %s reject developers with GitLab’s messages, also after a restart',
    async (pattern) => {
      const created = await send('POST', `${path}?name=${encodeURIComponent(pattern)}`, adasToken);
      expect([created.status, await created.json()]).toMatchObject([201, { name: pattern }]);
      const again = await send('POST', `${path}?name=${encodeURIComponent(pattern)}`, adasToken);
      expect([again.status, await again.json()]).toEqual([
        409,
        { message: `Protected branch '${pattern}' already exists` },
      ]);
      expect(await names(path, adasToken)).toEqual([pattern]);
      expect(await json(`${branches}/${encodeURIComponent(name)}`, bobsToken)).toMatchObject({ protected: true });
      const refused = await remove();
      expect([refused.status, await refused.json()]).toEqual([
        400,
        {
          message:
            'You are not allowed to delete protected branches from this project. Only a project maintainer or owner can delete a protected branch.',
        },
      ]);
      expect(Records.open(join(served.directory, 'forge.json')).projectByPath('team/guarded')).toMatchObject({
        protectedBranches: [{ name: pattern, pushLevel: 40, allowForcePush: false }],
      });
      const one = `${path}/${encodeURIComponent(pattern)}`;
      expect((await get(one, adasToken)).status).toBe(200);
      expect((await send('DELETE', one, adasToken)).status).toBe(204);
      expect((await send('DELETE', one, adasToken)).status).toBe(404);
    },
  );

  it('are created from JSON and both types of forms', async () => {
    const body = new FormData();
    body.set('name', 'by/form');
    const post = (init: RequestInit) =>
      fetch(`${served.url}/api/v4${path}`, {
        method: 'POST',
        ...init,
        headers: { 'private-token': adasToken, ...(init.headers as Record<string, string> | undefined) },
      });
    const json = { headers: { 'content-type': 'application/json' } };
    const created = [
      await post({ ...json, body: JSON.stringify({ name: 'by/json', push_access_level: 30, allow_force_push: true }) }),
      await post({ body: new URLSearchParams({ name: 'by/urlencoded', push_access_level: '0' }) }),
      await post({ body }),
    ];
    expect(created.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await Promise.all(created.map((response) => response.json()))).toMatchObject([
      { name: 'by/json', push_access_levels: [{ access_level: 30 }], allow_force_push: true },
      { name: 'by/urlencoded', push_access_levels: [{ access_level: 0 }], allow_force_push: false },
      { name: 'by/form', push_access_levels: [{ access_level: 40 }], allow_force_push: false },
    ]);
    // Rules that are created concurrently are all kept.
    const many = Array.from({ length: 10 }, (_, index) => `many/${index}`);
    await Promise.all(many.map((name) => post({ ...json, body: JSON.stringify({ name }) })));
    expect((await names(`${path}?per_page=100`, adasToken)).filter((name) => many.includes(name)).sort()).toEqual(many);
    for (const name of many) await send('DELETE', `${path}/${encodeURIComponent(name)}`, adasToken);
    const changed = await fetch(`${served.url}/api/v4${path}/by%2Fform`, {
      method: 'PATCH',
      headers: { 'private-token': adasToken, 'content-type': 'application/json' },
      body: '{"allow_force_push": true}',
    });
    expect([changed.status, await changed.json()]).toMatchObject([200, { name: 'by/form', allow_force_push: true }]);
    for (const [init, status] of [
      [{ ...json, body: '{"name": ' }, 400],
      [{ ...json, body: '["name"]' }, 400],
      [{ ...json, body: '{"name": {"a": 1}}' }, 400],
      [{ ...json, body: '{"name": "x", "push_access_level": 35}' }, 400],
      [{ ...json, body: '{"name": "x", "allow_force_push": "perhaps"}' }, 400],
      [{ ...json, body: JSON.stringify({ name: 'x'.repeat(256) }) }, 400],
      [{ ...json, body: JSON.stringify({ name: 'x\ny' }) }, 400],
      [{ ...json, body: JSON.stringify({ name: 'by/json' }) }, 409],
      [{ headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: 'nonsense' }, 400],
      [{ headers: { 'content-type': 'text/plain' }, body: 'name=x' }, 415],
      [{ ...json, body: JSON.stringify({ name: 'x', more: 'y'.repeat(70_000) }) }, 413],
    ] as [RequestInit, number][]) {
      expect((await post(init)).status, String(init.body).slice(0, 60)).toBe(status);
    }
    for (const name of ['by/json', 'by/urlencoded', 'by/form'])
      expect((await send('DELETE', `${path}/${encodeURIComponent(name)}`, adasToken)).status).toBe(204);
  });

  it('do not include branches that only resemble the pattern, and can be deleted by maintainers', async () => {
    for (const pattern of [
      'renku',
      'renku/autosave/bob',
      '*/other/*',
      'renku/*/22222223',
      'RENKU/*',
      'main*2*2*2*2*2',
    ]) {
      await send('POST', `${path}?name=${encodeURIComponent(pattern)}`, adasToken);
    }
    expect(await json(`${branches}/${encodeURIComponent(name)}`, bobsToken)).toMatchObject({ protected: false });
    await send('POST', `${path}?name=renku/*`, adasToken);
    expect((await remove()).status).toBe(400);
    expect((await send('DELETE', `${branches}/${encodeURIComponent(name)}`, adasToken)).status).toBe(204);
  });
});

describe('commits', () => {
  const commit = (ref: string) => json(`/projects/${secret.id}/repository/commits/${ref}`, adasToken);

  it('are found by full id, short id, tag and branch', async () => {
    expect(await commit(first)).toMatchObject({ id: first, parent_ids: [], title: 'commit 1' });
    for (const ref of [first.slice(0, 7), 'v1', 'feature%2Fwith%2Fslashes'])
      expect(await commit(ref)).toMatchObject({ id: first });
    expect(await commit('main')).toMatchObject({
      id: second,
      title: 'second',
      message: 'second\n\nwith a body: äöü\n',
    });
    expect(await commit('HEAD')).toMatchObject({ id: second });
  });

  it('are not found by expressions, options, ids of other objects, or ids of unreachable commits', async () => {
    const tree = (await commit('main'))['id'];
    expect(tree).toBe(second);
    const missing = '0'.repeat(40);
    for (const ref of [
      missing,
      'main~1',
      'main%5E%7Btree%7D',
      '--output=x',
      'main%0Av1',
      'refs%2Fheads%2Fmain',
      '%40',
      'v1%3Aa.txt',
    ]) {
      const response = await get(`/projects/${secret.id}/repository/commits/${ref}`, adasToken);
      expect(response.status, ref).toBe(404);
      expect(await response.json()).toEqual({ message: '404 Commit Not Found' });
    }
  });

  it('are compared, with the files that differ from the common ancestor', async () => {
    const compare = async (query: string) => {
      const response = await get(`/projects/${secret.id}/repository/compare?${query}`, adasToken);
      return [response.status, await response.json()] as const;
    };
    const [status, body] = await compare(`from=${first.slice(0, 8)}&to=main`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      commit: { id: second },
      commits: [{ id: second, parent_ids: [first] }],
      diffs: [{ new_path: 'a.txt', new_file: false, deleted_file: false }],
      compare_timeout: false,
      compare_same_ref: false,
    });
    expect(await compare('from=main&to=main')).toMatchObject([200, { commits: [], diffs: [], compare_same_ref: true }]);
    expect(await compare('from=nowhere&to=main')).toEqual([404, { message: '404 Ref Not Found' }]);
    expect(await compare('from=main')).toEqual([400, { error: 'to is missing' }]);
  });

  it('have a merge base, or get a 404 without one', async () => {
    const base = (...refs: string[]) =>
      get(`/projects/${secret.id}/repository/merge_base?${refs.map((ref) => `refs[]=${ref}`).join('&')}`, adasToken);
    expect(await (await base('main', first.slice(0, 8))).json()).toMatchObject({ id: first });
    expect((await base('main', 'island')).status).toBe(404);
    for (const [refs, message] of [
      [['main', 'nowhere'], 'Could not find ref: nowhere'],
      [['nowhere', 'elsewhere'], 'Could not find refs: nowhere, elsewhere'],
      [['main'], 'Provide at least 2 refs'],
    ] as const) {
      const response = await base(...refs);
      expect([response.status, await response.json()]).toEqual([400, { message }]);
    }
  });
});

describe('callers', () => {
  it('are identified by their token until it expires', async () => {
    expect(await json('/user', adasToken)).toMatchObject({ username: 'ada', email: 'ada@example.org' });
    expect((await get('/user')).status).toBe(401);
    const bad = await get('/projects/demo%2Ffirst-light', 'f'.repeat(64));
    expect([bad.status, await bad.json()]).toEqual([401, { message: '401 Unauthorized' }]);
    const { token } = served.forge.issueToken(ada, new Date(Date.now() - 1000));
    const expired = await get('/version', token);
    expect([expired.status, await expired.json()]).toEqual([
      401,
      {
        error: 'invalid_token',
        error_description: 'Token is expired. You can either do re-authorization or token refresh.',
      },
    ]);
  });

  it('get 400 or 404 in JSON for addresses that do not exist', async () => {
    for (const [path, status] of [
      ['/projects/%zz', 400],
      ['/projects/%2e%2e%2fdemo', 404],
      ['/groups', 404],
      [`/projects/${secret.id}/repository/tree`, 404],
      ['/projects/demo/first-light', 404],
      ['/projects/__proto__', 404],
    ] as const) {
      const response = await get(path, adasToken);
      expect(response.status, path).toBe(status);
      expect(response.headers.get('content-type'), path).toBe('application/json');
    }
  });

  it('get a text page at the address of a project', async () => {
    const text = await (await fetch(`${served.url}/demo/first-light`)).text();
    expect(text).toContain(`git clone ${served.url}/demo/first-light.git`);
    expect((await fetch(`${served.url}/Group/Sub/Secret-Project`)).status).toBe(404);
    expect((await fetch(served.url)).status).toBe(200);
  });
});
