import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type RequestOptions, request } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addSubmodule } from '../../../tests/support/git-clone/projects.ts';
import {
  localCertificate,
  type StartedGitProxy,
  startGitProxy,
} from '../../../tests/support/git-proxy/start-git-proxy.ts';
import {
  ada,
  commitFiles,
  gitEnvironment,
  makeRepository,
  type ServedForge,
  serveForge,
  withToken,
} from '../../../tests/support/local/forge/served-forge.ts';

/** The git proxy between real git and a real git server with TLS and an authority of the tests. */

let served: ServedForge;
let token: string;
let certificate: { key: string; cert: string };
let proxy: StartedGitProxy;
let url: string;
let directory: string;
let number = 0;
/** `METHOD path authorization` of each request to the git server. */
let seen: string[] = [];

/** Runs git as in the session's terminal. */
async function git(cwd: string, ...args: string[]): Promise<string> {
  const home = join(served.scratch, 'home');
  mkdirSync(home, { recursive: true });
  const env = { ...gitEnvironment(), HOME: home, ...proxy.gitVariables };
  try {
    const { stdout, stderr } = await promisify(execFile)('git', args, { cwd, env, maxBuffer: 64e6 });
    return (stdout || stderr).trimEnd();
  } catch (error) {
    throw new Error(`git ${args.join(' ')}: ${error instanceof Error && 'stderr' in error ? error.stderr : error}`);
  }
}

async function createProject(path: string, username = 'ada'): Promise<string> {
  await served.forge.createProject({ namespace: 'team', path, members: [{ username, accessLevel: 30 }] });
  return `${served.url}/team/${path}.git`;
}

/** Runs git without the proxy. */
async function direct(cwd: string, ...args: string[]): Promise<string> {
  const env = { ...gitEnvironment(), GIT_SSL_NO_VERIFY: '1' };
  return (await promisify(execFile)('git', args, { cwd, env })).stdout.trimEnd();
}

const tokenHeader = () => `Basic ${btoa(`oauth2:${token}`)}`;
const keyHeader = () => `Basic ${btoa(`session:${proxy.key}`)}`;
const atProxy = (address: string) => `${proxy.origin}/https/${address.slice('https://'.length)}`;
const refs = (address: string) => `${atProxy(address)}/info/refs?service=git-upload-pack`;

beforeAll(async () => {
  certificate = await localCertificate();
  served = await serveForge({}, { address: '127.0.0.1', port: 0, host: 'localhost', tls: certificate });
  token = served.forge.issueToken(ada).token;
  url = await createProject('project');
  const tree = await makeRepository(join(served.scratch, 'tree'), { 'a.txt': '1\n' }, { 'a.txt': '2\n' });
  await direct(tree, 'push', '--quiet', withToken(url, token), 'main');
  proxy = await startGitProxy({ repositoryUrl: url, gitToken: token, authorities: certificate.cert });
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await served.close();
});
beforeEach(() => {
  directory = join(served.scratch, `clone-${number++}`);
  seen = [];
  served.intercept = (request) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
    return false;
  };
});
afterEach(() => {
  served.intercept = () => false;
});

