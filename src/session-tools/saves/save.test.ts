import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addSubmodule } from '../../../tests/support/git-clone/projects.ts';
import {
  ada,
  commitFiles,
  gitEnvironment,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
} from '../../../tests/support/local/forge/served-forge.ts';
import {
  agentGit,
  cloneAndRestore,
  filesIn,
  folderGit,
  gitFilesIn,
  saveTools,
  settingsFor,
  stateOf,
} from '../../../tests/support/saves/work-tree.ts';
import { makeSessionTree, writePrivateFolder } from '../../../tests/support/session-agent/agent-process.ts';
import { recoveryFile } from '../../session-contract/agent.ts';
import { readRepository } from './repository.ts';
import { type Saved, type SaveSettings, save } from './save.ts';
import { scanRepository } from './scan.ts';
import { createScratch } from './scratch.ts';
import { readMemory, takeOverRecovered } from './volume.ts';

/** Saves of particular states of a work tree. */

let served: ServedForge;
let token: string;
let number = 0;
let place: string;
let tree: string;
let url: string;

beforeAll(async () => {
  served = await serveForge();
  token = served.forge.issueToken(ada).token;
});
afterAll(() => served.close());

beforeEach(async () => {
  place = join(served.scratch, `saves-${number++}`);
  mkdirSync(place);
  tree = join(place, 'project');
  url = join(place, 'remote.git');
  await runGit(place, 'init', '--quiet', '--bare', '--initial-branch=main', url);
  await makeRepository(tree, { 'a.txt': 'a\n', 'b.txt': 'b\n' }, { 'a.txt': 'a\nsecond\n' });
  await runGit(tree, 'remote', 'add', 'origin', url);
  await runGit(tree, 'push', '--quiet', '--set-upstream', 'origin', 'main');
});

const saveTree = (more: Partial<SaveSettings> = {}): Promise<Saved> =>
  save(saveTools(folderGit()), settingsFor(tree, url, more));

async function restore({ result }: Saved, submodules = false): Promise<string> {
  const copy = join(place, `restored-${number++}`);
  const saved = { branch: result.branch ?? '', commit: result.commit ?? '' };
  expect(await cloneAndRestore(folderGit(), url, copy, saved, submodules)).toEqual({ log: [], isComplete: true });
  return copy;
}

const heads = async () => (await runGit(url, 'for-each-ref', '--format=%(refname:strip=2)', 'refs/heads')).split('\n');
const write = (path: string, content: string) => writeFileSync(join(tree, path), content);

