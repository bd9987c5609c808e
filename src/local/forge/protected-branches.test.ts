import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
import { Records } from './records.ts';

/** Protected branches in pushes. Ada is a maintainer, Bob a developer. */

let served: ServedForge;
let tokens: { ada: string; bob: string };
let number = 0;
let project: { id: number; url: string };
let tree: string;
/** A commit of `main`, its child, and another child of it. */
let [first, second, other] = ['', '', ''];

beforeAll(async () => {
  served = await serveForge();
  tokens = { ada: served.forge.issueToken(ada).token, bob: served.forge.issueToken(bob).token };
});
afterAll(() => served.close());

beforeEach(async () => {
  const path = `guarded-${number++}`;
  const { id } = await served.forge.createProject({
    namespace: 'team',
    path,
    members: [
      { username: 'ada', accessLevel: 40 },
      { username: 'bob', accessLevel: 30 },
    ],
  });
  project = { id, url: `${served.url}/team/${path}.git` };
  tree = await makeRepository(join(served.scratch, path), { 'a.txt': 'one\n' });
  first = await runGit(tree, 'rev-parse', 'HEAD');
  second = await commitFiles(tree, { 'a.txt': 'two\n' }, 'two');
  await runGit(tree, 'checkout', '--quiet', '--detach', first);
  other = await commitFiles(tree, { 'a.txt': 'other\n' }, 'other');
  await runGit(tree, 'push', '--quiet', withToken(project.url, tokens.bob), `${second}:refs/heads/main`);
});

/** Pushes as this user. Returns the error message of the server, or 'accepted'. */
async function push(user: 'ada' | 'bob', ...refspecs: string[]): Promise<string> {
  return runGit(tree, 'push', '--porcelain', withToken(project.url, tokens[user]), ...refspecs).then(
    () => 'accepted',
    (error: { stderr?: string }) => /remote: GitLab: (.*?) *$/m.exec(error.stderr ?? '')?.[1] ?? error.stderr ?? '',
  );
}

async function protect(parameters: Record<string, unknown>): Promise<void> {
  const response = await fetch(`${served.url}/api/v4/projects/${project.id}/protected_branches`, {
    method: 'POST',
    headers: { 'private-token': tokens.ada, 'content-type': 'application/json' },
    body: JSON.stringify(parameters),
  });
  expect(response.status).toBe(201);
}

const tips = async () =>
  Object.fromEntries(
    (await runGit(tree, 'ls-remote', '--heads', withToken(project.url, tokens.bob)))
      .split('\n')
      .map((line) => line.split('\trefs/heads/').reverse()),
  ) as Record<string, string>;

const shown = async (branch: string, token = tokens.bob) =>
  (await (
    await fetch(`${served.url}/api/v4/projects/${project.id}/repository/branches/${encodeURIComponent(branch)}`, {
      headers: { 'private-token': token },
    })
  ).json()) as Record<string, unknown>;

const noForce = 'You are not allowed to force push code to a protected branch on this project.';
const noPush = 'You are not allowed to push code to protected branches on this project.';

describe('the default branch', () => {
  it('accepts pushes of developers, and rejects force pushes and deletions of all users', async () => {
    const next = await runGit(tree, 'commit-tree', `${second}^{tree}`, '-p', second, '-m', 'next');
    expect(await push('bob', `${next}:refs/heads/main`)).toBe('accepted');
    for (const user of ['ada', 'bob'] as const) {
      expect(await push(user, `+${other}:refs/heads/main`)).toBe(noForce);
      expect(await push(user, ':refs/heads/main')).toBe('The default branch of a project cannot be deleted.');
    }
    expect(await tips()).toEqual({ main: next });
    expect(await shown('main')).toMatchObject({ protected: true, developers_can_push: true, can_push: true });
  });

  it('accepts force pushes if a rule allows them', async () => {
    await protect({ name: 'main', allow_force_push: true });
    expect(await push('bob', `+${other}:refs/heads/main`)).toBe(noPush);
    expect(await push('ada', `+${other}:refs/heads/main`)).toBe('accepted');
    expect(await shown('main')).toMatchObject({ protected: true, developers_can_push: false, can_push: false });
    expect(await shown('main', tokens.ada)).toMatchObject({ can_push: true });
  });
});