describe('git in the session', () => {
  it('clones, fetches and pushes its repository without a token, and the repository keeps the public address', async () => {
    await git(served.scratch, 'clone', '--quiet', url, directory);
    await commitFiles(directory, { 'b.txt': 'b\n' }, 'mine');
    await git(directory, 'push', 'origin', 'HEAD:refs/heads/mine');
    await git(directory, 'fetch', 'origin');
    expect(await git(directory, 'rev-parse', 'origin/mine')).toBe(await git(directory, 'rev-parse', 'HEAD'));
    const config = readFileSync(join(directory, '.git/config'), 'utf8');
    expect(config).toContain(`url = ${url}`);
    expect(config).not.toMatch(/proxy|127\.0\.0\.1|credential/);
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.filter((line) => !line.endsWith(tokenHeader()))).toEqual([]);
    expect(proxy.output()).toMatch(/POST localhost:\d+\/forge\/team\/project\.git\/git-receive-pack: 200, \d+ ms/);
    expect(proxy.output()).not.toContain(token);
  });

  it('uploads and downloads files in Git LFS, and does not get the token in the responses of the LFS server', async () => {
    await git(served.scratch, 'clone', '--quiet', url, directory);
    await git(directory, 'lfs', 'install', '--local');
    await git(directory, 'lfs', 'track', '*.bin');
    const content = randomBytes(100_000);
    writeFileSync(join(directory, 'data.bin'), content);
    await git(directory, 'add', '.');
    await git(directory, 'commit', '--quiet', '--message', 'lfs');
    await git(directory, 'push', 'origin', 'HEAD:refs/heads/lfs');
    const objects = seen.filter((line) => /^PUT .*\/info\/lfs\/objects\//.test(line));
    expect(objects).toEqual([expect.stringContaining(tokenHeader())]);
    const copy = `${directory}-copy`;
    await git(served.scratch, 'clone', '--quiet', '--branch=lfs', url, copy);
    await git(copy, 'lfs', 'install', '--local');
    await git(copy, 'lfs', 'pull');
    expect(readFileSync(join(copy, 'data.bin')).equals(content)).toBe(true);

    const batch = await fetch(`${atProxy(url)}/info/lfs/objects/batch`, {
      method: 'POST',
      headers: { authorization: keyHeader(), 'content-type': 'application/vnd.git-lfs+json' },
      body: JSON.stringify({
        operation: 'download',
        objects: [{ oid: /objects\/(\w+)/.exec(objects[0] ?? '')?.[1], size: 100_000 }],
      }),
    });
    expect(await batch.json()).toMatchObject({
      objects: [{ actions: { download: { header: { Authorization: keyHeader() } } } }],
    });
  });

  it('fetches a submodule of the same host', async () => {
    const sub = await createProject('sub');
    const tree = await makeRepository(join(served.scratch, 'sub-tree'), { 's.txt': 's\n' });
    await direct(tree, 'push', '--quiet', withToken(sub, token), 'main');
    await git(served.scratch, 'clone', '--quiet', url, directory);
    await addSubmodule(directory, 'sub', '../sub.git', await direct(tree, 'rev-parse', 'HEAD'));
    // The submodule is another project: git uses the user's own credentials.
    await expect(git(directory, 'submodule', 'update', '--init')).rejects.toThrow(/requires a sign-in/);
    writeFileSync(join(served.scratch, 'home/.git-credentials'), withToken(served.url, token));
    try {
      await git(directory, '-c', 'credential.helper=store', 'submodule', 'update', '--init');
      expect(existsSync(join(directory, 'sub/s.txt'))).toBe(true);
    } finally {
      writeFileSync(join(served.scratch, 'home/.git-credentials'), '');
    }
  });

  it('gets the reason in a sentence if the server rejects its token', async () => {
    await using other = await startGitProxy({ repositoryUrl: url, gitToken: 'revoked', authorities: certificate.cert });
    const env = { ...gitEnvironment(), ...other.gitVariables };
    const failed = promisify(execFile)('git', ['ls-remote', url], { env });
    await expect(failed).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /remote: localhost:\d+ rejects the git token of this session\. Sign in to the platform again/,
      ),
    });
    expect(other.output()).not.toContain('revoked');
  });

  it('pushes 100 MB that the proxy does not keep in memory', async () => {
    const address = await createProject('large');
    const large = await startGitProxy({ repositoryUrl: address, gitToken: token, authorities: certificate.cert });
    await using _ = large;
    const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${large.process.pid}/status`, 'utf8'))?.[1]);
    const before = peak();
    const tree = await makeRepository(join(served.scratch, 'large'));
    writeFileSync(join(tree, 'large.bin'), randomBytes(100 * 1024 * 1024));
    const env = { ...gitEnvironment(), ...large.gitVariables };
    const run = (...args: string[]) =>
      promisify(execFile)('git', ['-c', 'core.compression=0', ...args], { cwd: tree, env });
    await run('add', 'large.bin');
    await run('commit', '--quiet', '--message', 'large');
    await run('push', '--quiet', address, 'HEAD:refs/heads/main');
    expect((await run('ls-remote', address, 'main')).stdout).toContain((await run('rev-parse', 'HEAD')).stdout.trim());
    expect(peak() - before).toBeLessThan(64_000);
  });
});

/** Sends a request as a program of the session. */
async function send(path: string, options: RequestOptions & { body?: string } = {}) {
  const { hostname, port } = new URL(proxy.origin);
  const sent = request({ host: hostname, port, path, agent: false, ...options });
  sent.end(options.body);
  const response: IncomingMessage = (await once(sent, 'response'))[0];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

describe('the proxy', () => {
  const withKey = () => ({ authorization: keyHeader() });

  it.each([
    ['a request without the key', () => ({}), 401],
    ['another key', () => ({ headers: { authorization: `Basic ${btoa(`session:${'x'.repeat(43)}`)}` } }), 401],
    ['a token of the git server in place of the key', () => ({ headers: { authorization: tokenHeader() } }), 401],
    ['a request for another Host', () => ({ headers: { ...withKey(), host: 'evil.example' } }), 403],
    ['a request of a page', () => ({ headers: { ...withKey(), origin: 'http://localhost:8000' } }), 403],
    ['a method that git does not use', () => ({ headers: withKey(), method: 'TRACE' }), 405],
  ] as const)('rejects %s', async (_what, options, status) => {
    const target = new URL(refs(url));
    expect((await send(target.pathname + target.search, options())).status).toBe(status);
    expect(seen).toEqual([]);
  });

  it.each([
    ['a host with a similar name', (host: string) => `/https/${host.replace('localhost', 'localhost.evil.example')}/a`],
    ['another host with the name as its user', (host: string) => `/https/${host}@evil.example/a`],
    ['an address of the same host', (host: string) => `/https/${host.replace('localhost', '127.0.0.1')}/a`],
    ['another port', (host: string) => `/https/${host}1/a`],
    ['a path without a host', () => '/a'],
  ])('does not forward a request for %s', async (_what, path) => {
    const answer = await send(path(new URL(url).host), { headers: withKey() });
    expect([answer.status, answer.text]).toEqual([
      404,
      expect.stringMatching(/^The git proxy of the session forwards requests for localhost:\d+ only, as http:\/\/127/),
    ]);
    expect(seen).toEqual([]);
  });

  it('rejects a server with a certificate of another authority, before it sends the token', async () => {
    const { cert } = await localCertificate();
    await using other = await startGitProxy({ repositoryUrl: url, gitToken: token, authorities: cert });
    const env = { ...gitEnvironment(), ...other.gitVariables };
    await expect(promisify(execFile)('git', ['ls-remote', url], { env })).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /remote: The certificate of the git server localhost:\d+ is not trusted \(\w+: .*An administrator must add/,
      ),
    });
    expect(seen).toEqual([]);
  });

  it('rejects a server with a certificate for another name', async () => {
    const wrong = await localCertificate(['other.example']);
    const impostor = createServer(wrong, (_req, res) => res.end());
    impostor.listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    const address = impostor.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const repositoryUrl = `https://localhost:${port}/team/project.git`;
    await using other = await startGitProxy({ repositoryUrl, gitToken: token, authorities: wrong.cert });
    const env = { ...gitEnvironment(), ...other.gitVariables };
    const failed = promisify(execFile)('git', ['ls-remote', repositoryUrl], { env });
    await expect(failed).rejects.toMatchObject({ stderr: expect.stringMatching(/ERR_TLS_CERT_ALTNAME_INVALID/) });
    impostor.close();
  });
});

