import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AutosavesList, DryRunResponse } from '../../src/generated/openapi.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { openSession, type SessionResponse, waitForState } from '../support/session.ts';

let scratch: string;
let repository: string;
let platform: Platform;

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  return execFileSync('git', [...identity, ...args], { cwd: repository, encoding: 'utf8' }).trim();
}

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'notebook-sessions-sha256-'));
  repository = join(scratch, 'long-ids');
  mkdirSync(repository);
  git('init', '--quiet', '--initial-branch=trunk', '--object-format=sha256');
  writeFileSync(join(repository, 'notes.txt'), 'first\n');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'first');
  platform = await startPlatform({ args: ['--no-demo', '--project', repository] });
});
afterAll(async () => {
  await platform?.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

const post = (path: string, body: object): Promise<Response> =>
  platform.api(`/notebooks${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

it('a project with commit ids of 64 digits can be launched, also from the launch page, found by filters, and saves work', async () => {
  const id = git('rev-parse', 'HEAD');
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  const [, namespace, project] = await platform.printed(/serving .* as ([^/]+)\/(\S+)$/);
  const page = await (await platform.api(`/notebooks/launch/${namespace}/${project}`)).text();
  const data = JSON.parse(/<script [^>]*type="application\/json"[^>]*>([^<]+)</.exec(page)?.[1] ?? '{}') as {
    branch: string;
    commitSha: string;
  };
  expect(data).toMatchObject({ branch: 'trunk', commitSha: id });
  const body = { namespace, project, branch: data.branch, commit_sha: data.commitSha };

  const dryRun = (await (await post('/servers?dry_run=true', body)).json()) as DryRunResponse;
  expect(dryRun, JSON.stringify(dryRun)).toMatchObject({ possible: true, preview: { commit_sha: id } });
  const launched = await post('/servers', body);
  const { name } = (await launched.json()) as SessionResponse;
  expect([launched.status, name]).toEqual([201, dryRun.preview?.name]);
  const running = await waitForState(platform, name, ['running', 'failed']);
  expect(running.status, JSON.stringify(running.status)).toMatchObject({ state: 'running' });
  expect(running.annotations['renku.io/commit-sha']).toBe(id);

  const filtered = await platform.api(`/notebooks/servers?commit_sha=${id}`);
  expect(Object.keys(((await filtered.json()) as { servers: object }).servers)).toEqual([name]);
  expect((await post('/servers', { namespace, project, commit_sha: 'trunk' })).status).toBe(200);

  const session = await openSession(platform, running.url);
  const autosave = `renku/autosave/$RENKU_USERNAME/trunk/${id.slice(0, 7)}/${id.slice(0, 7)}`;
  const printed = await session.execute(
    await session.startKernel(),
    [
      'import subprocess',
      'run = lambda command: subprocess.run(command, shell=True, capture_output=True, text=True)',
      "print(run('git rev-parse HEAD').stdout.strip())",
      `saved = run('git push origin HEAD:refs/heads/${autosave}')`,
      'print(saved.returncode, saved.stderr if saved.returncode else "")',
    ].join('\n'),
  );
  expect(printed.trim().split(/\s+/)).toEqual([id, '0']);
  const autosaves = (await (await platform.api(`/notebooks/${namespace}/${project}/autosave`)).json()) as AutosavesList;
  expect(autosaves.autosaves).toMatchObject([{ branch: 'trunk', commit: id.slice(0, 7) }]);
});