describe('a protected branch', () => {
  it.each(['release', 'rel*', '*', 'r*l*e'])(
    'that matches %s accepts pushes of maintainers, but no force pushes',
    async (name) => {
      await protect({ name });
      expect(await push('bob', `${first}:refs/heads/release`), 'a push that creates the branch').toBe(noPush);
      expect(await push('ada', `${first}:refs/heads/release`)).toBe('accepted');
      expect(await push('bob', `${second}:refs/heads/release`)).toBe(noPush);
      expect(await push('ada', `${second}:refs/heads/release`)).toBe('accepted');
      expect(await push('ada', `+${other}:refs/heads/release`)).toBe(noForce);
      expect(await push('bob', ':refs/heads/release')).toMatch(/^You are not allowed to delete protected branches/);
      expect(await push('ada', ':refs/heads/release')).toBe(
        'You can only delete protected branches using the web interface.',
      );
      expect(await tips()).toEqual({ main: second, release: second });
    },
  );

  it('is neither a branch that only resembles the pattern nor a tag', async () => {
    for (const name of [
      'rel',
      'RELEASE',
      '?elease',
      '[r]elease',
      'r\\*',
      '*.*',
      'release/*',
      "'; touch x; '",
      '$(touch x)',
      '#',
    ])
      await protect({ name });
    for (const target of ['refs/heads/release', 'refs/tags/rel']) {
      expect(await push('bob', `${second}:${target}`)).toBe('accepted');
      expect(await push('bob', `+${other}:${target}`)).toBe('accepted');
      expect(await push('bob', `:${target}`)).toBe('accepted');
    }
  });

  it('applies the most permissive of its rules, and rejects all pushes if that rule does', async () => {
    await protect({ name: 'dev*' });
    await protect({ name: 'dev/*', push_access_level: 30, allow_force_push: true });
    await protect({ name: 'frozen', push_access_level: 0 });
    expect(await push('bob', `${second}:refs/heads/dev/x`)).toBe('accepted');
    expect(await push('bob', `+${other}:refs/heads/dev/x`)).toBe('accepted');
    expect(await push('bob', `${second}:refs/heads/develop`)).toBe(noPush);
    expect(await push('ada', `${second}:refs/heads/frozen`)).toBe(noPush);
  });

  it('causes a push of several branches to fail as a whole', async () => {
    await protect({ name: 'release' });
    expect(await push('bob', `${second}:refs/heads/feature`, `${second}:refs/heads/release`)).toBe(noPush);
    expect(await tips()).toEqual({ main: second });
  });

  it('is read from files of older versions', () => {
    const file = join(served.scratch, 'old', 'forge.json');
    Records.open(file).ensureUser(ada);
    const stored = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const old = { id: 1, namespace: 'a', path: 'b', protectedBranches: ['main', 'x/*'] };
    writeFileSync(file, JSON.stringify({ ...stored, projects: [old, { id: 2, namespace: 'a', path: 'c' }] }));
    expect(
      Records.open(file)
        .projects()
        .map(({ protectedBranches }) => protectedBranches),
    ).toEqual([['main', 'x/*'].map((name) => ({ name, pushLevel: 40, allowForcePush: false })), []]);
  });
});

it('an empty repository has no protected branches', async () => {
  const { id } = await served.forge.createProject({
    namespace: 'team',
    path: 'empty',
    members: [{ username: 'bob', accessLevel: 30 }],
  });
  project = { id, url: `${served.url}/team/empty.git` };
  expect(await push('bob', `${second}:refs/heads/main`, `${other}:refs/heads/x`)).toBe('accepted');
});