describe('a save', () => {
  it('of a branch with slashes, a detached HEAD, a second branch and stashes comes back', async () => {
    write('a.txt', 'stashed\n');
    await runGit(tree, 'stash', 'push', '--quiet', '--message', 'my stash');
    await runGit(tree, 'checkout', '--quiet', '-b', 'feature/a/b');
    await commitFiles(tree, { 'c.txt': 'c\n' }, 'not pushed');
    const branch = await stateOf(tree);
    const onBranch = await saveTree();
    expect(onBranch.result).toMatchObject({ isVerified: true, commits: 1, files: 0 });
    expect(await stateOf(await restore(onBranch))).toEqual(branch);

    await runGit(tree, 'checkout', '--quiet', '--detach');
    await commitFiles(tree, { 'd.txt': 'd\n' }, 'without a branch');
    const detached = await stateOf(tree);
    expect(await stateOf(await restore(await saveTree()))).toEqual(detached);
  });

  it('of a conflict and a merge in progress comes back', async () => {
    await runGit(tree, 'checkout', '--quiet', '-b', 'other', 'HEAD~1');
    await commitFiles(tree, { 'a.txt': 'other\n' }, 'other');
    await runGit(tree, 'checkout', '--quiet', 'main');
    await runGit(tree, 'merge', 'other').catch(() => undefined);
    const before = await stateOf(tree);
    expect(before.status).toMatch(/^u UU/);
    const copy = await restore(await saveTree());
    expect(await stateOf(copy)).toEqual(before);
    for (const name of ['MERGE_HEAD', 'MERGE_MSG'])
      expect(readFileSync(join(copy, '.git', name), 'utf8')).toBe(readFileSync(join(tree, '.git', name), 'utf8'));
  });

  it('keeps permissions and line ends that git changes, and files to add later', async () => {
    await commitFiles(tree, { '.gitattributes': '*.txt text eol=lf\n' }, 'attributes');
    write('windows.txt', 'a\r\nb\r\n');
    write('secret.key', 'x');
    chmodSync(join(tree, 'secret.key'), 0o600);
    write('later', 'later\n');
    await runGit(tree, 'add', '--intent-to-add', 'later');
    const before = await stateOf(tree);
    expect(await stateOf(await restore(await saveTree()))).toEqual(before);
  });

  it('is restored by the steps of the git-clone of renku-notebooks: files, and commits that are not pushed', async () => {
    await commitFiles(tree, { 'c.txt': 'c\n' }, 'not pushed');
    write('b.txt', 'edited\n');
    write('new.txt', 'new\n');
    const { result } = await saveTree();
    const head = await runGit(tree, 'rev-parse', 'HEAD');
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

  it('of a submodule with a commit, changes and untracked files comes back from a bundle', async () => {
    const library = await makeRepository(join(place, 'library'), { 'l.txt': 'l\n' });
    await runGit(place, 'clone', '--quiet', '--bare', library, 'library.git');
    await addSubmodule(tree, 'lib', '../library.git', await runGit(library, 'rev-parse', 'HEAD'));
    await runGit(tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init');
    await runGit(tree, 'push', '--quiet');
    await commitFiles(join(tree, 'lib'), { 'l.txt': 'committed\n' }, 'in the submodule');
    write('lib/l.txt', 'edited\n');
    write('lib/new.txt', 'new\n');
    const [before, inner] = [await stateOf(tree), await stateOf(join(tree, 'lib'))];
    const saved = await saveTree();
    expect(saved.result).toMatchObject({ isVerified: true });
    const copy = await restore(saved, true);
    expect(await stateOf(copy)).toEqual(before);
    expect(await stateOf(join(copy, 'lib'))).toEqual(inner);
    expect(await runGit(join(place, 'library.git'), 'rev-list', '--all', '--count')).toBe('1');
  });

  it('of a repository that is in the index without .gitmodules comes back from a bundle', async () => {
    const nested = await makeRepository(join(tree, 'nested'), { 'n.txt': 'n\n' });
    await runGit(tree, '-c', 'advice.addEmbeddedRepo=false', 'add', 'nested');
    write('nested/n.txt', 'edited\n');
    const [before, inner] = [await stateOf(tree), await stateOf(nested)];
    const copy = await restore(await saveTree());
    expect(await stateOf(join(copy, 'nested'))).toEqual(inner);
    expect(await stateOf(copy)).toEqual(before);
  });

  it('of a submodule with a submodule keeps the changes in both', async () => {
    const bare = async (name: string, repository: string) => {
      await runGit(place, 'clone', '--quiet', '--bare', repository, `${name}.git`);
      return runGit(repository, 'rev-parse', 'HEAD');
    };
    const inner = await bare('inner', await makeRepository(join(place, 'inner'), { 'i.txt': 'i\n' }));
    const library = await makeRepository(join(place, 'library'), { 'l.txt': 'l\n' });
    await addSubmodule(library, 'inner', '../inner.git', inner);
    await addSubmodule(tree, 'lib', '../library.git', await bare('library', library));
    await runGit(tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init', '--recursive');
    await runGit(tree, 'push', '--quiet');
    write('lib/l.txt', 'edited\n');
    write('lib/inner/i.txt', 'edited\n');
    const copy = await restore(await saveTree(), true);
    expect(readFileSync(join(copy, 'lib/l.txt'), 'utf8')).toBe('edited\n');
    expect(readFileSync(join(copy, 'lib/inner/i.txt'), 'utf8')).toBe('edited\n');
  });

  it('without a protected file of a submodule is not verified, also not the second time', async () => {
    const library = await makeRepository(join(place, 'library'), { '.gitattributes': '*.key filter=crypt\n' });
    await runGit(place, 'clone', '--quiet', '--bare', library, 'library.git');
    await addSubmodule(tree, 'lib', '../library.git', await runGit(library, 'rev-parse', 'HEAD'));
    await runGit(tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init');
    await runGit(tree, 'push', '--quiet');
    write('lib/one.key', 'secret\n');
    const notSaved = [{ path: 'lib/one.key', reason: 'filtered' }];
    for (let attempt = 0; attempt < 2; attempt++)
      expect((await saveTree()).result).toMatchObject({ isVerified: false, notSaved });
  });

  it('copies no file to which a link in the git directory leads, and waits for no pipe', async () => {
    write('secret', 'the key of the agent\n');
    rmSync(join(tree, '.git/info'), { recursive: true, force: true });
    mkdirSync(join(tree, '.git/info'));
    for (const name of ['info/exclude', 'shallow', 'objects/info/alternates'])
      symlinkSync(join(tree, 'secret'), join(tree, '.git', name));
    execFileSync('mkfifo', [join(tree, '.git/info/attributes')]);
    const repository = await readRepository(folderGit(), tree);
    const { directory } = await createScratch(folderGit(), join(place, '.notebook-sessions'), repository);
    expect(existsSync(join(directory, 'info/exclude'))).toBe(false);
    expect(existsSync(join(directory, 'shallow'))).toBe(false);
    expect(readFileSync(join(directory, 'objects/info/alternates'), 'utf8')).not.toContain('key');
  });

  it('never pushes a file unfiltered that a filter protects', async () => {
    await runGit(tree, 'config', 'filter.crypt.clean', "sed 's/secret/ENCRYPTED/'");
    await runGit(tree, 'config', 'filter.crypt.smudge', "sed 's/ENCRYPTED/secret/'");
    await commitFiles(
      tree,
      { '.gitattributes': '*.key filter=crypt\n', 'one.key': 'secret 1\n', 'two.key': 'secret 2\n' },
      'keys',
    );
    await runGit(tree, 'push', '--quiet');
    write('one.key', 'secret and changed\n');
    write('three.key', 'secret and new\n');
    write('b.txt', 'edited\n');
    const { result } = await saveTree();
    expect(result.isVerified).toBe(false);
    expect(result.notSaved).toEqual(
      expect.arrayContaining(
        ['one.key', 'three.key'].map((path) => expect.objectContaining({ path, reason: 'filtered' })),
      ),
    );
    const objects = await runGit(url, 'cat-file', '--batch-all-objects', '--batch', '--buffer');
    expect(objects).toContain('ENCRYPTED 1');
    expect(objects).not.toContain('secret');
    const bundle = join(place, '.notebook-sessions', 'protected-files.bundle');
    expect(statSync(bundle).mode & 0o777).toBe(0o600);
    await runGit(place, 'init', '--quiet', 'opened');
    await runGit(join(place, 'opened'), 'fetch', '--quiet', bundle, 'protected-files');
    expect(await runGit(join(place, 'opened'), 'show', 'FETCH_HEAD:one.key')).toBe('secret and changed');
  });

  it('runs nothing that the repository names', async () => {
    const proof = join(place, 'a-program-ran');
    const program = join(place, 'program');
    writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> ${proof}\n`, { mode: 0o755 });
    const hooks = [
      'pre-commit',
      'pre-push',
      'reference-transaction',
      'post-index-change',
      'post-checkout',
      'pre-auto-gc',
    ];
    for (const hook of hooks) writeFileSync(join(tree, '.git/hooks', hook), readFileSync(program), { mode: 0o755 });
    const settings = {
      'core.fsmonitor': program,
      'core.sshCommand': program,
      'core.gitProxy': program,
      'core.pager': program,
      'core.editor': program,
      'core.askPass': program,
      'core.alternateRefsCommand': program,
      'core.hooksPath': join(tree, '.git/hooks'),
      'credential.helper': program,
      'diff.external': program,
      'alias.status': `!${program}`,
      'alias.push': `!${program}`,
      'filter.evil.clean': program,
      'filter.evil.process': program,
      'filter.evil.required': 'true',
      'gpg.program': program,
      'commit.gpgSign': 'true',
      'uploadpack.packObjectsHook': program,
      'remote.origin.receivepack': program,
      'remote.origin.uploadpack': program,
      'remote.origin.vcs': 'ext',
      'lfs.customtransfer.evil.path': program,
      'lfs.standalonetransferagent': 'evil',
      'merge.evil.driver': program,
    };
    await commitFiles(tree, { '.gitattributes': '*.evil filter=evil\n*.lfs filter=lfs\n' }, 'attributes');
    for (const [key, value] of Object.entries(settings)) await runGit(tree, 'config', key, value);
    rmSync(proof, { force: true });
    write('x.evil', 'x\n');
    write('b.txt', 'edited\n');
    const { result } = await saveTree();
    expect(result.location).toBe('remote');
    await scanRepository(folderGit(), join(place, '.notebook-sessions'), tree);
    expect(existsSync(proof)).toBe(false);
  });

  it('keeps a save with the same name that is not one of this work tree', async () => {
    write('a.txt', 'first session\n');
    const first = await saveTree({ folder: join(place, 'first') });
    write('a.txt', 'second session\n');
    const second = await saveTree({ folder: join(place, 'second') });
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
    write('a.txt', 'first session\n');
    const folder = join(place, '.notebook-sessions');
    const { result } = await saveTree({ folder: join(place, 'first') });
    const { branch, commit } = result;
    const recovered = { branch, commit, savedAt: null, isComplete: true, isDeleted: false, error: null };
    mkdirSync(folder);
    writeFileSync(join(folder, recoveryFile), JSON.stringify({ recovered, others: [] }));
    await takeOverRecovered(folder);
    expect(existsSync(join(folder, recoveryFile))).toBe(false);
    await commitFiles(tree, { 'c.txt': 'c\n' }, 'more');
    const later = await saveTree();
    expect(await heads()).toEqual(['main', later.result.branch]);
    await runGit(tree, 'push', '--quiet');
    expect(await saveTree()).toMatchObject({ result: { location: 'none', isVerified: true } });
    expect(await heads()).toEqual(['main']);
    expect(await readMemory(folder)).toEqual({ last: null, owned: [] });
  });

  it('has commits whose branch was deleted or replaced at the remote repository, and needs none for new commits of others', async () => {
    await runGit(tree, 'checkout', '--quiet', '-b', 'gone');
    await commitFiles(tree, { 'gone.txt': 'x\n' }, 'pushed once');
    await runGit(tree, 'push', '--quiet', '--set-upstream', 'origin', 'gone');
    await runGit(url, 'update-ref', '-d', 'refs/heads/gone');
    expect((await saveTree()).result).toMatchObject({ location: 'remote', commits: 1, files: 0 });

    await runGit(tree, 'push', '--quiet');
    const other = join(place, 'other');
    await runGit(place, 'clone', '--quiet', '--branch=gone', url, 'other');
    await commitFiles(other, { 'theirs.txt': 'x\n' }, 'of another person');
    await runGit(other, 'push', '--quiet');
    expect((await saveTree()).result).toMatchObject({ location: 'none', commits: 0 });
    const before = await runGit(url, 'count-objects', '-v');
    write('a.txt', 'edited\n');
    expect((await saveTree()).result.location).toBe('remote');
    // The tree of the save, its file, the description, its tree and two commits.
    const count = (text: string) => Number(/^count: (\d+)/m.exec(text)?.[1]);
    expect(count(await runGit(url, 'count-objects', '-v')) - count(before)).toBeLessThan(10);
  });

  it('names nested repositories and large ignored files, and works with a lock of the index left behind', async () => {
    await commitFiles(tree, { '.gitignore': '*.log\n' }, 'ignore');
    await makeRepository(join(tree, 'nested'), { 'n.txt': 'n\n' });
    write('big.log', 'x'.repeat(2_000_000));
    write('.git/index.lock', '');
    const { notSavable } = await scanRepository(folderGit(), join(place, '.notebook-sessions'), tree);
    const named = [
      { path: 'nested/', bytes: expect.any(Number), reason: 'nested-repository' },
      { path: 'big.log', bytes: 2_000_000, reason: 'ignored' },
    ];
    expect(notSavable).toEqual(named);
    expect((await saveTree()).result).toMatchObject({ location: 'remote', isVerified: true, notSaved: named });
  });

  it('of a session without permission to push is on the volume, with the reason', async () => {
    write('a.txt', 'edited\n');
    const before = gitFilesIn(tree);
    const { result, failure } = await saveTree({ mayPush: false });
    expect(result).toMatchObject({ location: 'volume', isVerified: false });
    expect(failure).toMatchObject({ reason: 'push-rejected', message: expect.stringContaining('permission') });
    expect(gitFilesIn(tree)).toEqual(before);
    expect(statSync(join(place, '.notebook-sessions')).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(join(place, '.notebook-sessions')))
      expect(statSync(join(place, '.notebook-sessions', name)).mode & 0o077, name).toBe(0);
  });
});

describe('a save with Git LFS', () => {
  it('has large files as ordinary ones if the git server has no LFS, and the index as it was', async () => {
    const session = await makeSessionTree(served, token, 'no-lfs');
    served.intercept = (request, response) => {
      if (!request.url?.includes('/no-lfs.git/info/lfs')) return false;
      response.writeHead(404).end();
      return true;
    };
    writeFileSync(join(session.tree, 'a.txt'), 'staged\n');
    await runGit(session.tree, 'add', 'a.txt');
    writeFileSync(join(session.tree, 'a.txt'), 'edited\n');
    writeFileSync(join(session.tree, 'large.txt'), 'large\n'.repeat(1000));
    const before = await stateOf(session.tree);
    const privateFolder = join(session.volume, 'private');
    writePrivateFolder(privateFolder, session.url, token);
    const git = agentGit({ GIT_CONFIG_NOSYSTEM: '0', GIT_CONFIG_SYSTEM: join(privateFolder, 'gitconfig') });
    const saved = await save(saveTools(git), settingsFor(session.tree, session.url, { lfsMinimumBytes: 5000 }));
    served.intercept = () => false;
    expect(saved).toMatchObject({ failure: null, result: { location: 'remote', isVerified: true } });
    const copy = join(session.volume, 'restored');
    const branch = { branch: saved.result.branch ?? '', commit: saved.result.commit ?? '' };
    expect(await cloneAndRestore(git, session.url, copy, branch)).toEqual({ log: [], isComplete: true });
    expect(await stateOf(copy)).toEqual(before);
  });

  it('uploads files by their attributes and by their size, and restores their content', async () => {
    const session = await makeSessionTree(served, token, 'lfs', {
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    });
    const inTree = (path: string, content: string) => writeFileSync(join(session.tree, path), content);
    await runGit(session.tree, 'lfs', 'install', '--local');
    await runGit(session.tree, 'config', `lfs.${session.url}/info/lfs.locksverify`, 'false');
    inTree('committed.bin', 'committed\n'.repeat(100));
    // Git compares the contents of files that are as new as the index, and Git LFS then stores them once more.
    utimesSync(join(session.tree, 'committed.bin'), 0, 0);
    await runGit(session.tree, 'add', '.');
    await runGit(session.tree, 'commit', '--quiet', '--message', 'lfs');
    inTree('new.bin', 'new\n'.repeat(100));
    inTree('large [x] "y".txt', 'large\n'.repeat(1000));
    const before = await stateOf(session.tree);
    const privateFolder = join(session.volume, 'private');
    writePrivateFolder(privateFolder, session.url, token);
    const git = agentGit({ GIT_CONFIG_NOSYSTEM: '0', GIT_CONFIG_SYSTEM: join(privateFolder, 'gitconfig') });
    const saved = await save(saveTools(git), settingsFor(session.tree, session.url, { lfsMinimumBytes: 5000 }));
    expect(saved).toMatchObject({ failure: null, result: { location: 'remote', isVerified: true } });
    expect(await stateOf(session.tree)).toEqual(before);
    const copy = join(session.volume, 'restored');
    const branch = { branch: saved.result.branch ?? '', commit: saved.result.commit ?? '' };
    expect(await cloneAndRestore(git, session.url, copy, branch)).toEqual({ log: [], isComplete: true });
    const restored = filesIn(copy);
    expect(restored['new.bin']).toBe(before.files['new.bin']);
    expect(restored['large [x] "y".txt']).toBe(before.files['large [x] "y".txt']);
    expect(restored['.gitattributes']).toBe(before.files['.gitattributes']);
    expect(restored['committed.bin']).toContain('oid sha256:');
    await runGit(copy, 'lfs', 'install', '--local');
    const pulled = await git(['-C', copy, 'lfs', 'pull'], { environment: { GIT_LFS_SKIP_SMUDGE: undefined } });
    expect(pulled).toMatchObject({ exitCode: 0, stderr: '' });
    expect(filesIn(copy)['committed.bin']).toBe(before.files['committed.bin']);
  });
});
