import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitFiles, runGit, withToken } from '../../tests/support/local/forge/served-forge.ts';
import { hostileName, project, type ServedPages, servePages } from '../../tests/support/pages/served-pages.ts';

let pages: ServedPages;
const get: ServedPages['get'] = (...request) => pages.get(...request);

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages.close());

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
      web_url: `${pages.forge.url}/${project}`,
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
        { name: 'feature/x', commit_sha: pages.onFeature, committed_at: expect.any(String) },
        { name: 'main', commit_sha: pages.onMain, committed_at: expect.any(String) },
      ],
      next_page: null,
    });
    const found = JSON.parse((await get('/projects/group%2Fsub%2Fsolar-wind/branches?search=%20ATURE%20')).text);
    expect(found).toMatchObject({ branches: [{ name: 'feature/x' }] });
    const commits = (ref: string) => get(`/projects/${project}/commits?ref=${encodeURIComponent(ref)}`);
    expect(JSON.parse((await commits('main')).text)).toEqual({
      commits: [
        {
          commit_sha: pages.onMain,
          title: 'second',
          author_name: expect.any(String),
          committed_at: expect.any(String),
        },
        {
          commit_sha: pages.onFeature,
          title: expect.any(String),
          author_name: expect.any(String),
          committed_at: expect.any(String),
        },
      ],
      next_page: null,
    });
    for (const ref of ['feature/x', 'v1', pages.onFeature]) {
      expect(JSON.parse((await commits(ref)).text), ref).toMatchObject({ commits: [{ commit_sha: pages.onFeature }] });
    }
    expect(JSON.parse((await commits('')).text)).toMatchObject({ commits: [{ commit_sha: pages.onMain }, {}] });
  });

  it('are listed in pages', async () => {
    const tree = join(pages.forge.scratch, 'tree');
    for (let index = 0; index < 25; index += 1) await commitFiles(tree, { 'n.txt': `${index}\n` }, `step ${index}`);
    await runGit(
      tree,
      'push',
      '--quiet',
      withToken(`${pages.forge.url}/${project}.git`, pages.registered.git.token ?? ''),
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
      expect((await get(`/projects/${project}/${list}`, { as: pages.anonymous })).status).toBe(404);
    }
  });
});
