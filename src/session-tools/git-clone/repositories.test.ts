import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ada,
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../../local/forge/testing/served-forge.ts';
import { type CloneVariables, runClone } from './testing/run-clone.ts';

/** What repositories bring along: submodules, LFS, and things that ought not to run. */

let served: ServedForge;
let token: string;
let directory: string;
let number = 0;

beforeAll(async () => {
  served = await serveForge();
  token = served.forge.issueToken(ada).token;
});
afterAll(() => served.close());
beforeEach(() => {
  directory = join(served.scratch, `workspace-${number++}`, 'project');
});

/** Pushes a working tree as a private project of ada's; answers the variables that clone its last commit. */
async function publish(tree: string, path: string): Promise<CloneVariables> {
  await served.forge.createProject({ namespace: 'team', path, members: [{ username: 'ada', accessLevel: 30 }] });
  await runGit(tree, 'push', '--quiet', withToken(`${served.url}/team/${path}.git`, token), 'HEAD:main');
  return {
    repositoryUrl: `${served.url}/team/${path}.git`,
    gitUrl: served.url,
    branch: 'main',
    commitSha: await runGit(tree, 'rev-parse', 'HEAD'),
    oauthToken: token,
    mountPath: directory,
    timeoutSeconds: '20',
  };
}

/** Adds a submodule as `git submodule add` does, without fetching it. */
async function addSubmodule(tree: string, path: string, url: string, sha: string): Promise<void> {
  const file = join(tree, '.gitmodules');
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  writeFileSync(file, `${before}[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`);
  await runGit(tree, 'update-index', '--add', '--cacheinfo', `160000,${sha},${path}`);
  await runGit(tree, 'add', '.gitmodules');
  await runGit(tree, 'commit', '--quiet', '--message', `add ${path}`);
}

describe('submodules', () => {
  let library: { url: string; sha: string };
  beforeAll(async () => {
    const nested = await makeRepository(join(served.scratch, 'nested'), { 'n.txt': 'nested\n' });
    await publish(nested, 'nested');
    const tree = await makeRepository(join(served.scratch, 'library'), { 'l.txt': 'library\n' });
    await addSubmodule(tree, 'inner', '../nested.git', await runGit(nested, 'rev-parse', 'HEAD'));
    const { repositoryUrl = '', commitSha = '' } = await publish(tree, 'library');
    library = { url: repositoryUrl, sha: commitSha };
  });

  it('are fetched with the token: relative, nested, and by the SSH address of the same server', async () => {
    const { host, pathname } = new URL(served.url);
    const tree = await makeRepository(join(served.scratch, 'project'), { 'a.txt': 'a\n' });
    await addSubmodule(tree, 'relative', '../library.git', library.sha);
    await addSubmodule(tree, 'over/ssh', `ssh://git@${host}/team/library.git`, library.sha);
    const { exitCode, output } = await runClone(await publish(tree, 'project'));
    expect(output).toMatch(/Fetched the submodules/);
    expect(exitCode).toBe(0);
    expect(pathname).toBe('/forge');
    for (const path of ['relative/l.txt', 'relative/inner/n.txt', 'over/ssh/inner/n.txt'])
      expect(existsSync(join(directory, path)), path).toBe(true);
    expect(await runGit(directory, 'status', '--porcelain')).toBe('');
    expect(await runGit(join(directory, 'relative'), 'status', '--porcelain')).toBe('');
    expect(() => execFileSync('grep', ['--recursive', '--quiet', token, directory])).toThrow();
  });

  it('that cannot be had are said loudly, and the session has the rest', async () => {
    const tree = await makeRepository(join(served.scratch, 'broken'), { 'a.txt': 'a\n' });
    await addSubmodule(tree, 'gone', '../no-such-project.git', library.sha);
    const { exitCode, output } = await runClone(await publish(tree, 'broken'));
    expect(output).toMatch(/^WARNING: not all submodules could be fetched: .*no-such-project/m);
    expect(exitCode).toBe(0);
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('a\n');
  });

  it('on another host do not get the token, and files and programs are no submodules', async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="give it to me"' }).end();
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const proof = join(served.scratch, 'a-program-ran');
    const port = (other.address() as AddressInfo).port;
    for (const [index, url] of [
      `http://127.0.0.1:${port}/x.git`,
      join(served.scratch, 'library'),
      `ext::touch ${proof}`,
    ].entries()) {
      const tree = await makeRepository(join(served.scratch, `hostile-${index}`), { 'a.txt': 'a\n' });
      await addSubmodule(tree, 'trap', url, library.sha);
      directory = join(served.scratch, `workspace-hostile-${index}`, 'project');
      const { exitCode, output } = await runClone(await publish(tree, `hostile-${index}`));
      expect(output).toMatch(/WARNING: not all submodules/);
      expect(exitCode).toBe(0);
      expect(existsSync(join(directory, 'trap', 'l.txt'))).toBe(false);
    }
    other.close();
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((authorization) => authorization !== undefined)).toEqual([]);
    expect(existsSync(proof)).toBe(false);
  });

  it('are not a way for a redirect to get the token', async () => {
    const seen: (string | undefined)[] = [];
    const thief = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="give it to me"' }).end();
    });
    thief.listen(0, '127.0.0.1');
    await once(thief, 'listening');
    const tree = await makeRepository(join(served.scratch, 'redirected'), { 'a.txt': 'a\n' });
    const variables = await publish(tree, 'redirected');
    served.intercept = (request, response) => {
      if (!request.headers.authorization) return false;
      response
        .writeHead(302, { location: `http://127.0.0.1:${(thief.address() as AddressInfo).port}${request.url}` })
        .end();
      return true;
    };
    const { exitCode } = await runClone(variables);
    served.intercept = () => false;
    thief.close();
    expect(exitCode).toBe(200);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((authorization) => authorization !== undefined)).toEqual([]);
  });
});

