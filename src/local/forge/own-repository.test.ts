import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

let served: ServedForge;
let token: string;
let mine: string;

beforeEach(async () => {
  served = await serveForge({ localUser: { ...ada, username: 'Ada Löve' } });
  token = served.forge.issueToken({ ...ada, username: 'Ada Löve' }).token;
  mine = await makeRepository(join(served.scratch, 'My Project'), { 'a.txt': 'one\n' });
});
afterEach(() => served.close());

const add = (path: string) => served.forge.addExistingRepository({ path });
const urlOf = (path: string) => withToken(`${served.url}/Ada-Love/${path}.git`, token);
async function clone(path: string): Promise<string> {
  const directory = join(served.scratch, 'clone');
  await runGit(served.scratch, 'clone', '--quiet', urlOf(path), directory);
  return directory;
}

describe("a user's own repository", () => {
  it('is private to the user, has the name of its directory, and keeps its number', async () => {
    const before = readFileSync(join(mine, '.git/config'), 'utf8');
    const { project, uncommittedFiles } = await add(mine);
    expect(project).toMatchObject({
      namespace: 'Ada-Love',
      path: 'My-Project',
      name: 'My Project',
      visibility: 'private',
    });
    expect(uncommittedFiles).toBe(0);
    expect(await runGit(await clone('My-Project'), 'log', '--format=%s')).toBe('commit 1');
    const others = served.forge.issueToken(bob).token;
    const asBob = await fetch(`${served.url}/api/v4/projects/${project.id}`, { headers: { 'private-token': others } });
    expect(asBob.status).toBe(404);
    expect((await add(join(mine, '.'))).project.id).toBe(project.id);
    expect(readFileSync(join(mine, '.git/config'), 'utf8')).toBe(before);

    const again = await serveForge({ directory: served.directory, localUser: { ...ada, username: 'Ada Löve' } });
    try {
      const response = await fetch(`${again.url}/api/v4/projects/Ada-Love%2FMy-Project`, {
        headers: { 'private-token': token },
      });
      expect(await response.json()).toMatchObject({
        id: project.id,
        permissions: { project_access: { access_level: 50 } },
      });
    } finally {
      await again.close();
    }
  });

  it('gets another name if its name is used, and is found through links and subdirectories', async () => {
    const first = await add(mine);
    const twin = await makeRepository(join(served.scratch, 'elsewhere/My Project'), { 'sub/b.txt': 'b\n' });
    const second = await add(join(twin, 'sub'));
    expect(second.project.path).toBe('My-Project-2');
    symlinkSync(mine, join(served.scratch, 'link'));
    expect((await add(join(served.scratch, 'link'))).project.id).toBe(first.project.id);
  });

  it('can be bare, or a linked working tree with another branch', async () => {
    await runGit(served.scratch, 'clone', '--quiet', '--bare', mine, 'plain.git');
    expect((await add(join(served.scratch, 'plain.git'))).project.path).toBe('plain');
    await runGit(mine, 'worktree', 'add', '--quiet', '-b', 'side', join(served.scratch, 'side tree'));
    await commitFiles(join(served.scratch, 'side tree'), { 's.txt': 's\n' }, 'on the side');
    const { project } = await add(join(served.scratch, 'side tree'));
    const response = await fetch(`${served.url}/api/v4/projects/${project.id}`, {
      headers: { 'private-token': token },
    });
    expect(await response.json()).toMatchObject({ path: 'side-tree', default_branch: 'side' });
    expect(await runGit(await clone('side-tree'), 'log', '-1', '--format=%s')).toBe('on the side');
  });

  it('reports the number of files with uncommitted changes', async () => {
    writeFileSync(join(mine, 'a.txt'), 'changed\n');
    writeFileSync(join(mine, 'new name\nwith a line.txt'), 'new\n');
    expect((await add(mine)).uncommittedFiles).toBe(2);
  });

  it('has new commits immediately', async () => {
    const { project } = await add(mine);
    const sha = await commitFiles(mine, { 'a.txt': 'later\n' }, 'later');
    const response = await fetch(`${served.url}/api/v4/projects/${project.id}/repository/commits/main`, {
      headers: { 'private-token': token },
    });
    expect(await response.json()).toMatchObject({ id: sha, title: 'later' });
  });

  it('does not serve its stash and its remote-tracking branches', async () => {
    writeFileSync(join(mine, 'a.txt'), 'not for others\n');
    await runGit(mine, 'stash', '--quiet');
    await runGit(mine, 'update-ref', 'refs/remotes/upstream/main', 'HEAD');
    const { project } = await add(mine);
    expect(
      (await runGit(served.scratch, 'ls-remote', urlOf('My-Project'))).split('\n').map((line) => line.split('\t')[1]),
    ).toEqual(['HEAD', 'refs/heads/main']);
    for (const ref of ['stash', 'upstream%2Fmain']) {
      const response = await fetch(`${served.url}/api/v4/projects/${project.id}/repository/commits/${ref}`, {
        headers: { 'private-token': token },
      });
      expect(response.status, ref).toBe(404);
    }
  });

  it('is not listed after it was moved, and the other repositories are', async () => {
    await served.forge.ensureDemoProject();
    await add(mine);
    const list = async () =>
      (await (await fetch(`${served.url}/api/v4/projects`, { headers: { 'private-token': token } })).json()) as {
        path: string;
      }[];
    expect(await list()).toHaveLength(2);
    const other = await makeRepository(join(served.scratch, 'gone'), { 'a.txt': 'a\n' });
    await add(other);
    rmSync(other, { recursive: true });
    expect((await list()).map(({ path }) => path).sort()).toEqual(['My-Project', 'first-light']);
  });
});

