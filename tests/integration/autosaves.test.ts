import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { AutosavesList, ErrorResponse } from '../../src/generated/openapi.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, openSession, type SessionResponse, waitForState } from '../support/session.ts';

let scratch: string;
let repository: string;
let platform: Platform;
let username: string;

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  return execFileSync('git', [...identity, ...args], { cwd: repository, encoding: 'utf8' }).trim();
}

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'notebook-sessions-autosaves-'));
  repository = join(scratch, 'own');
  mkdirSync(repository);
  git('init', '--quiet', '--initial-branch=trunk');
  for (const content of ['first', 'second']) {
    writeFileSync(join(repository, 'notes.txt'), `${content}\n`);
    git('add', '--all');
    git('commit', '--quiet', '--message', content);
  }
  platform = await startPlatform({ args: ['--no-demo', '--project', repository] });
  ({ username } = (await (await platform.api('/auth/me')).json()) as { username: string });
});
afterAll(async () => {
  await platform?.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

async function autosaves(project: string): Promise<AutosavesList['autosaves']> {
  const response = await platform.api(`/notebooks/${project}/autosave`);
  const body = await response.text();
  expect(response.status, body).toBe(200);
  return (JSON.parse(body) as AutosavesList).autosaves;
}

async function launch(commit: string): Promise<SessionResponse> {
  const response = await platform.api('/notebooks/servers', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ namespace: 'demo', project: 'first-light', branch: 'main', commit_sha: commit }),
  });
  const session = (await response.json()) as SessionResponse;
  expect(response.status, JSON.stringify(session)).toBe(201);
  return session;
}

it('autosaves of a session are listed, and one is deleted when a session of a later commit, which has its content, is launched', async () => {
  const tip = await demoCommit(platform);
  const response = await platform.api(`/forge/api/v4/projects/demo%2Ffirst-light/repository/commits/${tip}`);
  const { parent_ids } = (await response.json()) as { parent_ids: string[] };
  const parent = parent_ids[0] as string;

  const first = await launch(parent);
  const running = await waitForState(platform, first.name, ['running', 'failed']);
  expect(running.status, JSON.stringify(running.status)).toMatchObject({ state: 'running' });
  const name = (root: string) => `renku/autosave/${username}/main/${root.slice(0, 7)}/${root.slice(0, 7)}`;
  /** An autosave that has nothing that the later commit does not have. */
  const superseded = `renku/autosave/${username}/main/${parent.slice(0, 7)}/0000000`;
  const all = [name(parent), name(tip), superseded].sort();
  const session = await openSession(platform, running.url);
  const printed = await session.execute(
    await session.startKernel(),
    [
      'import subprocess',
      "open('unsaved.txt', 'w').write('work\\n')",
      'run = lambda command: subprocess.run(command, shell=True, capture_output=True, text=True)',
      "run('git add --all && git commit --message autosave')",
      `print(run('git push origin HEAD:refs/heads/${name(parent)} HEAD:refs/heads/${name(tip)} HEAD~1:refs/heads/${superseded}'))`,
    ].join('\n'),
  );
  expect(printed).toContain('returncode=0');
  const listed = await autosaves('demo%2Ffirst-light');
  expect(listed.toSorted(byCommit)).toMatchObject(
    [parent, parent, tip].map((root) => ({ branch: 'main', commit: root.slice(0, 7), pvs: false })).sort(byCommit),
  );
  expect(listed.map((autosave) => autosave.name).sort()).toEqual(all);
  for (const { date, name: of } of listed)
    if (of !== superseded) expect(Date.parse(date ?? '')).toBeGreaterThan(Date.parse('2025-01-01'));

  // As long as the first session exists, it may have to restore its autosave.
  const second = await launch(tip);
  await waitForState(platform, second.name, ['running']);
  expect(await autosaves('demo/first-light')).toHaveLength(3);
  for (const { name: old } of [first, second]) {
    await platform.api(`/notebooks/servers/${old}?forced=true`, { method: 'DELETE' });
    await waitForState(platform, old, ['gone']);
  }

  await launch(tip);
  await vi.waitFor(
    async () => expect((await autosaves('demo/first-light')).map((each) => each.name)).not.toContain(superseded),
    { timeout: 120_000, interval: 200 },
  );
  // These have a file that no session has restored.
  expect((await autosaves('demo/first-light')).map((each) => each.name).sort()).toEqual(
    [name(parent), name(tip)].sort(),
  );
});

const byCommit = (a: { commit: string }, b: { commit: string }) => (a.commit < b.commit ? -1 : 1);

it('an autosave is deleted through the API, or the response says why it is not', async () => {
  const [, path = ''] = await platform.printed(/serving .* as (\S+)$/);
  const commit = git('rev-parse', '--short=7', 'HEAD~1');
  const own = `renku/autosave/${username}/trunk/${commit}/${commit}`;
  const inUse = `renku/autosave/${username}/trunk/${commit}/1234567`;
  const foreign = `renku/autosave/another-user/trunk/${commit}/${commit}`;
  for (const name of [own, inUse, foreign]) git('branch', name, 'HEAD~1');
  git('worktree', 'add', '--quiet', join(scratch, 'elsewhere'), inUse);
  const encoded = encodeURIComponent(path);
  expect((await autosaves(path)).map(({ name }) => name).sort()).toEqual([inUse, own].sort());
  expect(await autosaves(encoded)).toHaveLength(2);

  const remove = async (name: string): Promise<{ status: number; text: string }> => {
    const response = await platform.api(`/notebooks/${encoded}/autosave/${name}`, { method: 'DELETE' });
    return { status: response.status, text: await response.text() };
  };
  expect(await remove(encodeURIComponent(own))).toEqual({ status: 204, text: '' });
  expect((await remove(own)).status).toBe(404);
  expect((await remove(foreign)).status).toBe(404);
  const rejected = await remove(inUse);
  const { error } = JSON.parse(rejected.text) as ErrorResponse;
  expect([rejected.status, error.code]).toEqual([403, 1403]);
  expect(error.detail).toContain('it is checked out in a working tree');
  expect(git('branch', '--list', 'renku/*', '--format=%(refname:short)').split('\n').sort()).toEqual(
    [inUse, foreign].sort(),
  );

  // An anonymous visitor: the demo project is public, the project of the user is private.
  const cookie = await platform.signIn('anonymous');
  const asVisitor = (project: string) => platform.api(`/notebooks/${project}/autosave`, { headers: { cookie } });
  expect(await (await asVisitor('demo/first-light')).json()).toMatchObject({ autosaves: [] });
  expect((await asVisitor(encoded)).status).toBe(404);
});
