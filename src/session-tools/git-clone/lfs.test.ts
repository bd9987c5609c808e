import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addSubmodule, publishProject } from '../../../tests/support/git-clone/projects.ts';
import { type CloneVariables, runClone } from '../../../tests/support/git-clone/run-clone.ts';
import {
  ada,
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
} from '../../../tests/support/local/forge/served-forge.ts';

/** Files in Git LFS, of a repository and of its submodules. */

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

const publish = (tree: string, path: string, commit?: string): Promise<CloneVariables> =>
  publishProject({ served, token, directory }, tree, path, commit);

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
    // A pointer as git-lfs commits it, so that the repository can be created without git-lfs.
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

  it('files cause a warning and remain pointers if git-lfs is not installed', async () => {
    // PATH has git only, so that an installed git-lfs is not found.
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
    expect(output).toMatch(/WARNING: the repository has files in Git LFS, but git-lfs is not installed/);
    expect(exitCode).toBe(0);
    expect(readFileSync(join(directory, 'data/big.bin'), 'utf8')).toMatch(/^version https:\/\/git-lfs/);
  });

  it.skipIf(!hasLfs)('files are fetched with the token, or only as pointers if fetching is disabled', async () => {
    const fetched = await runClone({ ...variables, mountPath: directory, lfsAutoFetch: '1' });
    expect(fetched.output).toMatch(/Fetched the files in Git LFS of the repository/);
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

  it.skipIf(!hasLfs)('files that do not fit on the disk are not fetched', async () => {
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

  it.skipIf(!hasLfs)('files that do not exist cause a warning, and the session has the other files', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 5\n`;
    const tree = await makeRepository(join(served.scratch, 'lfs-gone'), {
      '.gitattributes': '*.bin filter=lfs\n',
      'x.bin': pointer,
    });
    const { exitCode, output } = await runClone({ ...(await publish(tree, 'lfs-gone')), lfsAutoFetch: '1' });
    expect(output).toMatch(/WARNING: not all files in Git LFS of the repository could be fetched/);
    expect(exitCode).toBe(0);
  });
});

describe.skipIf(!hasLfs)('LFS in a submodule', () => {
  const content = 'large, in a submodule\n'.repeat(1000);
  const oid = createHash('sha256').update(content).digest('hex');
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
  const attributes = '*.bin filter=lfs diff=lfs merge=lfs -text\n';
  let leaf: { path: string; sha: string };

  beforeAll(async () => {
    const tree = await makeRepository(join(served.scratch, 'lfs-leaf'), {
      '.gitattributes': attributes,
      'x.bin': pointer,
    });
    const { repositoryUrl, commitSha = '' } = await publish(tree, 'lfs-leaf');
    const answer = await fetch(`${repositoryUrl}/info/lfs/objects/${oid}`, {
      method: 'PUT',
      body: content,
      headers: { authorization: `Basic ${btoa(`oauth2:${token}`)}` },
    });
    expect(answer.status).toBe(200);
    leaf = { path: 'lfs-leaf', sha: commitSha };
  });

  /** Publishes a project with the leaf as a submodule, directly and in another submodule. */
  async function parent(name: string): Promise<CloneVariables> {
    const middle = await makeRepository(join(served.scratch, `${name}-middle`), { 'm.txt': 'm\n' });
    await addSubmodule(middle, 'leaf', `../${leaf.path}.git`, leaf.sha);
    const { commitSha = '' } = await publish(middle, `${name}-middle`);
    const tree = await makeRepository(join(served.scratch, name), { 'a.txt': 'a\n' });
    await addSubmodule(tree, 'direct', `../${leaf.path}.git`, leaf.sha);
    await addSubmodule(tree, 'middle', `../${name}-middle.git`, commitSha);
    await addSubmodule(tree, 'ssh', `ssh://git@${new URL(served.url).host}/team/${leaf.path}.git`, leaf.sha);
    return publish(tree, name);
  }

  it('is fetched with the token, or only as pointers if fetching is disabled', async () => {
    const variables = await parent('lfs-parent');
    const fetched = await runClone({ ...variables, lfsAutoFetch: '1' });
    expect(fetched.exitCode, fetched.output).toBe(0);
    expect(fetched.output).toMatch(/Fetched the files in Git LFS of the submodule "middle\/leaf"/);
    for (const path of ['direct', 'middle/leaf', 'ssh']) {
      expect(readFileSync(join(directory, path, 'x.bin'), 'utf8'), path).toBe(content);
      expect(await runGit(join(directory, path), 'status', '--porcelain')).toBe('');
    }
    expect(await runGit(directory, 'status', '--porcelain')).toBe('');
    expect(() => execFileSync('grep', ['--recursive', '--quiet', token, directory])).toThrow();

    const later = join(directory, '..', 'later');
    expect((await runClone({ ...variables, mountPath: later, lfsAutoFetch: '0' })).exitCode).toBe(0);
    expect(readFileSync(join(later, 'middle/leaf/x.bin'), 'utf8')).toBe(pointer);
    expect(await runGit(join(later, 'direct'), 'status', '--porcelain')).toBe('');
  });

  it('causes a warning with the name of the submodule if files cannot be fetched or do not fit', async () => {
    const of = (size: number) => pointer.replace(oid, '0'.repeat(64)).replace(`size ${content.length}`, `size ${size}`);
    const files = { '.gitattributes': attributes, 'x.bin': of(5) };
    const gone = await makeRepository(join(served.scratch, 'lfs-sub-gone'), files);
    const huge = await makeRepository(join(served.scratch, 'lfs-sub-huge'), {
      ...files,
      'x.bin': of(Number.MAX_SAFE_INTEGER),
    });
    const tree = await makeRepository(join(served.scratch, 'lfs-bad-parent'), { 'a.txt': 'a\n' });
    await addSubmodule(tree, 'gone', '../lfs-sub-gone.git', (await publish(gone, 'lfs-sub-gone')).commitSha ?? '');
    await addSubmodule(tree, 'huge', '../lfs-sub-huge.git', (await publish(huge, 'lfs-sub-huge')).commitSha ?? '');
    const { exitCode, output } = await runClone({ ...(await publish(tree, 'lfs-bad-parent')), lfsAutoFetch: '1' });
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/^WARNING: not all files in Git LFS of the submodule "gone" could be fetched: /m);
    expect(output).toMatch(/^WARNING: the files in Git LFS of the submodule "huge" do not fit/m);
    expect(readFileSync(join(directory, 'huge/x.bin'), 'utf8')).toBe(of(Number.MAX_SAFE_INTEGER));
  });

  it('never sends the token to another host, server or program that the submodule names', async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="give it to me"', 'lfs-authenticate': 'Basic' }).end();
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const proof = join(served.scratch, 'ssh-ran');
    const tree = await makeRepository(join(served.scratch, 'lfs-elsewhere'), { 'a.txt': 'a\n' });
    const urls = [`http://127.0.0.1:${(other.address() as AddressInfo).port}/lfs`, 'ssh://-oProxyCommand=touch /x'];
    for (const [index, url] of urls.entries()) {
      const files = {
        '.gitattributes': attributes,
        'x.bin': pointer,
        '.lfsconfig': `[lfs]\n\turl = "${url.replace('/x', proof)}"\n`,
      };
      const sub = await makeRepository(join(served.scratch, `lfs-thief-${index}`), files);
      await addSubmodule(
        tree,
        `thief-${index}`,
        `../lfs-thief-${index}.git`,
        (await publish(sub, `lfs-thief-${index}`)).commitSha ?? '',
      );
    }
    const { exitCode, output } = await runClone({ ...(await publish(tree, 'lfs-elsewhere')), lfsAutoFetch: '1' });
    other.close();
    expect(exitCode, output).toBe(0);
    for (const index of urls.keys())
      expect(output).toMatch(new RegExp(`^WARNING: not all files in Git LFS of the submodule "thief-${index}"`, 'm'));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((authorization) => authorization !== undefined)).toEqual([]);
    expect(existsSync(proof)).toBe(false);
  });
});
