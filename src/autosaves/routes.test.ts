import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { anonymous, registered } from '../../tests/support/autosaves/callers.ts';
import { type AutosaveService, namesIn, outcome, startAutosaveService } from '../../tests/support/autosaves/service.ts';
import { openWorkshop, type Workshop } from '../../tests/support/autosaves/workshop.ts';
import { ada, bob, type ServedForge, serveForge } from '../../tests/support/local/forge/served-forge.ts';
import type { ForgeProject } from '../local/forge/records.ts';

let served: ServedForge;
let project: ForgeProject;
let workshop: Workshop;
let service: AutosaveService;
let { send, list, remove } = {} as AutosaveService;
/** Method and path of every call to the forge. */
let calls: string[] = [];

beforeAll(async () => {
  served = await serveForge();
  served.intercept = (request) => {
    calls.push(`${request.method} ${request.url?.replace('/forge', '')}`);
    return false;
  };
  const adasToken = served.forge.issueToken(ada).token;
  await served.forge.ensureDemoProject();
  project = await served.forge.createProject({
    namespace: 'Group/Sub',
    path: 'Own',
    members: [
      { username: 'ada', accessLevel: 30 },
      { username: 'bob', accessLevel: 30 },
      { username: 'reader', accessLevel: 20 },
      { username: 'guest', accessLevel: 10 },
    ],
  });
  workshop = await openWorkshop(served, 'Group/Sub/Own', adasToken);
  const token = (username: string) => served.forge.issueToken({ username, name: username, email: 'x@y' }).token;
  service = await startAutosaveService();
  ({ send, list, remove } = service);
  service.callers.set('ada', registered(served.url, adasToken));
  service.callers.set('anonymous', anonymous(served.url));
  for (const name of ['bob', 'reader', 'guest', 'stranger']) {
    service.callers.set(name, registered(served.url, token(name), name));
  }
  const { token: expired } = served.forge.issueToken(ada, new Date(Date.now() - 1000));
  service.callers.set('expired', registered(served.url, expired));
});
afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await served?.close();
});
beforeEach(() => {
  calls = [];
});

describe('the content', () => {
  const contentOf = (name: string, caller?: string, project = 'Group/Sub/Own') =>
    send('GET', `/${project}/autosave/${name}`, caller);

  it('has the files and commits since the commit of the launch, with a single call to GitLab', async () => {
    const [first, second] = workshop.commits;
    const name = `renku/autosave/ada/feature/old/${first.slice(0, 7)}/${second.slice(0, 7)}`;
    await workshop.push(second, name);
    calls = [];
    const answer = await contentOf(name);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json()).toMatchObject({
      name,
      branch: 'feature/old',
      commit: first.slice(0, 7),
      files: { count: 1, names: ['a.txt'], isComplete: true },
      commits: { count: 1, newest: [{ commit_sha: second, title: 'second' }], isComplete: true },
      others: 0,
    });
    expect(calls).toEqual([expect.stringMatching(/^GET .*\/repository\/compare\?from=/)]);
    expect((await contentOf(name.replaceAll('/', '%2F'))).status).toBe(200);
    await service.remove('Group/Sub/Own', name);
  });

  it('is a 404 for an autosave that does not exist or is not of the caller, and for an unknown project', async () => {
    const name = `renku/autosave/ada/main/${workshop.commits[0].slice(0, 7)}/1234567`;
    expect(outcome(await contentOf(name))).toEqual([404, 1404]);
    expect(outcome(await contentOf('main'))).toEqual([404, 1404]);
    expect(outcome(await contentOf(name, 'ada', 'Group/Sub/None'))).toEqual([404, 1404]);
    calls = [];
    expect(outcome(await contentOf(name, 'bob'))).toEqual([404, 1404]);
    expect(outcome(await contentOf(name, 'anonymous'))).toEqual([404, 1404]);
    expect(calls).toEqual([]);
    expect(outcome(await contentOf(name, 'expired'))).toEqual([401, 1401]);
  });
});