const hasLfs = (() => {
  try {
    execFileSync('git', ['lfs', 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // not installed here
  }
})();

describe('LFS', () => {
  const content = 'large\n'.repeat(1000);
  let variables: CloneVariables;

  beforeAll(async () => {
    const tree = await makeRepository(join(served.scratch, 'lfs'), { 'a.txt': 'a\n' });
    const oid = execFileSync('sha256sum', { input: content, encoding: 'utf8' }).slice(0, 64);
    // A pointer as git-lfs commits it, so that the repository can be made without git-lfs.
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
    await commitFiles(
      tree,
      { 'data/.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n', 'data/big.bin': pointer },
      'lfs',
    );
    variables = await publish(tree, 'lfs');
    const answer = await fetch(`${variables.repositoryUrl}/info/lfs/objects/${oid}`, {
      method: 'PUT',
      body: content,
      headers: { authorization: `Basic ${btoa(`oauth2:${token}`)}` },
    });
    expect(answer.status).toBe(200);
  });

  it('without git-lfs is said, and leaves pointers', async () => {
    // Only git itself, so that an installed git-lfs is not found.
    const bin = join(served.scratch, 'bin');
    mkdirSync(bin);
    for (const name of ['git', 'sh', 'printf']) {
      const path = execFileSync('sh', ['-c', `command -v /usr/bin/${name} || command -v ${name}`], {
        encoding: 'utf8',
      }).trim();
      writeFileSync(join(bin, name), `#!/bin/sh\nexec ${path} "$@"\n`);
      chmodSync(join(bin, name), 0o755);
    }
    const { exitCode, output } = await runClone(
      { ...variables, mountPath: directory, lfsAutoFetch: '1' },
      { PATH: bin },
    );
    expect(output).toMatch(/WARNING: the repository keeps large files in Git LFS, but git-lfs is not installed/);
    expect(exitCode).toBe(0);
    expect(readFileSync(join(directory, 'data/big.bin'), 'utf8')).toMatch(/^version https:\/\/git-lfs/);
  });

  it.skipIf(!hasLfs)('files are fetched with the token, or stay pointers until they are asked for', async () => {
    const fetched = await runClone({ ...variables, mountPath: directory, lfsAutoFetch: '1' });
    expect(fetched.output).toMatch(/Fetched the files in Git LFS/);
    expect(fetched.exitCode).toBe(0);
    expect(readFileSync(join(directory, 'data/big.bin'), 'utf8')).toBe(content);
    expect(await runGit(directory, 'status', '--porcelain')).toBe('');
    expect(() => execFileSync('grep', ['--recursive', '--quiet', token, directory])).toThrow();

    const later = join(directory, '..', 'later');
    const { exitCode } = await runClone({ ...variables, mountPath: later, lfsAutoFetch: '0' });
    expect(exitCode).toBe(0);
    expect(readFileSync(join(later, 'data/big.bin'), 'utf8')).toMatch(/^version https:\/\/git-lfs/);
    expect(await runGit(later, 'status', '--porcelain')).toBe('');
  });

  it.skipIf(!hasLfs)('files that do not fit on the disk are not begun', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'1'.repeat(64)}\nsize ${Number.MAX_SAFE_INTEGER}\n`;
    const tree = await makeRepository(join(served.scratch, 'lfs-huge'), {
      '.gitattributes': '*.bin filter=lfs\n',
      'x.bin': pointer,
    });
    const { exitCode, lastLine } = await runClone({ ...(await publish(tree, 'lfs-huge')), lfsAutoFetch: '1' });
    expect(lastLine).toMatch(/There is no space left .* without fetching LFS files/);
    expect(exitCode).toBe(203);
    expect(existsSync(directory)).toBe(false);
  });

  it.skipIf(!hasLfs)('files that are gone are said, and the session has the rest', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 5\n`;
    const tree = await makeRepository(join(served.scratch, 'lfs-gone'), {
      '.gitattributes': '*.bin filter=lfs\n',
      'x.bin': pointer,
    });
    const { exitCode, output } = await runClone({ ...(await publish(tree, 'lfs-gone')), lfsAutoFetch: '1' });
    expect(output).toMatch(/WARNING: not all files in Git LFS could be fetched/);
    expect(exitCode).toBe(0);
  });
});

