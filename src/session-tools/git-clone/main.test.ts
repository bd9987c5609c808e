import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CloneVariables, runClone, startClone } from '../../../tests/support/git-clone/run-clone.ts';
import {
  ada,
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../../../tests/support/local/forge/served-forge.ts';

let served: ServedForge;
let token: string;
let tree: string;
/** A commit on a branch that was deleted after the push. */
let overwritten: string;
/** The commits of `main`, oldest first. */
let commits: string[];
/** The git directories of the forge, by the path of the project. */
const gitDirs = new Map<string, string>();
let workspace: string;
let directory: string;
let number = 0;

const wait = { timeout: 100_000, interval: 20 };
const secretUrl = () => `${served.url}/team/secret.git`;
const variables = (more: CloneVariables = {}): CloneVariables => ({
  repositoryUrl: secretUrl(),
  gitUrl: served.url,
  branch: 'main',
  commitSha: commits[1] ?? '',
  username: 'ada',
  oauthToken: token,
  fullName: "Ada O'Neil Lovelace",
  email: 'ada@example.org',
  gitAutosave: '0',
  lfsAutoFetch: '0',
  mountPath: directory,
  timeoutSeconds: '20',
  ...more,
});

async function createProject(path: string): Promise<string> {
  const { gitDir } = await served.forge.createProject({
    namespace: 'team',
    path,
    members: [{ username: 'ada', accessLevel: 30 }],
  });
  gitDirs.set(path, gitDir);
  return withToken(`${served.url}/team/${path}.git`, token);
}

beforeAll(async () => {
  served = await serveForge();
  token = served.forge.issueToken(ada).token;
  tree = await makeRepository(join(served.scratch, 'tree'), { 'a.txt': '1\n' }, { 'a.txt': '2\n' }, { 'a.txt': '3\n' });
  commits = (await runGit(tree, 'log', '--reverse', '--format=%H')).split('\n');
  await runGit(tree, 'tag', '--annotate', 'v1', '--message', 'one', commits[0] ?? '');
  await runGit(tree, 'branch', 'topic/with/slashes', commits[1] ?? '');
  await runGit(tree, 'checkout', '--quiet', '-b', 'other');
  await commitFiles(tree, { 'b.txt': 'b\n' }, 'only on other');
  await runGit(tree, 'push', '--quiet', '--all', await createProject('secret'));
  await runGit(tree, 'push', '--quiet', '--tags', withToken(secretUrl(), token));
  await runGit(tree, 'checkout', '--quiet', '-b', 'gone');
  overwritten = await commitFiles(tree, { 'c.txt': 'c\n' }, 'pushed over');
  await runGit(tree, 'push', '--quiet', withToken(secretUrl(), token), 'gone');
  await runGit(tree, 'push', '--quiet', withToken(secretUrl(), token), ':gone');
  await runGit(tree, 'checkout', '--quiet', 'other');
});
afterAll(() => served.close());
beforeEach(() => {
  workspace = join(served.scratch, `workspace-${number++}`);
  mkdirSync(workspace);
  directory = join(workspace, 'team', 'secret');
});
afterEach(() => {
  served.intercept = () => false;
  // After every test, there are no other files beside the clone.
  if (existsSync(dirname(directory)))
    expect(readdirSync(dirname(directory)).filter((name) => name !== 'secret')).toEqual([]);
});

describe('a clone', () => {
  it("checks out the requested commit on the requested branch, with its upstream and the owner's name", async () => {
    const { exitCode, output } = await runClone(variables());
    expect(output).toMatch(/^Cloning http:.*secret\.git, branch main, commit /);
    expect(output).toMatch(/Fetched all branches: \d+ objects/);
    expect(exitCode).toBe(0);
    expect(await runGit(directory, 'rev-parse', 'HEAD')).toBe(commits[1]);
    expect(await runGit(directory, 'status', '--porcelain=v2', '--branch')).toMatch(
      /branch\.head main\n.*branch\.upstream origin\/main\n.*branch\.ab \+0 -1$/,
    );
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('2\n');
    expect(await runGit(directory, 'config', 'user.name')).toBe("Ada O'Neil Lovelace");
    expect(await runGit(directory, 'config', 'user.email')).toBe('ada@example.org');
    expect(await runGit(directory, 'config', 'remote.origin.url')).toBe(secretUrl());
    expect((await runGit(directory, 'branch', '--remotes')).split('\n')).toHaveLength(4);
  });

  it.each([
    ['a short id', 'main', () => commits[0]?.slice(0, 8)],
    ['a tag', 'main', () => 'v1'],
    ['a branch', 'main', () => 'topic/with/slashes'],
    ['a commit of a branch with slashes', 'topic/with/slashes', () => commits[0]],
  ])('checks out %s', async (_what, branch, commit) => {
    const commitSha = commit() ?? '';
    const { exitCode } = await runClone(variables({ branch, commitSha }));
    expect(exitCode).toBe(0);
    expect(await runGit(directory, 'rev-parse', 'HEAD')).toBe(await runGit(tree, 'rev-parse', `${commitSha}^{commit}`));
    expect(await runGit(directory, 'symbolic-ref', '--short', 'HEAD')).toBe(branch);
  });

  it.each([
    ['a commit of another branch by its id', () => runGit(tree, 'rev-parse', 'other')],
    ['another branch', async () => 'other'],
    ['a commit that is no longer on a branch', async () => overwritten],
  ])('checks out %s, and sets the local branch to this commit', async (_what, commit) => {
    const commitSha = await commit();
    const { exitCode, output } = await runClone(variables({ commitSha }));
    expect(exitCode, output).toBe(0);
    const id = commitSha === 'other' ? await runGit(tree, 'rev-parse', 'other') : commitSha;
    expect(await runGit(directory, 'rev-parse', 'HEAD')).toBe(id);
    expect(await runGit(directory, 'status', '--porcelain=v2', '--branch')).toMatch(
      /branch\.head main\n.*branch\.upstream origin\/main\n/,
    );
    await runGit(directory, 'fsck', '--connectivity-only');
  });

  it('of a public project needs no token, and uses an existing empty directory', async () => {
    const demo = await served.forge.ensureDemoProject();
    const commitSha = await runGit(demo.gitDir, 'rev-parse', 'main');
    mkdirSync(directory, { recursive: true });
    const { oauthToken, fullName, email, ...rest } = variables({
      repositoryUrl: `${served.url}/demo/first-light.git`,
      commitSha,
    });
    expect((await runClone(rest)).exitCode).toBe(0);
    expect(readdirSync(directory)).toContain('first-light.ipynb');
  });

  it('writes the token to no file, and shows it in no process list', async () => {
    let seen: string[] = [];
    served.intercept = (request) => {
      if (request.method === 'POST') seen = seen.concat(commandLines());
      return false;
    };
    const { output } = await runClone(variables());
    expect(seen.some((line) => line.includes('git-remote-http'))).toBe(true);
    expect(seen.filter((line) => line.includes(token))).toEqual([]);
    expect(output).not.toContain(token);
    expect(() => execFileSync('grep', ['--recursive', '--quiet', token, workspace])).toThrow();
  });

  it("uses no configuration of the user, and none of git's variables", async () => {
    const home = join(served.scratch, 'home');
    mkdirSync(home, { recursive: true });
    const store = join(home, 'stored');
    writeFileSync(
      join(home, '.gitconfig'),
      `[credential]\n\thelper = store --file=${store}\n[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://\n`,
    );
    const { exitCode } = await runClone(variables(), {
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
    await runClone(variables());
    writeFileSync(join(directory, 'a.txt'), 'unsaved work\n');
    served.intercept = () => expect.unreachable('a request was sent');
    const { exitCode, lastLine } = await runClone(variables({ commitSha: commits[0] ?? '' }));
    expect(exitCode).toBe(0);
    expect(lastLine).toMatch(/already is a git repository/);
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('unsaved work\n');
    expect(await runGit(directory, 'rev-parse', 'HEAD')).toBe(commits[1]);
  });

  it('that is a damaged working tree is not changed', async () => {
    await runClone(variables());
    writeFileSync(join(directory, '.git', 'config'), 'damaged [');
    expect((await runClone(variables())).exitCode).toBe(0);
    expect(readFileSync(join(directory, '.git', 'config'), 'utf8')).toBe('damaged [');
  });

  it('that contains other files is not changed', async () => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'precious.txt'), 'precious\n');
    const { exitCode, lastLine } = await runClone(variables());
    expect(exitCode).toBe(200);
    expect(lastLine).toMatch(/already contains files .* were not changed/);
    expect(readdirSync(directory)).toEqual(['precious.txt']);
  });

  it('in another repository can be cloned into', async () => {
    await runGit(workspace, 'init', '--quiet');
    expect((await runClone(variables())).exitCode).toBe(0);
    expect(await runGit(directory, 'rev-parse', 'HEAD')).toBe(commits[1]);
  });
});