describe('the list', () => {
  const dates = new Map<string, string>();
  const others: string[] = [];
  beforeAll(async () => {
    const [first, second, third] = workshop.commits;
    for (const [branch, commit, date] of [
      ['main', first, '2025-03-01T10:00:00Z'],
      ['main', second, '2025-03-03T10:00:00+02:00'],
      ['feature/with/slashes', third, '2025-03-02T10:00:00Z'],
    ] as const) {
      dates.set(await workshop.autosave('ada', branch, commit, date), date.replace('Z', '+00:00'));
    }
    others.push(await workshop.autosave('bob', 'main', first), await workshop.autosave('ADA', 'main', first));
    await workshop.push(first, 'renku/autosave/ada/nothing', 'renku/autosave/ada/main/12345678/1234567');
  });

  it("has the caller's own autosaves, newest first, with a single call to GitLab", async () => {
    const answer = await list('Group/Sub/Own');
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({
      pvsSupport: true,
      autosaves: [
        ['main', workshop.commits[1]],
        ['feature/with/slashes', workshop.commits[2]],
        ['main', workshop.commits[0]],
      ].map(([branch, commit = '']) => {
        const short = commit.slice(0, 7);
        const name = `renku/autosave/ada/${branch}/${short}/${short}`;
        return { branch, commit: short, pvs: false, date: dates.get(name), name };
      }),
    });
    expect(calls).toEqual([
      expect.stringMatching(/^GET \/api\/v4\/projects\/Group%2FSub%2FOwn\/repository\/branches\?/),
    ]);
    expect(namesIn(await list('Group/Sub/Own', 'bob'))).toEqual([others[0]]);
    expect(namesIn(await list('Group/Sub/Own', 'reader'))).toEqual([]);
  });

  it.each([
    'Group/Sub/Own',
    'Group%2FSub%2FOwn',
    'Group%2fSub/Own',
    'group//sub/OWN',
    '/Group/Sub/Own',
    'Group%2F%2FSub/Own/',
  ])('is found at %s', async (path) => {
    const answer = await list(path);
    expect(answer.status, answer.text).toBe(200);
    expect(namesIn(answer)).toHaveLength(3);
  });

  it('is found by the number of the project, and answers HEAD', async () => {
    expect(namesIn(await list(String(project.id)))).toHaveLength(3);
    expect(await send('HEAD', '/Group/Sub/Own/autosave')).toMatchObject({ status: 200, text: '' });
  });

  it.each([
    'Group/Sub/None',
    'nothing',
    '4711',
    '99999999999999999999999',
    '..',
    '%2e%2e',
    'Group%2F..%2F..%2Fuser',
    'servers/x',
    'Group/Sub/Own/autosave',
    '%3Fa%23b',
  ])('of %s is a 404', async (path) => {
    const answer = await list(path);
    expect(outcome(answer)).toEqual([404, 1404]);
    expect(answer.error().detail).toContain('access');
  });

  it('is a 404 for a caller who cannot read the repository', async () => {
    expect(outcome(await list('Group/Sub/Own', 'stranger'))).toEqual([404, 1404]);
    expect(outcome(await list('Group/Sub/Own', 'guest'))).toEqual([404, 1404]);
  });

  it('is empty for anonymous users, and a 404 if the project is not public', async () => {
    expect((await list('demo/first-light', 'anonymous')).json()).toEqual({ pvsSupport: true, autosaves: [] });
    expect(outcome(await list('Group/Sub/Own', 'anonymous'))).toEqual([404, 1404]);
  });

  it('requires an identity, with a token that GitLab accepts', async () => {
    expect(outcome(await list('Group/Sub/Own', 'unknown'))).toEqual([401, 1401]);
    expect(outcome(await list('Group/Sub/Own', 'expired'))).toEqual([401, 1401]);
    expect(outcome(await list(`Group/Sub/${'x'.repeat(1100)}`))).toEqual([404, 1404]);
    expect(outcome(await list('Group/Sub/a%00b'))).toEqual([404, 1404]);
  });

  it.each(['/Group/Sub/Own/autosave/', '/autosave', '/Group/Sub/Own/Autosave'])(
    '%s is not an address',
    async (path) => {
      expect(outcome(await send('GET', path))).toEqual([404, 1404]);
    },
  );

  it('supports no other method', async () => {
    const answer = await send('POST', '/Group/Sub/Own/autosave');
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    const one = await send('PUT', '/Group/Sub/Own/autosave/renku/autosave/ada/main/1234567/1234567');
    expect([one.status, one.headers.allow]).toEqual([405, 'GET, HEAD, DELETE, OPTIONS']);
  });

  it('can have hundreds of autosaves, with one call for each hundred', async () => {
    const [first] = workshop.commits;
    const many = Array.from(
      { length: 230 },
      (_, i) => `renku/autosave/reader/main/0000000/${String(i).padStart(7, '0')}`,
    );
    await workshop.push(first, ...many);
    calls = [];
    expect(namesIn(await list('Group/Sub/Own', 'reader')).sort()).toEqual(many);
    expect(calls).toHaveLength(3);
  });
});

