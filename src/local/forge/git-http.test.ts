import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
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
import type { ForgeProject } from './records.ts';

let served: ServedForge;
let adasToken: string;
let bobsToken: string;
let project: ForgeProject;
let tree: string;
let number = 0;

const repositoryUrl = (token?: string) => {
  const url = `${served.url}/team/secret.git`;
  return token === undefined ? url : withToken(url, token);
};
const freshDirectory = () => join(served.scratch, `clone-${number++}`);
async function failure(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'no failure',
    (error: { stderr?: string }) => error.stderr ?? String(error),
  );
}

beforeAll(async () => {
  served = await serveForge();
  adasToken = served.forge.issueToken(ada).token;
  bobsToken = served.forge.issueToken(bob).token;
  await served.forge.ensureDemoProject();
  const members = [
    { username: 'ada', accessLevel: 30 },
    { username: 'bob', accessLevel: 20 },
  ];
  project = await served.forge.createProject({ namespace: 'team', path: 'secret', members });
  tree = await makeRepository(join(served.scratch, 'tree'), { 'a.txt': 'one\n' });
  await runGit(tree, 'push', '--quiet', repositoryUrl(adasToken), 'main');
});
afterAll(() => served.close());

describe('reading', () => {
  it('of a public project requires no token, with or without .git, with any protocol version', async () => {
    for (const [suffix, version] of [
      ['.git', 0],
      ['', 1],
      ['.git', 2],
    ] as const) {
      const clone = freshDirectory();
      await runGit(
        served.scratch,
        '-c',
        `protocol.version=${version}`,
        'clone',
        '--quiet',
        `${served.url}/demo/first-light${suffix}`,
        clone,
      );
      expect(readdirSync(clone)).toContain('first-light.ipynb');
    }
  });

  it('of a private project requires the token of a member', async () => {
    expect(await failure(runGit(served.scratch, 'clone', repositoryUrl(), freshDirectory()))).toMatch(
      /could not read Username/,
    );
    const stranger = served.forge.issueToken({ username: 'eve', name: 'Eve', email: 'eve@example.org' }).token;
    expect(await failure(runGit(served.scratch, 'clone', repositoryUrl(stranger), freshDirectory()))).toMatch(
      /not found/,
    );
    expect(await failure(runGit(served.scratch, 'clone', repositoryUrl('wrong'), freshDirectory()))).toMatch(
      /Authentication failed/,
    );
    const clone = freshDirectory();
    await runGit(served.scratch, 'clone', '--quiet', repositoryUrl(bobsToken), clone);
    expect(readFileSync(join(clone, 'a.txt'), 'utf8')).toBe('one\n');
  });

  it('requires a password for a project that does not exist, as for a private project', async () => {
    for (const path of ['team/secret.git', 'team/nothing.git', 'no/such.git']) {
      const response = await fetch(`${served.url}/${path}/info/refs?service=git-upload-pack`);
      expect(response.status, path).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Basic /);
    }
  });

  it('accepts compressed requests', async () => {
    const packet = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
    const body = `${packet('command=ls-refs\n')}0001${packet('peel\n')}0000`;
    const ask = (content: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
      fetch(`${served.url}/demo/first-light.git/git-upload-pack`, {
        method: 'POST',
        body: content,
        headers: { 'content-type': 'application/x-git-upload-pack-request', 'git-protocol': 'version=2', ...headers },
      });
    const response = await ask(gzipSync(body), { 'content-encoding': 'gzip' });
    expect(await response.text()).toContain('refs/heads/solar-minima');
    expect((await ask(body, { 'content-encoding': 'br' })).status).toBe(415);
  });
});

