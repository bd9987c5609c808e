import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { openSession, type SessionAnswer, waitForState } from '../support/session.ts';

let scratch: string;
let repository: string;
let openRepository: string;
let platform: Platform;

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  return execFileSync('git', [...identity, ...args], { cwd: repository, encoding: 'utf8' }).trim();
}

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'notebook-sessions-own-'));
  repository = join(scratch, "ada's work");
  mkdirSync(repository);
  git('init', '--quiet', '--initial-branch=trunk');
  writeFileSync(join(repository, 'notes.txt'), 'first\n');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'first');
  writeFileSync(join(repository, 'draft.txt'), 'not committed\n');
  openRepository = join(scratch, 'for-all');
  git('clone', '--quiet', repository, openRepository);
  platform = await startPlatform({ args: ['--no-demo', '--project', repository, '--public-project', openRepository] });
});
afterAll(async () => {
  await platform?.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

it('a repository of the user’s own becomes a session, and what is pushed there arrives in the working tree', async () => {
  const [, namespace, project] = await platform.printed(/serving .* as ([^/]+)\/(\S+)$/);
  expect(platform.output()).toContain('uncommitted changes in 1 file are not part of sessions');
  const launched = await platform.api('/notebooks/servers', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ namespace, project, branch: 'trunk', commit_sha: git('rev-parse', 'HEAD') }),
  });
  const { name } = (await launched.json()) as SessionAnswer;
  const running = await waitForState(platform, name, ['running', 'failed']);
  expect(running.status, JSON.stringify(running.status)).toMatchObject({ state: 'running' });

  const session = await openSession(platform, running.url);
  const printed = await session.execute(
    await session.startKernel(),
    [
      'import os, subprocess',
      "print(sorted(os.listdir('.')))",
      "open('notes.txt', 'a').write('from a session\\n')",
      'run = lambda command: subprocess.run(command, shell=True, capture_output=True, text=True)',
      "run('git commit --all --message second')",
      "print(run('git push origin HEAD'))",
    ].join('\n'),
  );
  expect(printed).toContain("['.git', 'notes.txt']");
  expect(printed).toContain('returncode=0');
  expect(readFileSync(join(repository, 'notes.txt'), 'utf8')).toBe('first\nfrom a session\n');
  expect(git('log', '--format=%s')).toBe('second\nfirst');
  expect(readFileSync(join(repository, 'draft.txt'), 'utf8')).toBe('not committed\n');
});

it('a repository is private unless it is given as a public one, which visitors may launch', async () => {
  const cookie = await platform.signIn('anonymous');
  const dryRun = async (directory: string, headers: Record<string, string> = {}) => {
    const [, namespace, project] = await platform.printed(new RegExp(`serving ${directory} as ([^/]+)/(\\S+)$`));
    const answer = await platform.api('/notebooks/servers?dry_run=true', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ namespace, project, branch: 'trunk', commit_sha: 'trunk' }),
    });
    return (await answer.json()) as object;
  };
  expect(await dryRun(repository)).toMatchObject({ possible: true });
  expect(await dryRun(openRepository)).toMatchObject({ possible: true });
  expect(await dryRun(openRepository, { cookie })).toMatchObject({ possible: true });
  expect(await dryRun(repository, { cookie })).toMatchObject({ possible: false });
});
