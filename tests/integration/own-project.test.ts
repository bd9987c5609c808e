import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { openSession, type SessionResponse, waitForState } from '../support/session.ts';

let scratch: string;
let repository: string;
let openRepository: string;
let platform: Platform;
let elsewhere: string;
let proof: string;

function git(...args: string[]): string {
  return gitIn(repository, ...args);
}

function gitIn(cwd: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  return execFileSync('git', [...identity, ...args], { cwd, encoding: 'utf8' }).trim();
}

const large = 'kept in Git LFS\n'.repeat(100);

/** Creates the repository of the submodule, with a file in Git LFS, and returns its commit. */
function makeLibrary(directory: string): string {
  mkdirSync(directory);
  gitIn(directory, 'init', '--quiet', '--initial-branch=main');
  const oid = createHash('sha256').update(large).digest('hex');
  const object = join(directory, '.git/lfs/objects', oid.slice(0, 2), oid.slice(2, 4), oid);
  mkdirSync(dirname(object), { recursive: true });
  writeFileSync(object, large);
  writeFileSync(join(directory, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  writeFileSync(
    join(directory, 'large.bin'),
    `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${large.length}\n`,
  );
  gitIn(directory, 'add', '--all');
  gitIn(directory, 'commit', '--quiet', '--message', 'library');
  return gitIn(directory, 'rev-parse', 'HEAD');
}

/**
 * Creates a commit on a branch of its own, dated before 1970, with a valid submodule and one that names a command, and
 * returns its id. Low-level git commands leave the working tree on its branch.
 */
function commitElsewhere(library: string, proof: string): string {
  const modules = join(scratch, 'gitmodules');
  writeFileSync(
    modules,
    `[submodule "lib"]\n\tpath = lib\n\turl = ../library.git\n[submodule "bad"]\n\tpath = bad\n\turl = ../library.git\n\tupdate = !touch ${proof}\n`,
  );
  const blob = git('hash-object', '-w', modules);
  const listing = [
    git('ls-tree', 'HEAD'),
    `100644 blob ${blob}\t.gitmodules`,
    `160000 commit ${library}\tlib`,
    `160000 commit ${library}\tbad`,
  ];
  const tree = execFileSync('git', ['mktree'], { cwd: repository, input: `${listing.join('\n')}\n`, encoding: 'utf8' });
  const date = '1970-01-01T00:00:00+0100';
  const commit = execFileSync('git', ['commit-tree', tree.trim(), '-p', 'HEAD', '-m', 'elsewhere'], {
    cwd: repository,
    encoding: 'utf8',
    env: {
      ...process.env,
      ...Object.fromEntries(
        ['AUTHOR', 'COMMITTER'].flatMap((who) => [
          [`GIT_${who}_NAME`, 'Test'],
          [`GIT_${who}_EMAIL`, 'test@example.org'],
          [`GIT_${who}_DATE`, date],
        ]),
      ),
    },
  }).trim();
  git('update-ref', 'refs/heads/elsewhere', commit);
  return commit;
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
  proof = join(scratch, 'a-command-ran');
  const library = join(scratch, 'library');
  elsewhere = commitElsewhere(makeLibrary(library), proof);
  const projects = ['--project', repository, '--project', library, '--public-project', openRepository];
  platform = await startPlatform({ args: ['--no-demo', ...projects] });
});
afterAll(async () => {
  await platform?.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

async function served(): Promise<{ namespace: string; project: string }> {
  const [, namespace = '', project = ''] = await platform.printed(/serving .*work as ([^/]+)\/(\S+)$/);
  return { namespace, project };
}

it('a repository of the user can be launched, and commits that the session pushes arrive in its working tree', async () => {
  const { namespace, project } = await served();
  expect(platform.output()).toContain('uncommitted changes in 1 file are not part of sessions');
  const launched = await platform.api('/notebooks/servers', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ namespace, project, branch: 'trunk', commit_sha: git('rev-parse', 'HEAD') }),
  });
  const { name } = (await launched.json()) as SessionResponse;
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

it('a repository is private unless it is served as a public one, which visitors can launch', async () => {
  const cookie = await platform.signIn('anonymous');
  const dryRun = async (directory: string, headers: Record<string, string> = {}) => {
    const [, namespace, project] = await platform.printed(new RegExp(`serving ${directory} as ([^/]+)/(\\S+)$`));
    const response = await platform.api('/notebooks/servers?dry_run=true', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ namespace, project, branch: 'trunk', commit_sha: 'trunk' }),
    });
    return (await response.json()) as object;
  };
  expect(await dryRun(repository)).toMatchObject({ possible: true });
  expect(await dryRun(openRepository)).toMatchObject({ possible: true });
  expect(await dryRun(openRepository, { cookie })).toMatchObject({ possible: true });
  expect(await dryRun(repository, { cookie })).toMatchObject({ possible: false });
});

it('a commit of another branch, with an unusual date, large files in a submodule and an invalid submodule, can be launched', async () => {
  const body = { ...(await served()), branch: 'trunk', commit_sha: elsewhere, lfs_auto_fetch: true };
  const post = (query: string) =>
    platform.api(`/notebooks/servers${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect(await (await post('?dry_run=true')).json()).toMatchObject({ possible: true, problems: [] });
  const launched = await post('');
  expect(launched.status).toBe(201);
  const { name } = (await launched.json()) as SessionResponse;
  const running = await waitForState(platform, name, ['running', 'failed']);
  expect(running.status, JSON.stringify(running.status)).toMatchObject({ state: 'running' });
  const logs = (await (await platform.api(`/notebooks/logs/${name}`)).json()) as Record<string, string>;
  expect(logs['git-clone']).toMatch(/WARNING: the submodule "bad" was not fetched: it names a command to run/);
  const session = await openSession(platform, running.url);
  const printed = await session.execute(
    await session.startKernel(),
    [
      'import os, subprocess',
      'run = lambda *command: subprocess.run(command, capture_output=True, text=True).stdout.strip()',
      "print(run('git', 'rev-parse', 'HEAD'), run('git', 'symbolic-ref', '--short', 'HEAD'))",
      "print(os.path.getsize('lib/large.bin'), os.listdir('bad'))",
    ].join('\n'),
  );
  expect(printed).toContain(`${elsewhere} trunk`);
  expect(printed).toContain(`${large.length} []`);
  expect(existsSync(proof)).toBe(false);
});

it('a partial clone is rejected at the start with a remedy', async () => {
  git('config', 'uploadpack.allowFilter', 'true');
  const partial = join(scratch, 'partial');
  gitIn(
    scratch,
    'clone',
    '--quiet',
    '--no-local',
    '--filter=blob:none',
    '--no-checkout',
    `file://${repository}`,
    partial,
  );
  const stateDir = join(scratch, 'state');
  await expect(startPlatform({ stateDir, args: ['--no-demo', '--project', partial] })).rejects.toThrow(
    /partial is a partial clone .*"git fetch --refetch --no-filter" in it, or/,
  );
});