describe('pushing', () => {
  it('requires the access level of developers', async () => {
    await commitFiles(tree, { 'a.txt': 'two\n' }, 'two');
    expect(await failure(runGit(tree, 'push', repositoryUrl(bobsToken), 'main'))).toMatch(/403|not allowed/);
    expect(await failure(runGit(tree, 'push', `${served.url}/demo/first-light.git`, 'main:x'))).toMatch(
      /could not read Username/,
    );
    await runGit(tree, 'push', '--quiet', repositoryUrl(adasToken), 'main');
    const branch = await fetch(`${served.url}/api/v4/projects/${project.id}/repository/branches/main`, {
      headers: { 'private-token': adasToken },
    });
    expect(await branch.json()).toMatchObject({ commit: { title: 'two' } });
  });

  it('can transfer more data than one buffer holds', async () => {
    const noise = Array.from({ length: 40_000 }, (_, index) => `${index} ${Math.imul(index, 2654435761)}`).join('\n');
    await commitFiles(tree, { 'noise.txt': noise }, 'noise');
    await runGit(tree, 'push', '--quiet', repositoryUrl(adasToken), 'HEAD:refs/heads/noise');
    const clone = freshDirectory();
    await runGit(served.scratch, 'clone', '--quiet', '--branch', 'noise', repositoryUrl(adasToken), clone);
    expect(readFileSync(join(clone, 'noise.txt'), 'utf8')).toBe(noise);
  });

  it('does not run hooks of the served repository', async () => {
    const hooks = join(project.gitDir, 'hooks');
    const proof = join(served.scratch, 'a-hook-ran');
    mkdirSync(hooks, { recursive: true });
    for (const hook of ['pre-receive', 'update', 'post-receive', 'post-update', 'reference-transaction']) {
      writeFileSync(join(hooks, hook), `#!/bin/sh\necho ${hook} >> '${proof}'\n`);
      chmodSync(join(hooks, hook), 0o755);
    }
    await runGit(tree, 'push', '--quiet', repositoryUrl(adasToken), 'main:refs/heads/hooked');
    expect(existsSync(proof)).toBe(false);
  });

  it('changes branches, tags and notes, and no other refs', async () => {
    await runGit(tree, 'notes', 'add', '--force', '--message', 'seen', 'main');
    await runGit(tree, 'tag', '--force', 'a-tag', 'main');
    const refs = ['refs/notes/commits', 'refs/notes/commits:refs/notes/renku/x', 'main:refs/tags/v/1'];
    await runGit(tree, 'push', '--quiet', repositoryUrl(adasToken), ...refs, 'refs/tags/a-tag');
    const advertised = await runGit(tree, 'ls-remote', repositoryUrl(bobsToken), 'refs/notes/*');
    expect(advertised.split('\n').map((line) => line.split('\t')[1])).toEqual([
      'refs/notes/commits',
      'refs/notes/renku/x',
    ]);
    const clone = freshDirectory();
    await runGit(served.scratch, 'clone', '--quiet', repositoryUrl(bobsToken), clone);
    await runGit(clone, 'fetch', '--quiet', 'origin', 'refs/notes/*:refs/notes/*');
    expect(await runGit(clone, 'notes', 'show', await runGit(tree, 'rev-parse', 'main'))).toBe('seen');
    await runGit(tree, 'push', '--quiet', repositoryUrl(adasToken), ':refs/notes/renku/x');
    for (const ref of [
      'stash',
      'merge-requests/1/head',
      'keep-around/x',
      'pipelines/1',
      'replace/x',
      'remotes/o/m',
      'x/y',
    ]) {
      expect(await failure(runGit(tree, 'push', repositoryUrl(adasToken), `main:refs/${ref}`)), ref).toMatch(
        /hidden ref/,
      );
    }
  });

  it('accepts push options', async () => {
    for (const version of [0, 2]) {
      const options = [
        '-c',
        `protocol.version=${version}`,
        'push',
        '--quiet',
        '-o',
        'ci.skip',
        '-o',
        'merge_request.title=x y',
      ];
      await runGit(tree, ...options, repositoryUrl(adasToken), `main:refs/heads/options-${version}`);
    }
    expect(await runGit(tree, 'ls-remote', repositoryUrl(adasToken), 'options-*')).toMatch(/options-0\n.*options-2/);
  });
});

describe('hostile requests', () => {
  it('cannot read files outside the repositories', async () => {
    const { port } = new URL(served.url);
    const paths = [
      '/forge/team/secret.git/HEAD',
      '/forge/team/secret.git/config',
      '/forge/team/secret.git/objects/info/packs',
      '/forge/../forge.json',
      '/forge/%2e%2e/forge.json',
      '/forge/team/../../forge.json/info/refs?service=git-upload-pack',
      '/forge/team/%2e%2e%2f%2e%2e/repositories/2.git/info/refs?service=git-upload-pack',
      '/forge/repositories/2.git/info/refs?service=git-upload-pack',
      '/forge/team/secret.git/%2e%2e/1.git/info/refs?service=git-upload-pack',
      '/forge/team/secret.git/info/refs?service=git-upload-archive',
      '/forge/team/secret.git/info/refs?service=--help',
      '/forge/team/secret.git/info/refs',
    ];
    for (const path of paths) {
      const response = await rawRequest(Number(port), path, `Basic ${btoa(`oauth2:${adasToken}`)}`);
      expect(response, path).toMatch(/^HTTP\/1\.1 (400|401|403|404) /);
      expect(response, path).not.toContain('refs/heads');
    }
  });

  it.each(['git-upload-pack', 'git-receive-pack'])(
    'leave no %s process running if the client closes the connection',
    async (service) => {
      const { call, status } = unfinished(service);
      await vi.waitFor(() => expect(serversOf(project.gitDir)).not.toEqual([]), wait);
      call.destroy();
      await status;
      await vi.waitFor(() => expect(serversOf(project.gitDir)).toEqual([]), wait);
    },
  );

  it.each([
    ['when they are idle', { transferIdleMs: 100 }],
    ['when the forge closes', {}],
  ])('are aborted %s', async (_, options) => {
    const other = await serveForge({ directory: join(served.scratch, randomUUID()), ...options });
    try {
      const { gitDir } = await other.forge.ensureDemoProject();
      const token = other.forge.issueToken(ada).token;
      const { status } = unfinished('git-upload-pack', `${other.url}/demo/first-light.git`, token);
      if (!('transferIdleMs' in options)) {
        await vi.waitFor(() => expect(serversOf(gitDir)).not.toEqual([]), wait);
        await other.forge.close();
        expect(serversOf(gitDir)).toEqual([]);
      }
      expect(await status).toBeUndefined();
      await vi.waitFor(() => expect(serversOf(gitDir)).toEqual([]), wait);
    } finally {
      await other.close();
    }
  });
});

const wait = { timeout: 100_000, interval: 20 };

/** Sends a request with a body that never ends. `status` is that of the response; undefined if the connection was closed. */
function unfinished(service: string, url = repositoryUrl(), token = adasToken) {
  const call = request(`${url}/${service}`, {
    method: 'POST',
    headers: {
      'content-type': `application/x-${service}-request`,
      authorization: `Basic ${btoa(`oauth2:${token}`)}`,
    },
  });
  const status = new Promise<number | undefined>((resolve) => {
    call.on('response', (response) => resolve(response.resume().statusCode)).on('error', () => resolve(undefined));
  });
  call.write('00');
  return { call, status };
}

/** The git processes that serve this repository, found by their environment. */
function serversOf(gitDir: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`GIT_PROJECT_ROOT=${gitDir}\0`);
    } catch {
      return false; // ended, or another user's
    }
  });
}

function rawRequest(port: number, path: string, authorization: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', reject).on('close', () => resolve(text));
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`,
    );
  });
}
