import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitFiles, runGit } from '../../../tests/support/local/forge/served-forge.ts';
import { makeSavedTree, type SavedTree } from '../../../tests/support/saves/saved-tree.ts';
import { cloneAndRestore, folderGit, saveTools, settingsFor } from '../../../tests/support/saves/work-tree.ts';
import { readRepository } from './repository.ts';
import { type Saved, save } from './save.ts';
import { scanRepository } from './scan.ts';
import { createScratch } from './scratch.ts';
import { storeFiles } from './store-files.ts';

/** Work trees that try to make the agent read other files, or wait. */

let work: SavedTree;
let outside: string;
const secret = 'the key of the agent';
beforeEach(async () => {
  work = await makeSavedTree();
  outside = join(work.place, 'outside');
  mkdirSync(outside);
  for (const name of ['key', 'a.txt', 'c.crlf', 'd.lfs']) writeFileSync(join(outside, name), `${secret}\n`);
});
afterEach(() => work.remove());

const objectsAt = (directory: string) => runGit(directory, 'cat-file', '--batch-all-objects', '--batch', '--buffer');

/** Saves, and runs the action between the scan and the collection of the files. */
const saveWith = (action: () => void): Promise<Saved> => {
  const tools = saveTools(folderGit());
  const progress = (step: string) => {
    if (step === 'collecting') action();
  };
  return save({ ...tools, progress }, settingsFor(work.tree, work.url));
};

describe('a link out of the work tree', () => {
  it('is saved as a link', async () => {
    symlinkSync(join(outside, 'key'), join(work.tree, 'link'));
    symlinkSync(outside, join(work.tree, 'folder'));
    const saved = await work.save();
    expect(saved.result).toMatchObject({ isVerified: true, files: 2 });
    expect(await objectsAt(work.url)).not.toContain(secret);
    const tree = await runGit(await work.restore(saved), 'status', '--porcelain');
    expect(tree).toBe('?? folder\n?? link');
  });

  it('that replaces a file or a folder during a save is not followed, and the save is not verified', async () => {
    work.write('.gitattributes', '*.crlf text\n*.lfs filter=lfs\n');
    for (const name of ['plain', 'c.crlf', 'folder/a.txt', 'folder/c.crlf', 'folder/d.lfs'])
      work.write(name, 'of the user\n');
    const { result } = await saveWith(() => {
      for (const name of ['plain', 'c.crlf']) {
        rmSync(join(work.tree, name));
        symlinkSync(join(outside, 'key'), join(work.tree, name));
      }
      renameSync(join(work.tree, 'folder'), join(work.place, 'moved'));
      symlinkSync(outside, join(work.tree, 'folder'));
    });
    expect(await objectsAt(work.url)).not.toContain(secret);
    expect(result.isVerified).toBe(false);
    const changing = ['plain', 'c.crlf', 'folder/a.txt', 'folder/c.crlf', 'folder/d.lfs'];
    expect(result.notSaved).toEqual(
      expect.arrayContaining(changing.map((path) => expect.objectContaining({ path, reason: 'changing' }))),
    );
  });

  it('is not followed where a file is stored', async () => {
    symlinkSync(join(outside, 'key'), join(work.tree, 'link'));
    symlinkSync(outside, join(work.tree, 'folder'));
    execFileSync('mkfifo', [join(work.tree, 'pipe')]);
    const repository = await readRepository(folderGit(), work.tree);
    const scratch = await createScratch(folderGit(), work.folder, repository);
    const paths = ['link', 'folder/key', 'pipe', 'missing', 'a.txt'];
    const stored = await storeFiles(
      scratch,
      work.tree,
      paths.flatMap((path) => [{ path }, { path, conversion: 'text', withRaw: true }]),
    );
    expect(stored.slice(0, -2)).toEqual(Array(8).fill(undefined));
    expect(stored.at(-1)).toEqual(stored.at(-2));
    expect(await objectsAt(scratch.directory)).not.toContain(secret);
    await scratch.remove();
  });

  it('is no submodule', async () => {
    await runGit(work.place, 'clone', '--quiet', work.url, join(outside, 'lib'));
    writeFileSync(join(outside, 'lib/a.txt'), 'of another repository\n');
    const commit = await work.git('rev-parse', 'HEAD');
    await work.git('update-index', '--add', '--cacheinfo', `160000,${commit},lib`);
    symlinkSync(join(outside, 'lib'), join(work.tree, 'lib'));
    const saved = await work.save();
    expect(saved.result.location).toBe('remote');
    expect(await objectsAt(work.url)).not.toContain('of another repository');
  });
});

