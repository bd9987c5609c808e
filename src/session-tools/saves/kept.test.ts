import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addSubmodule } from '../../../tests/support/git-clone/projects.ts';
import { commitFiles, makeRepository, runGit } from '../../../tests/support/local/forge/served-forge.ts';
import { makeSavedTree, type SavedTree } from '../../../tests/support/saves/saved-tree.ts';
import {
  agentGit,
  folderGit,
  gitFilesIn,
  saveTools,
  settingsFor,
  stateOf,
} from '../../../tests/support/saves/work-tree.ts';
import { recoveryFile } from '../../session-contract/agent.ts';
import { lfsFile } from './lfs-objects.ts';
import { takeOverRecovered } from './recovered.ts';
import { save } from './save.ts';
import { isEmpty, scanRepository } from './scan.ts';
import { readKnownTags, rememberTags } from './tags.ts';

/** Work that git itself does not show, or does not push. */

let work: SavedTree;
beforeEach(async () => {
  work = await makeSavedTree();
});
afterEach(() => work.remove());

const tagsOf = (directory: string) =>
  runGit(directory, 'for-each-ref', '--format=%(refname) %(objectname) %(objecttype)', 'refs/tags');

describe('tags', () => {
  it('that the remote repository does not have are work, and come back', async () => {
    await work.git('tag', 'pushed');
    await work.git('push', '--quiet', 'origin', 'pushed');
    await rememberTags(folderGit(), work.folder, work.tree);
    expect(isEmpty(await work.scan())).toBe(true);

    await work.git('tag', 'light');
    await work.git('tag', '--annotate', '--message', 'a message', 'annotated', 'HEAD~1');
    await work.git('tag', '--annotate', '--message', 'of a tag', 'of/a/tag', 'annotated');
    await commitFiles(work.tree, { 'c.txt': 'c\n' }, 'only in a tag');
    await work.git('tag', 'only');
    await work.git('reset', '--quiet', '--hard', 'HEAD~1');
    const scan = await work.scan();
    expect([...scan.repository.tags.keys()]).toEqual(['annotated', 'light', 'of/a/tag', 'only']);
    expect([isEmpty(scan), scan.commits, scan.branches]).toEqual([false, 1, []]);

    const before = await tagsOf(work.tree);
    const saved = await work.save();
    expect(saved.result).toMatchObject({ location: 'remote', isVerified: true });
    const copy = await work.restore(saved);
    expect(await tagsOf(copy)).toBe(before);
    expect(await runGit(copy, 'show', 'only:c.txt')).toBe('c');
  });

  it('are no work if they are in the remote repository, also if the agent does not know them', async () => {
    await work.git('tag', 'pushed');
    await work.git('push', '--quiet', 'origin', 'pushed');
    expect(isEmpty(await work.scan())).toBe(false);
    expect((await work.save()).result).toMatchObject({ location: 'none', isVerified: true });
    expect(isEmpty(await work.scan())).toBe(true);
  });

  it('that came back are work, also if the agent could not read them at its first start', async () => {
    await work.git('tag', 'light');
    const saved = await work.save();
    const copy = await work.restore(saved);
    const folder = join(work.place, 'second-agent');
    const { branch, commit } = saved.result;
    const recovered = { branch, commit, savedAt: null, isComplete: true, isDeleted: false, error: null };
    mkdirSync(folder);
    writeFileSync(join(folder, recoveryFile), JSON.stringify({ recovered, others: [] }));
    await takeOverRecovered(folder);
    await rememberTags(folderGit(), folder, copy);
    expect([...(await readKnownTags(folder))]).toEqual([]);
  });

  it('of something other than a commit are named', async () => {
    await work.git('tag', 'a-file', 'HEAD:a.txt');
    const { result } = await work.save();
    expect(result.notSaved).toEqual([{ path: 'refs/tags/a-file', bytes: 0, reason: 'special-file' }]);
  });
});

describe('commits', () => {
  it('are not pushed if only a folder, or a server in the session, has them', async () => {
    const backup = join(work.place, 'backup.git');
    await runGit(work.place, 'init', '--quiet', '--bare', backup);
    await work.git('remote', 'add', 'backup', backup);
    await work.git('remote', 'add', 'here', 'http://localhost:8000/x.git');
    await work.git('remote', 'add', 'elsewhere', 'https://git.example.org/x.git');
    await commitFiles(work.tree, { 'c.txt': 'c\n' }, 'in a folder');
    await work.git('push', '--quiet', 'backup', 'main');
    await work.git('update-ref', 'refs/remotes/here/main', 'HEAD');
    expect(await work.scan()).toMatchObject({ commits: 1, branches: [{ name: 'main', commits: 1 }] });
    expect((await work.save()).result).toMatchObject({ location: 'remote', commits: 1 });
    await work.git('update-ref', 'refs/remotes/elsewhere/main', 'HEAD');
    expect(await work.scan()).toMatchObject({ commits: 0 });
  });

  it('are compared with the repository of the session also if the user has replaced the remote', async () => {
    await work.git('remote', 'set-url', 'origin', join(work.place, 'other'));
    work.write('a.txt', 'edited\n');
    expect((await work.save()).result).toMatchObject({ location: 'remote', commits: 0, files: 1 });
  });
});

