import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  commitFiles,
  gitEnvironment,
  makeRepository,
  runGit,
} from '../../../tests/support/local/forge/served-forge.ts';
import { makeSavedTree, type SavedTree } from '../../../tests/support/saves/saved-tree.ts';
import { cloneAndRestore, filesIn, folderGit, gitFilesIn, stateOf } from '../../../tests/support/saves/work-tree.ts';
import { recoveryFile } from '../../session-contract/agent.ts';
import { takeOverRecovered } from './recovered.ts';
import { scanRepository } from './scan.ts';
import { readMemory } from './volume.ts';

/** Saves of particular states of a work tree. */

let work: SavedTree;
let place: string;
let tree: string;
let url: string;
beforeEach(async () => {
  work = await makeSavedTree();
  ({ place, tree, url } = work);
});
afterEach(() => work.remove());

const heads = async () => (await runGit(url, 'for-each-ref', '--format=%(refname:strip=2)', 'refs/heads')).split('\n');

describe('a save', () => {
  it('of a branch with slashes, a detached HEAD, a second branch and stashes comes back', async () => {
    work.write('a.txt', 'stashed\n');
    await work.git('stash', 'push', '--quiet', '--message', 'my stash');
    await work.git('checkout', '--quiet', '-b', 'feature/a/b');
    await commitFiles(tree, { 'c.txt': 'c\n' }, 'not pushed');
    const branch = await stateOf(tree);
    const onBranch = await work.save();
    expect(onBranch.result).toMatchObject({ isVerified: true, commits: 1, files: 0 });
    expect(await stateOf(await work.restore(onBranch))).toEqual(branch);

    await work.git('checkout', '--quiet', '--detach');
    await commitFiles(tree, { 'd.txt': 'd\n' }, 'without a branch');
    const detached = await stateOf(tree);
    expect(await stateOf(await work.restore(await work.save()))).toEqual(detached);
  });

  it('of a conflict and a merge in progress comes back', async () => {
    await work.git('checkout', '--quiet', '-b', 'other', 'HEAD~1');
    await commitFiles(tree, { 'a.txt': 'other\n' }, 'other');
    await work.git('checkout', '--quiet', 'main');
    await work.git('merge', 'other').catch(() => undefined);
    const before = await stateOf(tree);
    expect(before.status.split('\0').filter((line) => line.startsWith('u UU'))).toHaveLength(1);
    const copy = await work.restore(await work.save());
    expect(await stateOf(copy)).toEqual(before);
    for (const name of ['MERGE_HEAD', 'MERGE_MSG'])
      expect(readFileSync(join(copy, '.git', name), 'utf8')).toBe(readFileSync(join(tree, '.git', name), 'utf8'));
  });

  it('keeps permissions and line ends that git changes, and files to add later', async () => {
    await commitFiles(tree, { '.gitattributes': '*.txt text eol=lf\n' }, 'attributes');
    work.write('windows.txt', 'a\r\nb\r\n');
    work.write('secret.key', 'x');
    chmodSync(join(tree, 'secret.key'), 0o600);
    work.write('later', 'later\n');
    await work.git('add', '--intent-to-add', 'later');
    const before = await stateOf(tree);
    expect(await stateOf(await work.restore(await work.save()))).toEqual(before);
  });

  it('is restored by the steps of the git-clone of renku-notebooks: files, and commits that are not pushed', async () => {
    await commitFiles(tree, { 'c.txt': 'c\n' }, 'not pushed');
    work.write('b.txt', 'edited\n');
    work.write('new.txt', 'new\n');
    const { result } = await work.save();
    const head = await work.git('rev-parse', 'HEAD');
    const copy = join(place, 'original');
    const script = `set -e
      git init -q ${copy}; cd ${copy}; git remote add origin ${url}; git fetch -q origin; git checkout -q main
      branch=$(git branch -a | sed -n 's/^ *remotes.origin.//p' | grep '^renku/autosave/ada/main/0123456/')
      git reset -q --hard origin/$branch
      git reset -q --soft "$(echo $branch | cut -d/ -f6)"
      git reset -q HEAD . || true
      git push -q origin --delete $branch`;
    execFileSync('bash', ['-c', script], { env: gitEnvironment() });
    expect(result.branch).toBe(`renku/autosave/ada/main/0123456/${head.slice(0, 7)}`);
    expect(filesIn(copy)).toEqual(filesIn(tree));
    expect(await runGit(copy, 'rev-parse', 'HEAD')).toBe(head);
    expect(await runGit(copy, 'status', '--porcelain')).toBe(' M b.txt\n?? new.txt');
    expect(await heads()).toEqual(['main']);
  });

  it('keeps a save with the same name that is not one of this work tree', async () => {
    work.write('a.txt', 'first session\n');
    const first = await work.save({ folder: join(place, 'first') });
    work.write('a.txt', 'second session\n');
    const second = await work.save({ folder: join(place, 'second') });
    expect(second.result.branch).toBe(first.result.branch);
    const copy = join(place, 'both');
    const saved = { branch: second.result.branch ?? '', commit: second.result.commit ?? '' };
    const { log, isComplete } = await cloneAndRestore(folderGit(), url, copy, saved);
    expect(isComplete).toBe(true);
    expect(log).toEqual([expect.stringContaining('recovered/')]);
    expect(readFileSync(join(copy, 'a.txt'), 'utf8')).toBe('second session\n');
    expect(await runGit(copy, 'show', `recovered/${first.result.commit?.slice(0, 7)}:a.txt`)).toBe('first session');
  });

  it('deletes a recovered save when a later save has its content', async () => {
    work.write('a.txt', 'first session\n');
    const folder = work.folder;
    const { result } = await work.save({ folder: join(place, 'first') });
    const { branch, commit } = result;
    const recovered = { branch, commit, savedAt: null, isComplete: true, isDeleted: false, error: null };
    mkdirSync(folder);
    writeFileSync(join(folder, recoveryFile), JSON.stringify({ recovered, others: [] }));
    await takeOverRecovered(folder);
    expect(existsSync(join(folder, recoveryFile))).toBe(false);
    await commitFiles(tree, { 'c.txt': 'c\n' }, 'more');
    const later = await work.save();
    expect(await heads()).toEqual(['main', later.result.branch]);
    await work.git('push', '--quiet');
    expect(await work.save()).toMatchObject({ result: { location: 'none', isVerified: true } });
    expect(await heads()).toEqual(['main']);
    expect(await readMemory(folder)).toEqual({ last: null, owned: [] });
  });

  it('keeps a save of an earlier work tree that was not recovered completely', async () => {
    work.write('a.txt', 'first work tree\n');
    const first = await work.save();
    const { branch, commit } = first.result;
    const recovered = { branch, commit, savedAt: null, isComplete: false, isDeleted: false, error: null };
    const folder = work.folder;
    writeFileSync(join(folder, recoveryFile), JSON.stringify({ recovered, others: [] }));
    await takeOverRecovered(folder);
    await work.git('checkout', '--quiet', '--', '.');
    expect((await work.save()).result.location).toBe('none');
    expect(await runGit(url, 'rev-parse', `refs/heads/${branch}`)).toBe(commit);
    work.write('a.txt', 'second work tree\n');
    const { result } = await work.save();
    expect(result.branch).toBe(branch);
    await runGit(url, 'merge-base', '--is-ancestor', commit ?? '', result.commit ?? '');
  });

  it('has commits whose branch was deleted or replaced at the remote repository, and needs none for new commits of others', async () => {
    await work.git('checkout', '--quiet', '-b', 'gone');
    await commitFiles(tree, { 'gone.txt': 'x\n' }, 'pushed once');
    await work.git('push', '--quiet', '--set-upstream', 'origin', 'gone');
    await runGit(url, 'update-ref', '-d', 'refs/heads/gone');
    expect((await work.save()).result).toMatchObject({ location: 'remote', commits: 1, files: 0 });

    await work.git('push', '--quiet');
    const other = join(place, 'other');
    await runGit(place, 'clone', '--quiet', '--branch=gone', url, 'other');
    await commitFiles(other, { 'theirs.txt': 'x\n' }, 'of another person');
    await runGit(other, 'push', '--quiet');
    expect((await work.save()).result).toMatchObject({ location: 'none', commits: 0 });
    const before = await runGit(url, 'count-objects', '-v');
    work.write('a.txt', 'edited\n');
    expect((await work.save()).result.location).toBe('remote');
    // The tree of the save, its file, the description, its tree and two commits.
    const count = (text: string) => Number(/^count: (\d+)/m.exec(text)?.[1]);
    expect(count(await runGit(url, 'count-objects', '-v')) - count(before)).toBeLessThan(10);
  });

  it('names nested repositories and large ignored files, and works with a lock of the index left behind', async () => {
    await commitFiles(tree, { '.gitignore': '*.log\n' }, 'ignore');
    await makeRepository(join(tree, 'nested'), { 'n.txt': 'n\n' });
    work.write('big.log', 'x'.repeat(2_000_000));
    work.write('.git/index.lock', '');
    const { notSavable } = await scanRepository(folderGit(), work.folder, tree);
    const named = [
      { path: 'nested/', bytes: expect.any(Number), reason: 'nested-repository' },
      { path: 'big.log', bytes: 2_000_000, reason: 'ignored' },
    ];
    expect(notSavable).toEqual(named);
    expect((await work.save()).result).toMatchObject({ location: 'remote', isVerified: true, notSaved: named });
  });

  it('of a session without permission to push is on the volume, with the reason', async () => {
    work.write('a.txt', 'edited\n');
    const before = gitFilesIn(tree);
    const { result, failure } = await work.save({ mayPush: false });
    expect(result).toMatchObject({ location: 'volume', isVerified: false });
    expect(failure).toMatchObject({ reason: 'push-rejected', message: expect.stringContaining('permission') });
    expect(gitFilesIn(tree)).toEqual(before);
    expect(statSync(work.folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(work.folder))
      expect(statSync(join(place, '.notebook-sessions', name)).mode & 0o077, name).toBe(0);
  });
});
