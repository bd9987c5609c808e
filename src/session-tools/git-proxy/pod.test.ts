import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
  runGit,
  type ServedForge,
  serveForge,
} from '../../../tests/support/local/forge/served-forge.ts';

/** The git proxy in its pod: which programs reach it, other hosts and protocols, and its end. */

/** An address of this machine that stands for that of the pod; undefined on a machine without a network. */
const podAddress = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

let served: ServedForge;
let token: string;
let url: string;
let authorities: string;
let seen: string[] = [];
let tree: string;

const git = (proxy: StartedGitProxy, cwd: string, ...args: string[]) =>
  promisify(execFile)('git', args, { cwd, env: { ...gitEnvironment(), ...proxy.gitVariables } });
const startProxy = (variables = {}) =>
  startGitProxy({ repositoryUrl: url, gitToken: token, authorities, variables: { ...variables } });

beforeAll(async () => {
  const certificate = await localCertificate();
  authorities = certificate.cert;
  const address = podAddress ?? '127.0.0.1';
  served = await serveForge({}, { address: '0.0.0.0', port: 0, host: 'localhost', tls: certificate });
  token = served.forge.issueToken(ada).token;
  await served.forge.createProject({ namespace: 'team', path: 'p', members: [{ username: 'ada', accessLevel: 30 }] });
  url = `${served.url}/team/p.git`;
  tree = await makeRepository(join(served.scratch, 'tree'), { 'a.txt': `${address}\n` });
  served.intercept = (request) => {
    seen.push(`${request.headers.host} ${request.headers.authorization ?? '-'}`);
    return false;
  };
});
afterAll(() => served.close());
beforeEach(() => {
  seen = [];
});

describe.skipIf(podAddress === undefined)('another pod', () => {
  it('gets health checks only: it cannot connect to the proxy, and cannot end it', async () => {
    await using proxy = await startProxy({ waitForAgent: '1' });
    const at = `http://${podAddress}:${proxy.healthPort}`;
    expect((await fetch(`${at}/health`)).status).toBe(200);
    expect((await fetch(`${at}/tokens`, { method: 'PUT', body: '{}' })).status).toBe(404);
    expect((await fetch(`${at}/shutdown`, { method: 'POST' })).status).toBe(403);
    const socket = connect({ host: podAddress ?? '', port: Number(new URL(proxy.origin).port) });
    const [error] = await once(socket, 'error');
    expect(error.code).toBe('ECONNREFUSED');
    expect(seen).toEqual([]);
  });
});

describe.skipIf(podAddress === undefined)('CONNECT', () => {
  it('of a clone of renku-notebooks reaches another host, which gets no credentials', async () => {
    await using proxy = await startProxy();
    const other = url.replace('localhost', podAddress ?? '').replace('team/p', 'demo/first-light');
    await served.forge.ensureDemoProject();
    const directory = join(served.scratch, 'other');
    // As git-clone of renku-notebooks configures its clones.
    const options = ['-c', `http.proxy=${proxy.origin}`, '-c', 'http.sslVerify=false'];
    await git(proxy, served.scratch, ...options, 'clone', '--quiet', other, directory);
    expect(proxy.output()).toContain(`CONNECT ${podAddress}:${new URL(url).port}: connected`);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.filter((line) => line !== `${podAddress}:${new URL(url).port} -`)).toEqual([]);
  });

  it('is rejected if the deployment does not allow tunnels', async () => {
    await using proxy = await startProxy({ tunnel: '0' });
    const { hostname, port } = new URL(proxy.origin);
    const socket: Socket = connect({ host: hostname, port: Number(port) });
    socket.write(`CONNECT ${podAddress}:443 HTTP/1.1\r\nHost: ${podAddress}:443\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 403 /);
    socket.destroy();
  });
});

describe('a remote with an ssh URL', () => {
  it('is left alone, and one with the https URL of the repository goes through the proxy', async () => {
    await using proxy = await startProxy();
    const { host } = new URL(url);
    const addressOf = async (remote: string) =>
      (await git(proxy, served.scratch, 'ls-remote', '--get-url', remote)).stdout.trim();
    for (const remote of [
      'git@localhost:team/p.git',
      `ssh://git@${host}/team/p.git`,
      'https://localhost.example/p.git',
    ])
      expect(await addressOf(remote)).toBe(remote);
    expect(await addressOf(url)).toBe(`${proxy.origin}/https/${host}/forge/team/p.git`);
  });
});

describe('a token that the git server rejects', () => {
  it('ends a command of Git LFS with the reason: with a status 401, it would repeat its request for ever', async () => {
    await using proxy = await startGitProxy({ repositoryUrl: url, gitToken: 'revoked', authorities });
    const clone = join(served.scratch, 'revoked');
    mkdirSync(clone);
    await runGit(clone, 'init', '--quiet');
    await runGit(clone, 'remote', 'add', 'origin', url);
    await commitFiles(clone, { '.gitattributes': '*.bin filter=lfs\n' }, 'attributes');
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'1'.repeat(64)}\nsize 1\n`;
    await commitFiles(clone, { 'data.bin': pointer }, 'pointer');
    await expect(git(proxy, clone, 'lfs', 'pull')).rejects.toMatchObject({
      stderr: expect.stringContaining('rejects the git token of this session. Sign in to the platform again'),
    });
    expect(seen.length).toBeLessThan(5);
  });
});

describe('the proxy after SIGTERM', () => {
  it('takes pushes of the agent until the agent has saved the work', async () => {
    await using proxy = await startProxy({ waitForAgent: '1' });
    const clone = join(served.scratch, 'ending');
    mkdirSync(clone);
    await runGit(clone, 'init', '--quiet');
    await commitFiles(clone, { 'saved.txt': 'saved\n' }, 'saved');
    proxy.process.kill('SIGTERM');
    await git(proxy, clone, 'push', '--quiet', url, 'HEAD:refs/heads/renku/autosave/ada/main/1234567/1234567');
    await git(proxy, tree, 'push', '--quiet', url, 'HEAD:refs/heads/main');
    expect((await git(proxy, tree, 'ls-remote', '--heads', url)).stdout.trim().split('\n')).toHaveLength(2);
    const authorization = `Basic ${btoa(`session:${proxy.key}`)}`;
    const shutdown = await fetch(`${proxy.origin}/shutdown`, { method: 'POST', headers: { authorization } });
    expect(shutdown.status).toBe(200);
    expect(await proxy.ended).toBe(0);
  });
});