describe('a save of another person', () => {
  it('restores no file to which a link in it leads', async () => {
    work.write('.gitattributes', '*.crlf text\n');
    work.write('x.crlf', 'a\r\n');
    const { result } = await work.save();
    const git = (...args: string[]) => runGit(work.url, ...args);
    const target = join(work.place, 'target');
    writeFileSync(target, join(outside, 'key'));
    const link = await git('hash-object', '-w', target);
    const withInput = (input: string) =>
      execFileSync('git', ['mktree'], { cwd: work.url, input, encoding: 'utf8' }).trim();
    const details = `${result.commit}^2`;
    const raw = withInput(`120000 blob ${link}\t0\n`);
    const others = (await git('ls-tree', details)).split('\n').filter((line) => !line.endsWith('\traw'));
    const tree = withInput(`${[...others, `040000 tree ${raw}\traw`].join('\n')}\n`);
    const own = ['-c', 'user.name=x', '-c', 'user.email=x@y'];
    const forged = await git(...own, 'commit-tree', tree, '-m', 'details');
    const parents = ['-p', `${result.commit}^1`, '-p', forged];
    const commit = await git(...own, 'commit-tree', `${result.commit}^{tree}`, ...parents, '-m', 'save');
    await git('update-ref', `refs/heads/${result.branch}`, commit);
    const copy = join(work.place, 'copy');
    await cloneAndRestore(folderGit(), work.url, copy, { branch: result.branch ?? '', commit });
    expect(readFileSync(join(copy, 'x.crlf'), 'utf8')).not.toContain(secret);
  });
});

describe('a pipe', () => {
  it('in place of a file of git or of a tracked file does not stop a save', { timeout: 60_000 }, async () => {
    work.write('folder/x', 'x\n');
    work.write('other/y', 'y\n');
    for (const path of [
      '.gitattributes',
      '.gitignore',
      'folder/.gitignore',
      'other/.gitignore',
      'other/.gitattributes',
    ])
      execFileSync('mkfifo', [join(work.tree, path)]);
    rmSync(join(work.tree, 'b.txt'));
    execFileSync('mkfifo', [join(work.tree, 'b.txt')]);
    const socket = createServer().listen(join(work.tree, 'socket'));
    try {
      const { result } = await work.save({ lfsMinimumBytes: 1 });
      expect(result).toMatchObject({ location: 'remote', isVerified: true });
      expect(result.notSaved).toEqual(
        expect.arrayContaining([expect.objectContaining({ path: 'b.txt', reason: 'special-file' })]),
      );
      const named = (await work.scan()).notSavable.map(({ path }) => path);
      expect(named).toContain('b.txt');
    } finally {
      socket.close();
    }
  });

  it.each(['config', 'packed-refs'])('in place of the file %s of the git directory is an error', async (name) => {
    rmSync(join(work.tree, '.git', name), { force: true });
    execFileSync('mkfifo', [join(work.tree, '.git', name)]);
    await expect(work.save()).rejects.toMatchObject({ reason: 'no-repository' });
  });
});