describe('the result of a failed clone', () => {
  const expectNothing = () => expect(existsSync(directory)).toBe(false);

  it('is 204 for a branch or commit that does not exist', async () => {
    for (const [more, sentence] of [
      [{ branch: 'gone' }, /The branch "gone" does not exist in the repository/],
      [{ branch: 'with/slashes' }, /The branch "with\/slashes" does not exist/],
      [{ commitSha: 'f'.repeat(40) }, /The commit f+ does not exist in the repository/],
      [{ commitSha: 'f'.repeat(64) }, /The commit f+ does not exist in the repository/],
    ] as const) {
      const { exitCode, lastLine } = await runClone(variables(more));
      expect(lastLine).toMatch(sentence);
      expect(exitCode).toBe(204);
      expectNothing();
    }
  });

  it('is 200 for a rejected token, and for a repository that does not exist', async () => {
    const refused = await runClone(variables({ oauthToken: 'wrong' }));
    expect(refused.exitCode).toBe(200);
    expect(refused.lastLine).toMatch(/rejects the session's access token .* Sign in again/);
    const { oauthToken, ...anonymous } = variables();
    expect((await runClone(anonymous)).lastLine).toMatch(/is not public .* Sign in/);
    const missing = await runClone(variables({ repositoryUrl: `${served.url}/team/nothing.git` }));
    expect(missing.exitCode).toBe(200);
    expect(missing.lastLine).toMatch(/does not exist on the git server .* or you do not have access/);
    expectNothing();
  });

  it('is 201 if the git server stays unavailable: down, silent or broken', async () => {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = (port: number) => {
      const gitUrl = `http://127.0.0.1:${port}`;
      return { gitUrl, repositoryUrl: `${gitUrl}/team/secret.git`, timeoutSeconds: '1' };
    };
    const down = await runClone(variables(address(1)));
    const unanswered = await runClone(variables(address((silent.address() as AddressInfo).port)));
    silent.closeAllConnections();
    silent.close();
    served.intercept = (_request, response) => Boolean(response.writeHead(503).end());
    const broken = await runClone(variables({ timeoutSeconds: '1' }));
    for (const { exitCode, lastLine } of [down, unanswered, broken]) {
      expect(lastLine).toMatch(/The git server 127\.0\.0\.1:\d+ was not available for 1 s .*Launch the session again/);
      expect(exitCode).toBe(201);
    }
    expectNothing();
  });

  it("contains the git server's message, and never the token", async () => {
    const answers: [number, string, RegExp][] = [
      [
        403,
        'You must accept the Terms of Service.',
        /with the message: "You must accept the Terms of Service\."\. Follow the message/,
      ],
      [451, 'Not available in your country.', /the server's message: "Not available in your country\."/],
      [
        401,
        `HTTP Basic: Access denied for ${token}`,
        /rejects the session's access token .*Access denied for \[token\]/,
      ],
      [
        503,
        'GitLab is in maintenance.',
        /was not available for 1 s .*the server's message: "GitLab is in maintenance\."/,
      ],
    ];
    for (const [status, text, sentence] of answers) {
      served.intercept = (_request, response) => {
        response.writeHead(status, { 'content-type': 'text/plain', 'www-authenticate': 'Basic realm="x"' }).end(text);
        return true;
      };
      const { output, lastLine } = await runClone(variables({ timeoutSeconds: '1' }));
      expect(lastLine).toMatch(sentence);
      expect(output).not.toContain(token);
    }
    expectNothing();
  });

  it('is returned immediately if objects are missing in the repository, and after three interrupted transfers', async () => {
    const damaged = await makeRepository(join(served.scratch, 'damaged'), { 'a.txt': 'one\n' });
    const url = await createProject('damaged');
    await runGit(damaged, 'push', '--quiet', url, 'main');
    const blob = await runGit(damaged, 'rev-parse', 'HEAD:a.txt');
    rmSync(join(gitDirs.get('damaged') ?? '', 'objects', blob.slice(0, 2), blob.slice(2)));
    const more = {
      repositoryUrl: `${served.url}/team/damaged.git`,
      commitSha: await runGit(damaged, 'rev-parse', 'HEAD'),
      timeoutSeconds: '60',
    };
    const missing = await runClone(variables(more));
    expect(missing.lastLine).toMatch(
      /is missing objects that its branches need \(unable to read [0-9a-f]+\).*git fsck/,
    );
    expect(missing.exitCode).toBe(200);
    expect(missing.output).not.toMatch(/trying again/);

    served.intercept = (request, response) => {
      if (!request.url?.endsWith('/git-upload-pack')) return false;
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result', 'content-length': '99' });
      response.write('000d packfile', () => response.destroy());
      return true;
    };
    const broken = await runClone(variables({ timeoutSeconds: '60' }));
    expect(broken.lastLine).toMatch(/interrupted the transfer/);
    expect(broken.exitCode).toBe(201);
    expect(broken.output.match(/trying again/g)).toHaveLength(2);
    expectNothing();
  });

  it('is a success if the server is available again in time', async () => {
    let refused = 0;
    served.intercept = (request, response) => {
      if (request.method !== 'POST' || refused++ > 1) return false;
      response.writeHead(502).end();
      return true;
    };
    const { exitCode, output } = await runClone(variables());
    expect(output).toMatch(/is not available .*; trying again/);
    expect(exitCode).toBe(0);
    expect(await runGit(directory, 'status', '--porcelain')).toBe('');
  });

  it('is 200 for invalid settings, with the name of each', async () => {
    const { exitCode, lastLine } = await runClone({
      repositoryUrl: 'ssh://git@host/x.git',
      branch: '--upload-pack=x',
      mountPath: 'here',
    });
    expect(exitCode).toBe(200);
    expect(lastLine).toMatch(
      /GIT_CLONE_REPOSITORY_URL is not an http\(s\) URL.*GIT_CLONE_BRANCH is not a branch name.*GIT_CLONE_COMMIT_SHA is not set.*GIT_CLONE_MOUNT_PATH is not an absolute path/,
    );
  });

  const ownTmpfs = [
    'unshare',
    '--user',
    '--map-root-user',
    '--mount',
    'sh',
    '-c',
    'mount -t tmpfs -o size=3m tmpfs "$0" && exec "$@"',
  ];
  const canMount = (() => {
    try {
      execFileSync(ownTmpfs[0] ?? '', [...ownTmpfs.slice(1), '/mnt', 'true'], { stdio: 'ignore' });
      return true;
    } catch {
      return false; // no user namespaces here
    }
  })();
  it.skipIf(!canMount)('is 203 if the disk is full, during the fetch and during the checkout', async () => {
    await runGit(tree, 'checkout', '--quiet', '-b', 'large');
    const compressible = await commitFiles(tree, { 'large.txt': 'x'.repeat(8_000_000) }, 'large');
    const url = await createProject('large');
    await runGit(tree, 'push', '--quiet', url, 'large:main');
    const large = variables({ repositoryUrl: `${served.url}/team/large.git`, commitSha: compressible });
    const checkout = await runClone(large, {}, [...ownTmpfs, workspace]);
    expect(checkout.lastLine).toMatch(/There is no space left on the disk of the session/);
    expect(checkout.exitCode).toBe(203);
    writeFileSync(join(tree, 'noise.bin'), randomBytes(5_000_000));
    const incompressible = await commitFiles(tree, {}, 'noise');
    await runGit(tree, 'push', '--quiet', url, 'large:main');
    const fetch = await runClone({ ...large, commitSha: incompressible }, {}, [...ownTmpfs, workspace]);
    expect(fetch.exitCode, fetch.output).toBe(203);
  });
});

describe('an interrupted clone', () => {
  /** Holds the fetch: the third POST, after the refs for `ls-remote` and for `clone`. Resolves when the request has arrived. */
  function holdFetch(): Promise<ServerResponse> {
    return new Promise((resolve) => {
      let posts = 0;
      served.intercept = (request, response) => {
        if (request.method !== 'POST' || ++posts < 3) return false;
        resolve(response);
        return true;
      };
    });
  }

  it('by kill -9 leaves no partial clone, and the next clone is complete', async () => {
    const held = holdFetch();
    const { child, ended } = startClone(variables());
    const response = await held;
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(directory)).toBe(false);
    expect(readdirSync(dirname(directory))).toHaveLength(1);
    served.intercept = () => false;
    const { exitCode, output } = await runClone(variables());
    expect(output).toMatch(/^Removing the files of an interrupted clone/m);
    expect(exitCode).toBe(0);
    expect(await runGit(directory, 'rev-parse', 'HEAD')).toBe(commits[1]);
    await runGit(directory, 'fsck', '--strict');
    response.destroy();
    await vi.waitFor(() => expect(commandLines().filter((line) => line.includes(workspace))).toEqual([]), wait);
  });

  it('by SIGTERM removes its files', async () => {
    const held = holdFetch();
    const { child, ended } = startClone(variables());
    await held;
    child.kill('SIGTERM');
    const { exitCode, lastLine } = await ended;
    expect(lastLine).toMatch(/was stopped, and its files were removed/);
    expect(exitCode).toBe(143);
    expect(existsSync(directory)).toBe(false);
    await vi.waitFor(() => expect(commandLines().filter((line) => line.includes(workspace))).toEqual([]), wait);
  });

  it('does not delete a directory of the user that looks like a staging directory', async () => {
    const neighbour = join(workspace, 'team', '.secret.cloning-mine');
    mkdirSync(neighbour, { recursive: true });
    writeFileSync(join(neighbour, 'precious.txt'), 'precious\n');
    expect((await runClone(variables())).exitCode).toBe(0);
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
