import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runClone, startClone } from '../../../tests/support/git-clone/run-clone.ts';
import { useSecretProject } from '../../../tests/support/git-clone/secret-project.ts';
import { runGit } from '../../../tests/support/local/forge/served-forge.ts';

const project = useSecretProject();
const wait = { timeout: 100_000, interval: 20 };

describe('a clone', () => {
  it("checks out the requested commit on the requested branch, with its upstream and the owner's name", async () => {
    const { exitCode, output } = await runClone(project.variables());
    expect(output).toMatch(/^Cloning http:.*secret\.git, branch main, commit /);
    expect(output).toMatch(/Fetched all branches: \d+ objects/);
    expect(exitCode).toBe(0);
    expect(await runGit(project.directory, 'rev-parse', 'HEAD')).toBe(project.commits[1]);
    expect(await runGit(project.directory, 'status', '--porcelain=v2', '--branch')).toMatch(
      /branch\.head main\n.*branch\.upstream origin\/main\n.*branch\.ab \+0 -1$/,
    );
    expect(readFileSync(join(project.directory, 'a.txt'), 'utf8')).toBe('2\n');
    expect(await runGit(project.directory, 'config', 'user.name')).toBe("Ada O'Neil Lovelace");
    expect(await runGit(project.directory, 'config', 'user.email')).toBe('ada@example.org');
    expect(await runGit(project.directory, 'config', 'remote.origin.url')).toBe(project.url);
    expect((await runGit(project.directory, 'branch', '--remotes')).split('\n')).toHaveLength(4);
  });

  it.each([
    ['a short id', 'main', () => project.commits[0]?.slice(0, 8)],
    ['a tag', 'main', () => 'v1'],
    ['a branch', 'main', () => 'topic/with/slashes'],
    ['a commit of a branch with slashes', 'topic/with/slashes', () => project.commits[0]],
  ])('checks out %s', async (_what, branch, commit) => {
    const commitSha = commit() ?? '';
    const { exitCode } = await runClone(project.variables({ branch, commitSha }));
    expect(exitCode).toBe(0);
    expect(await runGit(project.directory, 'rev-parse', 'HEAD')).toBe(
      await runGit(project.tree, 'rev-parse', `${commitSha}^{commit}`),
    );
    expect(await runGit(project.directory, 'symbolic-ref', '--short', 'HEAD')).toBe(branch);
  });

  it.each([
    ['a commit of another branch by its id', () => runGit(project.tree, 'rev-parse', 'other')],
    ['another branch', async () => 'other'],
    ['a commit that is no longer on a branch', async () => project.overwritten],
  ])('checks out %s, and sets the local branch to this commit', async (_what, commit) => {
    const commitSha = await commit();
    const { exitCode, output } = await runClone(project.variables({ commitSha }));
    expect(exitCode, output).toBe(0);
    const id = commitSha === 'other' ? await runGit(project.tree, 'rev-parse', 'other') : commitSha;
    expect(await runGit(project.directory, 'rev-parse', 'HEAD')).toBe(id);
    expect(await runGit(project.directory, 'status', '--porcelain=v2', '--branch')).toMatch(
      /branch\.head main\n.*branch\.upstream origin\/main\n/,
    );
    await runGit(project.directory, 'fsck', '--connectivity-only');
  });

  it('of a public project needs no token, and uses an existing empty directory', async () => {
    const demo = await project.served.forge.ensureDemoProject();
    const commitSha = await runGit(demo.gitDir, 'rev-parse', 'main');
    mkdirSync(project.directory, { recursive: true });
    const { oauthToken, fullName, email, ...rest } = project.variables({
      repositoryUrl: `${project.served.url}/demo/first-light.git`,
      commitSha,
    });
    expect((await runClone(rest)).exitCode).toBe(0);
    expect(readdirSync(project.directory)).toContain('first-light.ipynb');
  });

  it('needs no temporary folder, because the root folder of the container can be read-only', async () => {
    expect(await runClone(project.variables(), { TMPDIR: '/does/not/exist' })).toMatchObject({ exitCode: 0 });
  });

  it('writes the token to no file, and shows it in no process list', async () => {
    let seen: string[] = [];
    project.served.intercept = (request) => {
      if (request.method === 'POST') seen = seen.concat(commandLines());
      return false;
    };
    const { output } = await runClone(project.variables());
    expect(seen.some((line) => line.includes('git-remote-http'))).toBe(true);
    expect(seen.filter((line) => line.includes(project.token))).toEqual([]);
    expect(output).not.toContain(project.token);
    expect(() => execFileSync('grep', ['--recursive', '--quiet', project.token, project.workspace])).toThrow();
  });

  it("uses no configuration of the user, and none of git's variables", async () => {
    const home = join(project.served.scratch, 'home');
    mkdirSync(home, { recursive: true });
    const store = join(home, 'stored');
    writeFileSync(
      join(home, '.gitconfig'),
      `[credential]\n\thelper = store --file=${store}\n[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://\n`,
    );
    const { exitCode } = await runClone(project.variables(), {
      HOME: home,
      GIT_DIR: '/nonexistent',
      GIT_CONFIG_PARAMETERS: "'a.b'='c'",
    });
    expect(exitCode).toBe(0);
    expect(existsSync(store)).toBe(false);
  });
});

