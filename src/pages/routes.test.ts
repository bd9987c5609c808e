import { request as undiciRequest } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  as,
  dataIn,
  hostileName,
  project,
  requestId,
  type ServedPages,
  servePages,
} from '../../tests/support/pages/served-pages.ts';

let pages: ServedPages;
const get: ServedPages['get'] = (...request) => pages.get(...request);

beforeAll(async () => {
  pages = await servePages();
});
afterAll(() => pages.close());

describe('launch page', () => {
  it('launches the default branch if the URL has no ref', async () => {
    const { status, response, data } = await get(`/launch/${project}`);
    expect(status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(data()).toEqual({
      namespace: 'Group/Sub',
      project: 'Solar-Wind',
      branch: 'main',
      commitSha: pages.onMain,
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
      commitSha: pages.onFeature,
      options: { image: 'a/b:1', resource_class_id: 2, storage: 5, lfs_auto_fetch: true, default_url: '/tree' },
    });
    expect((await get(`/launch/${project}?configure=yes`)).data()).toMatchObject({ begin: 'configure', options: {} });
    expect((await get(`/launch/${project}?configure=false`)).data()).toMatchObject({ begin: 'launch' });
    const invalid = await get(`/launch/${project}?storage=much`);
    expect([invalid.status, invalid.response.headers.get('content-type')]).toEqual([422, 'text/html; charset=utf-8']);
  });

  it.each([
    ['a branch with a slash', 'feature/x', () => ({ branch: 'feature/x', commitSha: pages.onFeature })],
    ['a tag', 'v1', () => ({ branch: 'main', commitSha: pages.onFeature })],
    ['nothing', '', () => ({ branch: 'main', commitSha: pages.onMain })],
  ])('accepts %s as ref', async (_what, ref, expected) => {
    const { data } = await get(`/launch/${project}?ref=${encodeURIComponent(ref)}`);
    expect(data()).toMatchObject(expected());
  });

  it('accepts a short commit id', async () => {
    const { data } = await get(`/launch/${project}?ref=${pages.onFeature.slice(0, 8)}`);
    expect(data()).toMatchObject({ branch: 'main', commitSha: pages.onFeature });
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
    expect(new URL(root, `${pages.origin}/notebooks${path}`).pathname).toBe('/notebooks/');
  });

  it.each([
    ['cross-site', 'consent'],
    ['same-site', 'consent'],
    [undefined, 'consent'],
    ['same-origin', 'launch'],
    ['none', 'launch'],
  ])('launches immediately only if the user came from this site or typed the URL (%s)', async (site, begin) => {
    pages.setCaller(pages.registered);
    const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const headers = site ? { 'sec-fetch-site': site, ...link } : {};
    // fetch cannot be used, because it sets these headers itself.
    const { body } = await undiciRequest(`${pages.origin}/notebooks/launch/${project}`, { headers });
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
    const { status, text } = await get(`/launch/${project}`, { as: pages.anonymous });
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
    const revoked = as({ url: pages.forge.url, token: 'revoked', tokenExpiresAt: -1 });
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
    expect(new URL(response.headers.get('location') ?? '', `${pages.origin}/notebooks`).href).toBe(
      `${pages.origin}/notebooks/`,
    );
  });

  it('names the user', async () => {
    expect((await get('/')).text).toContain('Ada Lovelace');
    expect((await get('/', { as: pages.anonymous })).text).toContain('You are not signed in');
  });
});

describe('assets', () => {
  it('can be cached permanently under the URLs in the page', async () => {
    const { text } = await get('/');
    const addresses = [...text.matchAll(/(?:href|src)="(\.\/assets\/[^"]+)"/g)].map(
      (match) => match[1]?.slice(1) ?? '',
    );
    expect(addresses).toHaveLength(7);
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