describe('files that git is told not to look at', () => {
  it('come back with their changes, and stay hidden', async () => {
    await commitFiles(work.tree, { 'c.txt': 'c\n', 'd.txt': 'd\n' }, 'more');
    await work.git('push', '--quiet');
    await work.git('update-index', '--assume-unchanged', 'a.txt', 'd.txt');
    await work.git('update-index', '--skip-worktree', 'b.txt');
    work.write('a.txt', 'assumed\n');
    work.write('b.txt', 'skipped\n');
    expect(await work.git('status', '--porcelain')).toBe('');
    const before = [await stateOf(work.tree), await work.git('ls-files', '-v'), gitFilesIn(work.tree)];
    const saved = await work.save();
    expect(saved.result).toMatchObject({ location: 'remote', files: 2, isVerified: true });
    expect([await stateOf(work.tree), await work.git('ls-files', '-v'), gitFilesIn(work.tree)]).toEqual(before);
    const copy = await work.restore(saved);
    expect([await stateOf(copy), await runGit(copy, 'ls-files', '-v')]).toEqual(before.slice(0, 2));
  });

  it.each(['2', '3', '4'])('are found in an index of version %s', async (version) => {
    await work.git('update-index', '--index-version', version);
    work.write('a.txt', 'assumed\n');
    await work.git('update-index', '--assume-unchanged', 'a.txt');
    expect((await work.scan()).changes.map(({ path }) => path)).toEqual(['a.txt']);
  });

  it('are not restored to a sparse checkout that does not have them', async () => {
    await commitFiles(work.tree, { 'in/x': 'x\n', 'out/y': 'y\n' }, 'folders');
    await work.git('push', '--quiet');
    await work.git('sparse-checkout', 'set', 'in');
    expect(existsSync(join(work.tree, 'out/y'))).toBe(false);
    expect(isEmpty(await work.scan())).toBe(true);
  });
});