describe('credentials', () => {
  const pathOf = (address: string) => new URL(atProxy(address)).pathname;
  const get = (path: string, authorization = keyHeader()) => send(path, { headers: { authorization } });

  it.each([
    ['a project whose name begins like the repository', '/team/project2.git/info/refs'],
    ['the group', '/team/'],
    ['a path that leaves the repository', '/team/project.git/../secret.git/info/refs'],
    ['an encoded path that leaves the repository', '/team/project.git/%2e%2e/secret.git/info/refs'],
    ['encoded slashes', '/team/project.git/..%2fsecret.git/info/refs'],
    ['a doubly encoded path', '/team/project.git/%252e%252e/secret.git/info/refs'],
    ['the API', '/api/v4/user'],
  ])('are not added for %s', async (_what, path) => {
    await get(pathOf(served.url) + path);
    expect(seen).toEqual([expect.stringMatching(/^GET \/forge.* -$/)]);
  });

  it('are added for the repository with and without .git', async () => {
    await get(`${pathOf(url)}/info/refs?service=git-upload-pack`);
    await get(`${pathOf(url).replace(/\.git$/, '')}/info/refs?service=git-upload-pack`);
    expect(seen.map((line) => line.split(' ').slice(2).join(' '))).toEqual([tokenHeader(), tokenHeader()]);
  });

  it('of the user are sent for other projects of the same host, and replace no token of the session', async () => {
    const own = `Basic ${btoa(`ada:${proxy.key}:own:password`)}`;
    await get(`${pathOf(served.url)}/team/other.git/info/refs`, own);
    await get(`${pathOf(url)}/info/refs?service=git-upload-pack`, own);
    expect(seen.map((line) => line.split(' ').slice(2).join(' '))).toEqual([
      `Basic ${btoa('ada:own:password')}`,
      tokenHeader(),
    ]);
  });

  it('are not sent to the host of a redirect, which gets a request of git itself', async () => {
    const elsewhere: string[] = [];
    const other = createServer(certificate, (req, res) => {
      elsewhere.push(req.headers.authorization ?? '-');
      res.writeHead(404).end();
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const target = `https://localhost:${typeof address === 'object' ? address?.port : 0}/team/project.git/info/refs`;
    served.intercept = (_request, response) => {
      response.writeHead(302, { location: `${target}?service=git-upload-pack`, 'set-cookie': 'session=1' }).end();
      return true;
    };
    const answer = await get(`${pathOf(url)}/info/refs?service=git-upload-pack`);
    expect(answer).toMatchObject({ status: 302, headers: { location: `${target}?service=git-upload-pack` } });
    expect(answer.headers['set-cookie']).toBeUndefined();
    await expect(git(served.scratch, '-c', 'http.sslVerify=false', 'ls-remote', url)).rejects.toThrow(/not found/);
    expect(elsewhere).toEqual(['-']);
    other.close();
  });

  it('are not added for the new path of a redirect, and the message names that path', async () => {
    served.intercept = ({ url: path = '' }, response) => {
      if (!path.includes('/old.git')) return false;
      response.writeHead(301, { location: path.replace('/old.git', '/project.git') }).end();
      return true;
    };
    await using moved = await startGitProxy({
      repositoryUrl: url.replace('project.git', 'old.git'),
      gitToken: token,
      authorities: certificate.cert,
    });
    const env = { ...gitEnvironment(), ...moved.gitVariables };
    // The new path is another project for the proxy, so the user learns the new address.
    await expect(
      promisify(execFile)('git', ['ls-remote', url.replace('project.git', 'old.git')], { env }),
    ).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /project\.git\/info\/refs requires a sign-in\. This session has credentials for its own repository only/,
      ),
    });
  });

  it("of the user's own helpers are used for other projects", async () => {
    const address = await createProject('mine');
    const tree = await makeRepository(join(served.scratch, 'mine'), { 'm.txt': 'm\n' });
    await direct(tree, 'push', '--quiet', withToken(address, token), 'main');
    const store = join(served.scratch, 'own-credentials');
    writeFileSync(store, withToken(new URL(address).origin, token));
    await git(served.scratch, '-c', `credential.helper=store --file=${store}`, 'clone', '--quiet', address, directory);
    expect(existsSync(join(directory, 'm.txt'))).toBe(true);
    expect(proxy.output()).not.toContain(token);
  });
});

describe('a clone of renku-notebooks, which has the proxy as its HTTP proxy,', () => {
  it('fetches and pushes with the credentials of the session', async () => {
    await git(served.scratch, 'clone', '--quiet', url, directory);
    await git(directory, 'config', 'http.proxy', proxy.origin.replace('127.0.0.1', 'localhost'));
    await git(directory, 'config', 'http.sslVerify', 'false');
    await git(directory, 'fetch', 'origin');
    await git(directory, 'push', 'origin', 'HEAD:refs/heads/from-original');
    expect(seen.filter((line) => !line.endsWith(tokenHeader()))).toEqual([]);
  });

  it('does not connect to programs of its pod or node', async () => {
    const { port } = new URL(url);
    const { hostname, port: own } = new URL(proxy.origin);
    const sent = request({ host: hostname, port: own, method: 'CONNECT', path: `localhost:${port}` });
    sent.end();
    const [response] = await once(sent, 'connect');
    expect(response.statusCode).toBe(403);
  });
});