describe('a hostile repository', () => {
  it('runs no filter, hook or monitor of its own', async () => {
    const proof = join(served.scratch, 'something-ran');
    const tree = await makeRepository(join(served.scratch, 'attack'), {
      '.gitattributes': '* filter=evil\n',
      '.gitconfig': `[filter "evil"]\n\tsmudge = touch ${proof}\n[core]\n\tfsmonitor = touch ${proof}\n`,
      '.lfsconfig': '[lfs]\n\turl = http://127.0.0.1:1/\n',
      'hooks/post-checkout': `#!/bin/sh\ntouch ${proof}\n`,
    });
    chmodSync(join(tree, 'hooks/post-checkout'), 0o755);
    await runGit(tree, 'commit', '--quiet', '--all', '--amend', '--no-edit');
    const { exitCode } = await runClone(await publish(tree, 'attack'));
    expect(exitCode).toBe(0);
    expect(existsSync(proof)).toBe(false);
    expect(existsSync(join(directory, '.git/hooks'))).toBe(false);
  });

  it('whose submodules name a command is refused', async () => {
    const proof = join(served.scratch, 'a-command-ran');
    const tree = await makeRepository(join(served.scratch, 'command'), { 'a.txt': 'a\n' });
    await addSubmodule(
      tree,
      'trap',
      `../command.git\n\tupdate = !touch ${proof}`,
      await runGit(tree, 'rev-parse', 'HEAD'),
    );
    const { exitCode, lastLine } = await runClone(await publish(tree, 'command'));
    expect(lastLine).toMatch(/git could not clone the repository: .*submodule/);
    expect(exitCode).toBe(200);
    expect(existsSync(proof)).toBe(false);
    expect(existsSync(directory)).toBe(false);
  });
});