describe('a submodule', () => {
  let library: string;
  const setUp = async (files: Record<string, string>) => {
    library = await makeRepository(join(work.place, 'library'), { 'l.txt': 'l\n', ...files });
    await runGit(work.place, 'clone', '--quiet', '--bare', library, 'library.git');
    await addSubmodule(work.tree, 'libs/one', '../library.git', await runGit(library, 'rev-parse', 'HEAD'));
    await work.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init');
    await work.git('push', '--quiet');
  };

  it('has the files that a filter protects in a file on the volume', async () => {
    await setUp({ '.gitattributes': '*.key filter=crypt\n' });
    work.write('libs/one/one.key', 'secret\n');
    const { result } = await work.save();
    expect(result).toMatchObject({ isVerified: false, notSaved: [{ path: 'libs/one/one.key', reason: 'filtered' }] });
    const bundle = join(work.folder, 'protected-files-libs+one.bundle');
    expect(statSync(bundle).mode & 0o777).toBe(0o600);
    await runGit(work.place, 'init', '--quiet', 'opened');
    await runGit(join(work.place, 'opened'), 'fetch', '--quiet', bundle, 'protected-files');
    expect(await runGit(join(work.place, 'opened'), 'show', 'FETCH_HEAD:one.key')).toBe('secret');
  });

  it('has the files in Git LFS of commits that are not pushed', async () => {
    await setUp({ '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' });
    const inner = join(work.tree, 'libs/one');
    await runGit(inner, 'lfs', 'install', '--local');
    writeFileSync(join(inner, 'x.bin'), 'content of LFS\n');
    await runGit(inner, 'add', '.');
    await runGit(inner, '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '--message', 'lfs');
    expect((await work.scan()).submodules[0]?.scan.lfs).toMatchObject({ objects: 1, bytes: 15 });
    const saved = await work.save();
    rmSync(join(work.tree, '.git/modules/libs/one/lfs'), { recursive: true });
    const copy = join(await work.restore(saved, true), 'libs/one');
    expect(readFileSync(join(copy, 'x.bin'), 'utf8')).toBe('content of LFS\n');
    const [id] = /[0-9a-f]{64}/.exec(await runGit(copy, 'show', 'HEAD:x.bin')) ?? [''];
    const file = lfsFile(await runGit(copy, 'rev-parse', '--absolute-git-dir'), id);
    expect(readFileSync(file, 'utf8')).toBe('content of LFS\n');
  });
});

describe('a partial clone', () => {
  it('is scanned without any request, and is saved', async () => {
    await runGit(work.url, 'config', 'uploadpack.allowFilter', 'true');
    await runGit(work.url, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
    const old = await work.git('rev-parse', 'HEAD~1:a.txt');
    const clone = join(work.place, 'partial');
    await runGit(work.place, 'clone', '--quiet', '--filter=blob:none', `file://${work.url}`, clone);
    await runGit(clone, 'remote', 'set-url', 'origin', work.url);
    mkdirSync(join(clone, '.git/lfs'), { recursive: true });
    await runGit(clone, 'config', 'user.name', 'Ada');
    await runGit(clone, 'config', 'user.email', 'ada@example.org');
    // A commit with the object of an old version, which is not here.
    await runGit(clone, 'update-index', '--add', '--cacheinfo', `100644,${old},old.txt`);
    const tree = await runGit(clone, 'write-tree', '--missing-ok');
    await runGit(clone, 'update-ref', 'HEAD', await runGit(clone, 'commit-tree', '-p', 'HEAD', '-m', 'old', tree));
    const isMissing = async () =>
      (await runGit(clone, 'rev-list', '--objects', '--missing=print', '--all')).includes(`?${old}`);
    expect(await isMissing()).toBe(true);
    const noNetwork = agentGit({ GIT_ALLOW_PROTOCOL: 'none' });
    const scan = await scanRepository(noNetwork, join(work.place, 'partial-agent'), clone, { url: work.url });
    expect(scan).toMatchObject({ commits: 1, lfs: { objects: 0 } });
    expect(await isMissing()).toBe(true);
    writeFileSync(join(clone, 'b.txt'), 'edited\n');
    const saved = await save(saveTools(folderGit()), settingsFor(clone, work.url));
    expect(saved).toMatchObject({ failure: null, result: { location: 'remote', isVerified: true } });
    expect(readFileSync(join(await work.restore(saved), 'b.txt'), 'utf8')).toBe('edited\n');
  });
});

describe('filters', () => {
  it('in the attributes of the user for all repositories protect files, too', async () => {
    const home = { directory: join(work.place, 'home'), configuration: join(work.place, 'home/.config') };
    mkdirSync(join(home.configuration, 'git'), { recursive: true });
    writeFileSync(join(home.configuration, 'git/attributes'), '*.key filter=crypt\n');
    writeFileSync(join(home.configuration, 'git/ignore'), '*.mine\n');
    work.write('one.key', 'secret 1\n');
    work.write('x.mine', 'ignored\n');
    work.write('two.pem', 'not secret\n');
    const pushed = () => runGit(work.url, 'cat-file', '--batch-all-objects', '--batch', '--buffer');
    const { result } = await work.save({ home });
    expect(result).toMatchObject({ isVerified: false, files: 2, notSaved: [{ path: 'one.key', reason: 'filtered' }] });
    expect(await pushed()).not.toContain('secret 1');

    writeFileSync(join(home.directory, '.gitconfig'), '[core]\n\tattributesFile = ~/attributes\n');
    writeFileSync(join(home.directory, 'attributes'), '*.pem filter=crypt\n');
    work.write('two.pem', 'secret 2\n');
    expect((await work.save({ home })).result).toMatchObject({ notSaved: [{ path: 'two.pem', reason: 'filtered' }] });
    expect(await pushed()).not.toContain('secret 2');

    // The repository has precedence, and an invalid file of the user changes nothing.
    await work.git('config', 'core.attributesFile', join(home.configuration, 'git/attributes'));
    writeFileSync(join(home.directory, '.gitconfig'), 'no configuration');
    expect((await work.save({ home })).result).toMatchObject({ notSaved: [{ path: 'one.key', reason: 'filtered' }] });
  });
});

it('a staged version that the work tree has not any more is saved, also of a file that file sync keeps at a remote', async () => {
  work.write('cloud/a.txt', 'staged\n');
  await work.git('add', 'cloud/a.txt');
  const isSynced = (path: string) => path.startsWith('cloud/');
  // The remote has the content of the file, which is the staged one.
  expect((await work.save({ isSynced })).result).toMatchObject({ location: 'none' });
  work.write('cloud/a.txt', 'newer\n');
  const saved = await work.save({ isSynced });
  expect(saved.result).toMatchObject({ location: 'remote', isVerified: true });
  const copy = await work.restore(saved);
  expect(await runGit(copy, 'show', ':cloud/a.txt')).toBe('staged');
});

it('files that file sync keeps at a remote are no work, also if git tracks them; others in their folder are', async () => {
  await commitFiles(work.tree, { 'cloud/tracked.txt': 'tracked\n' }, 'a file in the folder');
  await work.git('push', '--quiet');
  work.write('cloud/tracked.txt', 'edited\n');
  work.write('cloud/a.txt', 'synced\n');
  work.write('cloud/too large.txt', 'not synced\n');
  work.write('cloudy.txt', 'outside\n');
  const isSynced = (path: string) => path.startsWith('cloud/') && path !== 'cloud/too large.txt';
  const saved = await work.save({ isSynced });
  expect(saved.result).toMatchObject({ location: 'remote', isVerified: true, files: 2 });
  const copy = await work.restore(saved);
  expect(readFileSync(join(copy, 'cloud/tracked.txt'), 'utf8')).toBe('tracked\n');
  expect(existsSync(join(copy, 'cloud/a.txt'))).toBe(false);
  expect(readFileSync(join(copy, 'cloud/too large.txt'), 'utf8')).toBe('not synced\n');
  rmSync(join(work.tree, 'cloudy.txt'));
  rmSync(join(work.tree, 'cloud/too large.txt'));
  expect((await work.save({ isSynced })).result).toMatchObject({ location: 'none', isVerified: true });
});