describe('a push to the checked-out branch', () => {
  it('updates a clean working tree', async () => {
    await add(mine);
    const work = await clone('My-Project');
    const sha = await commitFiles(work, { 'a.txt': 'from a session\n' }, 'session');
    await runGit(work, 'push', '--quiet');
    expect(readFileSync(join(mine, 'a.txt'), 'utf8')).toBe('from a session\n');
    expect(await runGit(mine, 'rev-parse', 'HEAD')).toBe(sha);
    expect(await runGit(mine, 'status', '--porcelain')).toBe('');
  });

  it('is rejected if the working tree is not clean, and changes nothing', async () => {
    await add(mine);
    const work = await clone('My-Project');
    await commitFiles(work, { 'a.txt': 'from a session\n' }, 'session');
    writeFileSync(join(mine, 'a.txt'), 'my own work\n');
    await expect(runGit(work, 'push', '--quiet')).rejects.toMatchObject({
      stderr: expect.stringMatching(/unstaged changes/),
    });
    expect(readFileSync(join(mine, 'a.txt'), 'utf8')).toBe('my own work\n');
    await runGit(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/elsewhere');
  });

  it('runs no hooks, pushed ones included', async () => {
    await runGit(mine, 'config', 'core.hooksPath', '.husky');
    await add(mine);
    const work = await clone('My-Project');
    const proof = join(served.scratch, 'a-hook-ran');
    for (const name of [
      'post-receive',
      'post-update',
      'push-to-checkout',
      'reference-transaction',
      'post-index-change',
    ]) {
      mkdirSync(join(work, '.husky'), { recursive: true });
      writeFileSync(join(work, '.husky', name), `#!/bin/sh\ntouch '${proof}'\n`);
      chmodSync(join(work, '.husky', name), 0o755);
    }
    await commitFiles(work, { 'a.txt': 'two\n' }, 'hooks');
    await runGit(work, 'push', '--quiet');
    await commitFiles(work, { 'a.txt': 'three\n' }, 'again');
    await runGit(work, 'push', '--quiet');
    expect(statSync(join(mine, '.husky/post-receive')).mode & 0o100).toBe(0o100);
    expect(existsSync(proof)).toBe(false);
  });

  it('does not delete a branch that a working tree has checked out', async () => {
    const { project } = await add(mine);
    await runGit(mine, 'worktree', 'add', '--quiet', '-b', 'side', join(served.scratch, 'side'));
    const response = await fetch(`${served.url}/api/v4/projects/${project.id}/repository/branches/side`, {
      method: 'DELETE',
      headers: { 'private-token': token },
    });
    expect(response.status).toBe(400);
  });
});

/** Clones `mine` with these options, as over a network. */
async function cloneOf(name: string, ...options: string[]): Promise<string> {
  await runGit(mine, 'config', 'uploadpack.allowFilter', 'true');
  await runGit(served.scratch, 'clone', '--quiet', '--no-local', ...options, `file://${mine}`, name);
  return join(served.scratch, name);
}

describe('a repository of a special type', () => {
  /** Returns the files in a session's clone of the repository. */
  async function files(path: string): Promise<string[]> {
    const { project } = await add(path);
    const directory = await clone(project.path);
    return (await runGit(directory, 'ls-files')).split('\n');
  }

  it('is served: a shallow clone', async () => {
    await commitFiles(mine, { 'b.txt': 'b\n' }, 'two');
    expect(await files(await cloneOf('shallow', '--depth=1'))).toEqual(['a.txt', 'b.txt']);
  });

  it('is served: a repository that uses the objects of another one', async () => {
    await runGit(served.scratch, 'clone', '--quiet', '--shared', mine, 'shared');
    expect(await files(join(served.scratch, 'shared'))).toEqual(['a.txt']);
  });

  it('is served: a submodule', async () => {
    const outer = await makeRepository(join(served.scratch, 'outer'), { 'o.txt': 'o\n' });
    await runGit(outer, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', mine, 'inner');
    expect(await files(join(outer, 'inner'))).toEqual(['a.txt']);
  });

  it('is served: a repository with SHA-256', async () => {
    await runGit(served.scratch, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main', 'long');
    const sha = await commitFiles(join(served.scratch, 'long'), { 'l.txt': 'l\n' }, 'long');
    expect(sha).toHaveLength(64);
    expect(await files(join(served.scratch, 'long'))).toEqual(['l.txt']);
    const response = await fetch(`${served.url}/api/v4/projects/Ada-Love%2Flong/repository/commits/${sha}`, {
      headers: { 'private-token': token },
    });
    expect(await response.json()).toMatchObject({ id: sha });
  });

  it('is served: a repository with a detached HEAD, from its branch', async () => {
    await commitFiles(mine, { 'b.txt': 'b\n' }, 'two');
    await runGit(mine, 'checkout', '--quiet', '--detach', 'HEAD~1');
    const { project } = await add(mine);
    const response = await fetch(`${served.url}/api/v4/projects/${project.id}`, {
      headers: { 'private-token': token },
    });
    expect(await response.json()).toMatchObject({ default_branch: 'main' });
  });

  it('is served: a partial clone after the command in the error message for partial clones', async () => {
    const partial = await cloneOf('partial', '--filter=blob:none', '--no-checkout');
    await expect(add(partial)).rejects.toThrow(
      /partial is a partial clone .*Run "git fetch --refetch --no-filter" in it, or use a new clone without --filter/,
    );
    await runGit(partial, 'fetch', '--quiet', '--refetch', '--no-filter');
    expect(await files(partial)).toEqual(['a.txt']);
  });

  it.skipIf(process.getuid?.() !== 0)('is served: a repository with another owner', async () => {
    execFileSync('chown', ['--recursive', '12345', mine]);
    expect(await files(mine)).toEqual(['a.txt']);
  });
});

describe('a repository that cannot be served', () => {
  it('is rejected if objects are missing, with a remedy, and without a request to its remote', async () => {
    for (const filter of ['blob:none', 'tree:0', 'blob:limit=1']) {
      const partial = await cloneOf(`partial-${filter.replace(/\W/g, '-')}`, `--filter=${filter}`, '--no-checkout');
      await runGit(partial, 'remote', 'set-url', 'origin', served.url);
      served.intercept = () => expect.unreachable('a request was sent to the remote');
      await expect(add(partial), filter).rejects.toThrow(/is a partial clone/);
    }
    served.intercept = () => false;
    await runGit(served.scratch, 'clone', '--quiet', '--shared', mine, 'shared');
    const blob = await runGit(mine, 'rev-parse', 'HEAD:a.txt');
    rmSync(join(mine, '.git/objects', blob.slice(0, 2), blob.slice(2)));
    await expect(add(mine)).rejects.toThrow(new RegExp(`is damaged: objects .* are missing .*${blob}.*"git fsck"`));
    rmSync(join(mine, '.git/objects'), { recursive: true });
    await expect(add(join(served.scratch, 'shared'))).rejects.toThrow(/objects .* are missing .*alternate.*"git fsck"/);
  });

  it('is rejected if git does not support its format', async () => {
    await runGit(mine, 'config', 'core.repositoryFormatVersion', '1');
    await runGit(mine, 'config', 'extensions.fromTheFuture', 'x');
    await expect(add(mine)).rejects.toThrow(
      /has a format that this version of git does not support .*fromthefuture.* newer git/,
    );
  });

  it('is rejected if it has commits and no branch', async () => {
    await runGit(mine, 'checkout', '--quiet', '--detach');
    await runGit(mine, 'branch', '--quiet', '--delete', '--force', 'main');
    await expect(add(mine)).rejects.toThrow(/has no branch\. .*\(git switch -c main\)/);
  });

  it('is rejected with a message for the user', async () => {
    const empty = join(served.scratch, 'empty');
    mkdirSync(empty);
    await expect(add(empty)).rejects.toThrow(/is not a git repository\. Run "git init" and create a first commit/);
    await runGit(empty, 'init', '--quiet');
    await expect(add(empty)).rejects.toThrow(/has no commits\./);
    await expect(add(join(mine, '.git'))).rejects.toThrow(/use the directory that contains the files/);
    await expect(add(join(served.scratch, 'nowhere'))).rejects.toThrow(/There is no directory/);
    await expect(add(join(mine, 'a.txt'))).rejects.toThrow(/is not a directory/);
    writeFileSync(join(mine, '.git/config'), 'nonsense [');
    await expect(add(mine)).rejects.toThrow(/git cannot read/);
  });
});