describe('an existing directory', () => {
  it('that is a working tree is not changed, without a network request', async () => {
    await runClone(project.variables());
    writeFileSync(join(project.directory, 'a.txt'), 'unsaved work\n');
    project.served.intercept = () => expect.unreachable('a request was sent');
    const { exitCode, lastLine } = await runClone(project.variables({ commitSha: project.commits[0] ?? '' }));
    expect(exitCode).toBe(0);
    expect(lastLine).toMatch(/already is a git repository/);
    expect(readFileSync(join(project.directory, 'a.txt'), 'utf8')).toBe('unsaved work\n');
    expect(await runGit(project.directory, 'rev-parse', 'HEAD')).toBe(project.commits[1]);
  });

  it('that is a damaged working tree is not changed', async () => {
    await runClone(project.variables());
    writeFileSync(join(project.directory, '.git', 'config'), 'damaged [');
    expect((await runClone(project.variables())).exitCode).toBe(0);
    expect(readFileSync(join(project.directory, '.git', 'config'), 'utf8')).toBe('damaged [');
  });

  it('that contains other files is not changed', async () => {
    mkdirSync(project.directory, { recursive: true });
    writeFileSync(join(project.directory, 'precious.txt'), 'precious\n');
    const { exitCode, lastLine } = await runClone(project.variables());
    expect(exitCode).toBe(200);
    expect(lastLine).toMatch(/already contains files .* were not changed/);
    expect(readdirSync(project.directory)).toEqual(['precious.txt']);
  });

  it('in another repository can be cloned into', async () => {
    await runGit(project.workspace, 'init', '--quiet');
    expect((await runClone(project.variables())).exitCode).toBe(0);
    expect(await runGit(project.directory, 'rev-parse', 'HEAD')).toBe(project.commits[1]);
  });
});

describe('an interrupted clone', () => {
  /** Holds the fetch: the third POST, after the refs for `ls-remote` and for `clone`. Resolves when the request has arrived. */
  function holdFetch(): Promise<ServerResponse> {
    return new Promise((resolve) => {
      let posts = 0;
      project.served.intercept = (request, response) => {
        if (request.method !== 'POST' || ++posts < 3) return false;
        resolve(response);
        return true;
      };
    });
  }

  it('by kill -9 leaves no partial clone, and the next clone is complete', async () => {
    const held = holdFetch();
    const { child, ended } = startClone(project.variables());
    const response = await held;
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(project.directory)).toBe(false);
    expect(readdirSync(dirname(project.directory))).toHaveLength(1);
    project.served.intercept = () => false;
    const { exitCode, output } = await runClone(project.variables());
    expect(output).toMatch(/^Removing the files of an interrupted clone/m);
    expect(exitCode).toBe(0);
    expect(await runGit(project.directory, 'rev-parse', 'HEAD')).toBe(project.commits[1]);
    await runGit(project.directory, 'fsck', '--strict');
    response.destroy();
    await vi.waitFor(() => expect(commandLines().filter((line) => line.includes(project.workspace))).toEqual([]), wait);
  });

  it('by SIGTERM removes its files', async () => {
    const held = holdFetch();
    const { child, ended } = startClone(project.variables());
    await held;
    child.kill('SIGTERM');
    const { exitCode, lastLine } = await ended;
    expect(lastLine).toMatch(/was stopped, and its files were removed/);
    expect(exitCode).toBe(143);
    expect(existsSync(project.directory)).toBe(false);
    await vi.waitFor(() => expect(commandLines().filter((line) => line.includes(project.workspace))).toEqual([]), wait);
  });

  it('does not delete a directory of the user that looks like a staging directory', async () => {
    const neighbour = join(project.workspace, 'team', '.secret.cloning-mine');
    mkdirSync(neighbour, { recursive: true });
    writeFileSync(join(neighbour, 'precious.txt'), 'precious\n');
    expect((await runClone(project.variables())).exitCode).toBe(0);
    expect(readFileSync(join(neighbour, 'precious.txt'), 'utf8')).toBe('precious\n');
    execFileSync('rm', ['-r', neighbour]);
  });
});

function commandLines(): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return []; // the process has ended
    }
  });
}
