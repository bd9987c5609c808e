import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addSubmodule, publishProject } from '../../../tests/support/git-clone/projects.ts';
import { type CloneVariables, runClone } from '../../../tests/support/git-clone/run-clone.ts';
import {
  ada,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
} from '../../../tests/support/local/forge/served-forge.ts';

/** Submodules, and programs in a repository that must not run. */

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

/**
 * Creates a commit after HEAD with submodules at these paths and with the .gitmodules of the working tree, and returns its id.
 * Uses plumbing commands, because `git commit` rejects some of them.
 */
async function commitLinks(tree: string, links: Record<string, string>): Promise<string> {
  await runGit(tree, 'rm', '--quiet', '--cached', '--ignore-unmatch', '--', '.gitmodules');
  if (existsSync(join(tree, '.gitmodules'))) {
    const blob = await runGit(tree, 'hash-object', '-w', '.gitmodules');
    await runGit(tree, 'update-index', '--add', '--cacheinfo', `100644,${blob},.gitmodules`);
  }
  for (const [path, sha] of Object.entries(links)) {
    await runGit(tree, 'update-index', '--add', '--cacheinfo', `160000,${sha},${path}`);
  }
  const written = await runGit(tree, 'write-tree');
  return runGit(tree, 'commit-tree', '-p', 'HEAD', '-m', 'submodules', written);
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

  it('are fetched with the token: with relative URLs, nested, and with the SSH URL of the same server', async () => {
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

  it('that cannot be fetched cause a warning, and the session has the other submodules', async () => {
    const tree = await makeRepository(join(served.scratch, 'broken'), { 'a.txt': 'a\n' });
    await addSubmodule(tree, 'gone', '../no-such-project.git', library.sha);
    const { exitCode, output } = await runClone(await publish(tree, 'broken'));
    expect(output).toMatch(/^WARNING: the submodule "gone" was not fetched: .*no-such-project/m);
    expect(output).toMatch(/^WARNING: the session starts without this submodule\./m);
    expect(exitCode).toBe(0);
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('a\n');
  });

  it('on another host do not get the token, and files and programs are not submodules', async () => {
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
      expect(output).toMatch(/WARNING: the submodule "trap" was not fetched/);
      expect(exitCode).toBe(0);
      expect(existsSync(join(directory, 'trap', 'l.txt'))).toBe(false);
    }
    other.close();
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((authorization) => authorization !== undefined)).toEqual([]);
    expect(existsSync(proof)).toBe(false);
  });

  it('that are invalid cause a warning with their name, do not run programs, and do not affect the other submodules', async () => {
    const proof = join(served.scratch, 'a-command-ran');
    const sha = library.sha;
    const good = '../library.git';
    const entries: [path: string, section: string, why: RegExp][] = [
      ['good', `[submodule "good"]\n\tpath = good\n\turl = ${good}\n`, /^$/],
      ['a/*', `[submodule "star"]\n\tpath = a/*\n\turl = ${good}\n`, /^$/],
      [
        'command',
        `[submodule "c"]\n\tpath = command\n\turl = ${good}\n\tupdate = !touch ${proof}\n`,
        /names a command/,
      ],
      ['mode', `[submodule "m"]\n\tpath = mode\n\turl = ${good}\n\tupdate = sometimes\n`, /"update" is not one of/],
      ['parent', `[submodule "../../x"]\n\tpath = parent\n\turl = ${good}\n`, /name contains "\.\."/],
      ['option', `[submodule "o"]\n\tpath = option\n\turl = -u./touch\n`, /looks like an option/],
      ['-path', `[submodule "p"]\n\tpath = -path\n\turl = ${good}\n`, /looks like an option/],
      ['bare', `[submodule "b"]\n\tpath = bare\n`, /has no URL/],
      ['gone', `[submodule "g"]\n\tpath = gone\n\turl = ../none.git\n`, /not found.*\(\.\.\/none\.git\)/],
      ['stale', `[submodule "s"]\n\tpath = stale\n\turl = ${good}\n`, /not our ref|did not contain/],
      ['disk', `[submodule "d"]\n\tpath = disk\n\turl = ${join(served.scratch, 'library')}\n`, /'file' not allowed/],
      ['pw', `[submodule "w"]\n\tpath = pw\n\turl = http://me:hunter2@127.0.0.1:1/x.git\n`, /127\.0\.0\.1:1/],
      ['unnamed', '', /\.gitmodules does not list it/],
      ['none', `[submodule "n"]\n\tpath = none\n\turl = ${good}\n\tupdate = none\n`, /^$/],
      [
        'twice',
        `[submodule "t"]\n\tpath = twice\n\turl = ${good}\n\tshallow = perhaps\n\tfetchRecurseSubmodules = x\n`,
        /^$/,
      ],
    ];
    const tree = await makeRepository(join(served.scratch, 'bad'), { 'a.txt': 'a\n' });
    const text = `${entries.map(([, section]) => section).join('')}[submodule "again"]\n\tpath = twice\n\turl = ${good}\n`;
    writeFileSync(join(tree, '.gitmodules'), text);
    const commit = await commitLinks(
      tree,
      Object.fromEntries(entries.map(([path]) => [path, path === 'stale' ? '1'.repeat(40) : sha])),
    );
    const { exitCode, output } = await runClone(await publish(tree, 'bad', commit));
    expect(exitCode, output).toBe(0);
    for (const [path, , why] of entries) {
      const line = output
        .split('\n')
        .find((one) => one.startsWith(`WARNING: the submodule "${path}" was not fetched: `));
      const isThere = existsSync(join(directory, path, 'inner/n.txt'));
      if (['good', 'a/*', 'twice'].includes(path)) expect([path, line, isThere]).toEqual([path, undefined, true]);
      else if (path === 'none') expect([line, isThere]).toEqual([undefined, false]);
      else expect([path, line, isThere]).toEqual([path, expect.stringMatching(why), false]);
    }
    expect(output).toMatch(/The submodule "none" is not fetched/);
    expect(output).toMatch(/"again" was not fetched: another submodule has the same path/);
    expect(output).not.toContain('hunter2');
    expect(existsSync(proof)).toBe(false);
    // The working tree has the committed file.
    expect(readFileSync(join(directory, '.gitmodules'), 'utf8')).toBe(text);
    expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe('a\n');
  });

  it.each([
    ['cannot be read', '[submodule "x"\n'],
    ['is missing', undefined],
  ])('are not fetched if .gitmodules %s', async (what, content) => {
    const path = `modules-${what.replaceAll(' ', '-')}`;
    const tree = await makeRepository(join(served.scratch, path), { 'a.txt': 'a\n' });
    if (content !== undefined) writeFileSync(join(tree, '.gitmodules'), content);
    const commit = await commitLinks(tree, { x: library.sha });
    const { exitCode, output } = await runClone(await publish(tree, path, commit));
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/^WARNING: the submodule "x" was not fetched: .*\.gitmodules/m);
    if (content !== undefined) expect(readFileSync(join(directory, '.gitmodules'), 'utf8')).toBe(content);
  });

  it('that contain their own project are fetched up to a limited depth', async () => {
    const tree = await makeRepository(join(served.scratch, 'cycle'), { 'a.txt': 'a\n' });
    writeFileSync(join(tree, '.gitmodules'), '[submodule "c"]\n\tpath = c\n\turl = ../cycle.git\n');
    let commit = await runGit(tree, 'rev-parse', 'HEAD');
    for (let level = 0; level < 12; level++) {
      commit = await commitLinks(tree, { c: commit });
      await runGit(tree, 'update-ref', 'HEAD', commit);
    }
    const { exitCode, output } = await runClone(await publish(tree, 'cycle', commit));
    expect(exitCode, output).toBe(0);
    expect(existsSync(join(directory, 'c/'.repeat(10), 'a.txt'))).toBe(true);
    expect(existsSync(join(directory, 'c/'.repeat(11), 'a.txt'))).toBe(false);
    expect(output).toMatch(/^WARNING: the submodule "(?:c\/){10}c" was not fetched: the limits are 10 levels/m);
  });

  it('do not let a redirect get the token', async () => {
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

describe('a hostile repository', () => {
  it('runs no filter, hook or file system monitor', async () => {
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
});