describe('a file that a program writes all the time', () => {
  it('is named, and other files are saved', { timeout: 120_000 }, async () => {
    work.write('steady', 'steady\n');
    const script = `const fs = require('fs'); for (;;) { fs.writeFileSync('busy', 'x'.repeat(100000)); fs.truncateSync('busy', 0); }`;
    const { spawn } = await import('node:child_process');
    const writer = spawn(process.execPath, ['-e', script], { cwd: work.tree, stdio: 'ignore' });
    try {
      await expect.poll(() => readFileSync(join(work.tree, 'busy'), { flag: 'a+' })).toBeDefined();
      const { result } = await work.save();
      expect(result).toMatchObject({ location: 'remote', isVerified: false });
      expect([...result.changedMeanwhile, ...result.notSaved.map(({ path }) => path)]).toContain('busy');
      expect(await runGit(work.url, 'show', `${result.branch}:steady`)).toBe('steady');
    } finally {
      writer.kill('SIGKILL');
    }
  });
});

/** Returns the paths of the files that this process has open. */
const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The descriptor of the listing itself is closed.
      return [];
    }
  });

describe('a file to store', () => {
  it('is closed again if another file cannot be opened', async () => {
    const repository = await readRepository(folderGit(), work.tree);
    const scratch = await createScratch(folderGit(), work.folder, repository);
    const files = ['a.txt', 'b.txt', 'x'.repeat(300)].map((path) => ({ path }));
    await expect(storeFiles(scratch, work.tree, files)).rejects.toThrow('ENAMETOOLONG');
    expect(openFiles().filter((path) => path.startsWith(work.tree))).toEqual([]);
    await scratch.remove();
  });
});

describe('a save of a hostile repository', () => {
  it('copies no file to which a link in the git directory leads, and waits for no pipe', async () => {
    work.write('secret', 'the key of the agent\n');
    rmSync(join(work.tree, '.git/info'), { recursive: true, force: true });
    mkdirSync(join(work.tree, '.git/info'));
    for (const name of ['info/exclude', 'shallow', 'objects/info/alternates'])
      symlinkSync(join(work.tree, 'secret'), join(work.tree, '.git', name));
    execFileSync('mkfifo', [join(work.tree, '.git/info/attributes')]);
    const repository = await readRepository(folderGit(), work.tree);
    const { directory } = await createScratch(folderGit(), work.folder, repository);
    expect(existsSync(join(directory, 'info/exclude'))).toBe(false);
    expect(existsSync(join(directory, 'shallow'))).toBe(false);
    expect(readFileSync(join(directory, 'objects/info/alternates'), 'utf8')).not.toContain('key');
  });

  it('runs nothing that the repository names', async () => {
    const proof = join(work.place, 'a-program-ran');
    const program = join(work.place, 'program');
    writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> ${proof}\n`, { mode: 0o755 });
    const hooks = [
      'pre-commit',
      'pre-push',
      'reference-transaction',
      'post-index-change',
      'post-checkout',
      'pre-auto-gc',
    ];
    for (const hook of hooks)
      writeFileSync(join(work.tree, '.git/hooks', hook), readFileSync(program), { mode: 0o755 });
    const settings = {
      'core.fsmonitor': program,
      'core.sshCommand': program,
      'core.gitProxy': program,
      'core.pager': program,
      'core.editor': program,
      'core.askPass': program,
      'core.alternateRefsCommand': program,
      'core.hooksPath': join(work.tree, '.git/hooks'),
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
      'submodule.evil.url': `ext::${program}`,
      'submodule.evil.update': `!${program}`,
      'remote.evil.url': `ext::${program}`,
    };
    await commitFiles(work.tree, { '.gitattributes': '*.evil filter=evil\n*.lfs filter=lfs\n' }, 'attributes');
    for (const [key, value] of Object.entries(settings)) await work.git('config', key, value);
    rmSync(proof, { force: true });
    work.write('x.evil', 'x\n');
    work.write('b.txt', 'edited\n');
    const { result } = await work.save();
    expect(result.location).toBe('remote');
    await scanRepository(folderGit(), work.folder, work.tree);
    expect(existsSync(proof)).toBe(false);
  });
});
