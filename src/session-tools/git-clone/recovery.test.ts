import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { publishProject } from '../../../tests/support/git-clone/projects.ts';
import { type CloneVariables, runClone } from '../../../tests/support/git-clone/run-clone.ts';
import {
  ada,
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../../../tests/support/local/forge/served-forge.ts';
import { agentFolder, type RecoveryReport, recoveryFile } from '../../session-contract/agent.ts';
import { autosaveBranch } from '../../session-contract/autosave.ts';
import { findCandidates, readListing } from './candidates.ts';

/** Autosaves as renku-notebooks 1.18.1 made them: the user's commits, and one commit with what was not committed. */

let served: ServedForge;
let token: string;
let tree: string;
let variables: CloneVariables;
let directory: string;
let number = 0;
let root: string;

const report = (): RecoveryReport =>
  JSON.parse(readFileSync(join(dirname(directory), agentFolder, recoveryFile), 'utf8')) as RecoveryReport;
const remoteBranches = async () =>
  (await runGit(tree, 'ls-remote', '--heads', withToken(variables.repositoryUrl ?? '', token)))
    .split('\n')
    .flatMap((line) => /refs\/heads\/(renku\/.*)/.exec(line)?.[1] ?? []);

/** Pushes an autosave; `saved` are the files of its last commit. Returns the branch. */
async function save(
  rootBranch: string,
  saved: Record<string, string>,
  options: { username?: string; commits?: Record<string, string>[] } = {},
): Promise<string> {
  await runGit(tree, 'checkout', '--quiet', '--detach', root);
  for (const files of options.commits ?? []) await commitFiles(tree, files, 'of the user');
  const finalCommit = await runGit(tree, 'rev-parse', 'HEAD');
  await commitFiles(tree, saved, 'autosave');
  const branch = autosaveBranch({ username: options.username ?? 'ada', rootBranch, rootCommit: root, finalCommit });
  await runGit(
    tree,
    'push',
    '--quiet',
    '--force',
    withToken(variables.repositoryUrl ?? '', token),
    `HEAD:refs/heads/${branch}`,
  );
  return branch;
}

beforeAll(async () => {
  served = await serveForge();
  token = served.forge.issueToken(ada).token;
});
afterAll(() => served.close());
beforeEach(async () => {
  directory = join(served.scratch, `workspace-${number}`, 'project');
  tree = await makeRepository(
    join(served.scratch, `tree-${number}`),
    { 'a.txt': '1\n', 'gone.txt': 'x\n' },
    { 'a.txt': '2\n' },
  );
  variables = {
    ...(await publishProject({ served, token, directory }, tree, `project-${number++}`)),
    username: 'ada',
    gitAutosave: '1',
    keepsVolume: '1',
  };
  root = variables.commitSha ?? '';
});

describe('an autosave of renku-notebooks', () => {
  it.each(['main', 'feature/a/b'])('of the branch %s is restored: commits, changed and new files', async (branch) => {
    await runGit(tree, 'push', '--quiet', withToken(variables.repositoryUrl ?? '', token), `HEAD:refs/heads/${branch}`);
    const saved = await save(
      branch,
      { 'a.txt': 'changed\n', 'new.txt': 'new\n' },
      { commits: [{ 'mine.txt': 'mine\n' }] },
    );
    const { exitCode, output } = await runClone({ ...variables, branch });
    expect(exitCode, output).toBe(0);
    expect(output).toContain(`Restoring the autosave ${saved}.`);
    expect(await runGit(directory, 'symbolic-ref', '--short', 'HEAD')).toBe(branch);
    expect(await runGit(directory, 'log', '--format=%s', `${root}..HEAD`)).toBe('of the user');
    expect(await runGit(directory, 'status', '--porcelain')).toBe(' M a.txt\n?? new.txt');
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('changed\n');
    expect(report().recovered).toMatchObject({ branch: saved, isComplete: true, isDeleted: true, error: null });
    expect(await remoteBranches()).toEqual([]);
  });

  it('stays in the repository if the volume ends with the pod', async () => {
    const saved = await save('main', { 'a.txt': 'changed\n' });
    const { keepsVolume, ...others } = variables;
    expect((await runClone(others)).exitCode).toBe(0);
    expect(report().recovered).toMatchObject({ branch: saved, isComplete: true, isDeleted: false });
    expect(await remoteBranches()).toEqual([saved]);
  });

  it('of another user, commit or branch is not restored, nor any if the user may not push', async () => {
    await save('main', { 'a.txt': 'bob\n' }, { username: 'bob' });
    await save('other', { 'a.txt': 'other\n' });
    expect((await runClone(variables)).exitCode).toBe(0);
    expect(await runGit(directory, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(dirname(directory), agentFolder))).toBe(false);
    await save('main', { 'a.txt': 'ada\n' });
    const again = `${directory}-2`;
    expect((await runClone({ ...variables, gitAutosave: '0', mountPath: again })).exitCode).toBe(0);
    expect(await runGit(again, 'status', '--porcelain')).toBe('');
    expect(await remoteBranches()).toHaveLength(3);
  });

  it('that does not contain the commit of its name stays, and the session starts with the commit of the launch', async () => {
    await runGit(tree, 'checkout', '--quiet', '--detach', root);
    await commitFiles(tree, { 'a.txt': 'broken\n' }, 'x');
    const branch = `renku/autosave/ada/main/${root.slice(0, 7)}/0000000`;
    await runGit(tree, 'push', '--quiet', withToken(variables.repositoryUrl ?? '', token), `HEAD:refs/heads/${branch}`);
    const { exitCode, output } = await runClone(variables);
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/WARNING: the autosave could not be restored \(.*does not contain the commit/);
    expect(await runGit(directory, 'status', '--porcelain=v2', '--branch')).toMatch(
      /branch\.head main\n.*\n.*branch\.ab \+0 -0$/,
    );
    expect(report().recovered).toMatchObject({ isComplete: false, error: expect.stringContaining('does not contain') });
    expect(await remoteBranches()).toEqual([branch]);
  });
});

it('the newest of several autosaves is chosen by its time, and the others are listed', () => {
  const commit = 'a'.repeat(40);
  const line = (time: number, name: string) => `${time} ${'b'.repeat(40)} ${name}`;
  const name = (branch: string, final: string) => `renku/autosave/ada/${branch}/aaaaaaa/${final}`;
  const listing = [
    line(5, name('main', '1111111')),
    line(9, name('main', '9999999')),
    line(7, name('main', '0000000')),
    line(99, name('main/x', '1111111')),
    line(99, 'renku/autosave/bob/main/aaaaaaa/1111111'),
    line(99, 'renku/autosave/ada/main/bbbbbbb/1111111'),
    line(99, 'main'),
    '',
  ].join('\n');
  const found = findCandidates(readListing(listing), { username: 'ada', rootBranch: 'main', commit });
  expect(found.map(({ committedAt }) => committedAt)).toEqual([9, 7, 5]);
  expect(findCandidates(readListing(listing), { username: 'ada', rootBranch: 'main/x', commit })).toHaveLength(1);
});

describe('the folder with buckets', () => {
  it('is linked into the repository, which ignores the link', async () => {
    const buckets = join(served.scratch, 'buckets');
    mkdirSync(buckets, { recursive: true });
    writeFileSync(join(buckets, 'data.csv'), '1\n');
    expect((await runClone({ ...variables, storageMount: buckets })).exitCode).toBe(0);
    expect(readlinkSync(join(directory, 'cloudstorage'))).toBe(buckets);
    expect(await runGit(directory, 'status', '--porcelain')).toBe('');
  });

  it('does not replace a file of the repository', async () => {
    const commit = await commitFiles(tree, { cloudstorage: 'mine\n' }, 'file');
    await runGit(tree, 'push', '--quiet', withToken(variables.repositoryUrl ?? '', token), 'HEAD:main');
    const { output } = await runClone({ ...variables, commitSha: commit, storageMount: served.scratch });
    expect(output).toContain('WARNING: the repository has a file or folder "cloudstorage"');
    expect(readFileSync(join(directory, 'cloudstorage'), 'utf8')).toBe('mine\n');
  });
});