describe('a deletion', () => {
  let name: string;
  const isThere = async () => (await workshop.autosaves()).includes(name);
  beforeEach(async () => {
    name = await workshop.autosave('ada', 'feature/x', workshop.commits[0]);
    calls = [];
  });

  it.each([
    ['raw slashes', (text: string) => text],
    ['encoded slashes', (text: string) => encodeURIComponent(text)],
    ['both', (text: string) => text.replace('/', '%2F')],
    ['double slashes', (text: string) => text.replaceAll('/', '//')],
  ])('with %s is complete when the response arrives', async (_what, written) => {
    for (const path of [written('Group/Sub/Own'), String(project.id)]) {
      await workshop.autosave('ada', 'feature/x', workshop.commits[0]);
      expect(await remove(path, written(name))).toMatchObject({ status: 204, text: '' });
      expect(await isThere()).toBe(false);
    }
  });

  it('makes two calls to GitLab, and is a 404 the second time', async () => {
    expect((await remove('Group/Sub/Own', name)).status).toBe(204);
    expect(calls).toEqual([
      'GET /api/v4/projects/Group%2FSub%2FOwn',
      `DELETE /api/v4/projects/${project.id}/repository/branches/${encodeURIComponent(name)}`,
    ]);
    const again = await remove('Group/Sub/Own', name);
    expect(outcome(again)).toEqual([404, 1404]);
    expect(again.error().message).toContain(name);
    expect(service.log()).toContain('autosave deleted');
  });

  it("of another user's autosave is rejected without a call to GitLab", async () => {
    for (const caller of ['bob', 'stranger', 'anonymous']) {
      const answer = await remove('Group/Sub/Own', name, caller);
      expect(outcome(answer), caller).toEqual([404, 1404]);
    }
    const theirs = await workshop.autosave('ADA', 'main', workshop.commits[0]);
    calls = [];
    const answer = await remove('Group/Sub/Own', theirs);
    expect(outcome(answer)).toEqual([404, 1404]);
    expect(answer.error().detail).toContain('renku/autosave/ada/');
    expect(calls).toEqual([]);
    expect(await isThere()).toBe(true);
    expect(await workshop.autosaves()).toContain(theirs);
  });

  it('is rejected for an anonymous user with the id of the owner', async () => {
    service.callers.set('impostor', anonymous(served.url, 'ada'));
    expect(outcome(await remove('Group/Sub/Own', name, 'impostor'))).toEqual([404, 1404]);
    expect(await isThere()).toBe(true);
  });

  it.each([
    'main',
    'side',
    'renku/autosave/ada/main',
    'renku/autosave/ada/main/1234567/12345678',
    'renku/autosave/ada/../../../main/1234567/1234567',
    'renku/autosave/ada/ma%20in/1234567/1234567',
    'renku/autosave/ada/main*/1234567/1234567',
  ])('is a 404 for %s, which is not an autosave', async (other) => {
    expect(outcome(await remove('Group/Sub/Own', other))).toEqual([404, 1404]);
    expect(calls).toEqual([]);
  });

  it('is a 404 for a project that does not exist, and for a part of the path of another one', async () => {
    expect(outcome(await remove('Group/Sub/None', name))).toEqual([404, 1404]);
    expect(outcome(await remove('autosave', name))).toEqual([404, 1404]);
    expect(outcome(await remove('Group/Sub/Own', `renku/autosave/${'x'.repeat(1100)}`))).toEqual([404, 1404]);
    expect(await isThere()).toBe(true);
  });

  it('has advice if GitLab denies it without a reason', async () => {
    const readers = await workshop.autosave('reader', 'main', workshop.commits[0]);
    const answer = await remove('Group/Sub/Own', readers, 'reader');
    expect(outcome(answer)).toEqual([403, 1403]);
    expect(answer.error().detail).toMatch(/^You need the Developer role/);
    expect(await workshop.autosaves()).toContain(readers);
  });

  it('of a protected branch is rejected with the reason', async () => {
    const guarded = await served.forge.createProject({
      namespace: 'autosave',
      path: 'autosave',
      members: [
        { username: 'ada', accessLevel: 30 },
        { username: 'bob', accessLevel: 40 },
      ],
    });
    const own = await openWorkshop(served, 'autosave/autosave', served.forge.issueToken(ada).token);
    const branch = await own.autosave('ada', 'main', own.commits[0]);
    const protectedBranches = `${served.url}/api/v4/projects/${guarded.id}/protected_branches`;
    const asBob = { authorization: `Bearer ${served.forge.issueToken(bob).token}` };
    await fetch(`${protectedBranches}?name=renku/*`, { method: 'POST', headers: asBob });
    const answer = await remove('autosave/autosave', branch);
    expect(outcome(answer)).toEqual([403, 1403]);
    expect(answer.error().detail).toContain('You are not allowed to delete protected branches from this project.');
    expect(await own.autosaves()).toEqual([branch]);
    // A project of that name, to the end: listed and deleted like any other.
    expect(namesIn(await list('autosave/autosave'))).toEqual([branch]);
    await fetch(`${protectedBranches}/renku%2F*`, { method: 'DELETE', headers: asBob });
    expect((await remove('autosave/autosave', branch)).status).toBe(204);
    expect(await own.autosaves()).toEqual([]);
  });

  it('requires a token that GitLab accepts', async () => {
    expect(outcome(await remove('Group/Sub/Own', name, 'expired'))).toEqual([401, 1401]);
    expect(outcome(await remove('Group/Sub/Own', name, 'unknown'))).toEqual([401, 1401]);
    expect(await isThere()).toBe(true);
  });
});
