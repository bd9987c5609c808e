import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listMarked, withDescendants } from '../../src/local/machine/processes.ts';
import { listenersOf } from '../support/listeners.ts';
import { curlAsOther, describeAsOtherUser, runAsOther, webSocketAsOther } from '../support/other-os-user.ts';
import { commandLine, cookieFrom, type Platform, startPlatform } from '../support/platform.ts';
import {
  demoCommit,
  launchBody,
  openSession,
  type SessionResponse,
  signInToSession,
  waitForState,
} from '../support/session.ts';

let platform: Platform;
let commit: string;

/** The default cache folder of `npm start`. */
const cacheFolder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'notebook-sessions');
/** A folder that every user can list, like the machine's /tmp. */
let temporary: string;
beforeAll(async () => {
  if (process.getuid?.() !== 0) return;
  temporary = mkdtempSync(join(tmpdir(), 'for-all-'));
  chmodSync(temporary, 0o1777);
  platform = await startPlatform({
    args: ['--no-demo'],
    env: { TMPDIR: temporary, NODE_COMPILE_CACHE: join(cacheFolder, 'compile-cache') },
  });
  commit = await demoCommit(platform);
});
afterAll(async () => {
  await platform?.dispose();
  if (temporary) rmSync(temporary, { recursive: true, force: true });
});

const launch = () => ['-H', 'Content-Type: application/json', '-d', launchBody(commit).body as string];
const cookieOption = (cookie: string) => ['-H', `Cookie: ${cookie}`];

describeAsOtherUser('another user of the machine', () => {
  it('gets only the way to sign in, and can launch nothing', () => {
    const { origin } = platform;
    for (const path of [
      '/notebooks/',
      '/notebooks/servers',
      '/notebooks/projects',
      '/notebooks/docs',
      '/notebooks/spec.json',
      '/notebooks/launch/demo/first-light',
      '/api/notebooks/servers',
      '/ui-server/api/notebooks/servers',
      '/forge/',
      '/forge/demo/first-light',
      '/forge/api/v4/projects',
      '/forge/api/v4/version',
      '/forge/demo/first-light.git/info/refs?service=git-upload-pack',
      '/forge/demo/first-light.git/HEAD',
      '/v2/',
      '/v2/token?scope=repository:images/jupyter:pull',
      '/v2/images/jupyter/tags/list',
    ]) {
      for (const accept of ['*/*', 'text/html']) {
        const { status, body } = curlAsOther(origin + path, '-H', `Accept: ${accept}`);
        expect(status, `${path} ${accept}`).toBe(401);
        expect(body, path).not.toMatch(/first-light|"token":|renku/);
      }
    }
    const jar = ['-c', 'jar', '-b', 'jar'];
    const { status, body } = curlAsOther(`${origin}/notebooks/servers`, ...jar, ...launch());
    expect([status, JSON.parse(body)]).toEqual([
      401,
      {
        error: expect.objectContaining({
          code: 1401,
          message: 'Sign in first.',
          detail: expect.stringContaining('cookies.txt'),
        }),
      },
    ]);
    const batch = `${origin}/forge/demo/first-light.git/info/lfs/objects/batch`;
    expect(curlAsOther(batch, '-d', '{"operation":"download","objects":[]}').status).toBe(401);
    expect(curlAsOther(`${origin}/health`).status).toBe(200);
    expect(curlAsOther(`${origin}/auth/me`).body).toContain('"signed_in":false');
  });

  it('cannot clone without a token, and can with a token of the owner', async () => {
    const url = `${platform.origin}/forge/demo/first-light.git`;
    const rejected = runAsOther('git', ['clone', url]);
    expect(rejected.exitCode).not.toBe(0);
    expect(rejected.stderr).toContain('could not read Username');
    const FORGE_TOKEN = await platform.forgeToken();
    const helper = '!f() { echo username=oauth2; echo "password=$FORGE_TOKEN"; }; f';
    const cloned = runAsOther('git', ['-c', `credential.helper=${helper}`, 'clone', url], { FORGE_TOKEN });
    expect(cloned.exitCode, cloned.stderr).toBe(0);
    const bearer = ['-H', `Authorization: Bearer ${FORGE_TOKEN}`];
    expect(curlAsOther(`${platform.origin}/api/notebooks/servers`, ...bearer).body).toBe('{"servers":{}}');
  });

  it('cannot use a stolen sign-in cookie, nor the owner’s link before the owner', async () => {
    const { origin, stateDir } = platform;
    const file = cookieFrom(join(stateDir, 'cookies.txt'));
    for (const cookie of [file, await platform.signIn(), await platform.signIn('anonymous')]) {
      expect((await platform.api('/notebooks/servers', { headers: { cookie } })).status).toBe(200);
      for (const [path, ...options] of [
        ['/notebooks/servers'],
        ['/notebooks/servers', ...launch()],
        ['/auth/links', '-X', 'POST'],
        ['/auth/tokens', '-X', 'POST'],
        ['/auth/become', '-d', 'username=x'],
        ['/auth/session?name=x', '-H', 'Accept: text/html'],
        ['/forge/api/v4/projects'],
      ] as const) {
        const { status, body } = curlAsOther(origin + path, ...cookieOption(cookie), ...options);
        expect(status, path).toBe(401);
        expect(body, path).toMatch(/belongs to another user of this machine|A token is needed/);
      }
      expect(curlAsOther(`${origin}/auth/sign-out`, ...cookieOption(cookie), '-X', 'POST').status).toBe(303);
      expect((await platform.api('/notebooks/servers', { headers: { cookie } })).status).toBe(200);
    }
    const { link } = (await (await platform.api('/auth/links', { method: 'POST' })).json()) as { link: string };
    expect(curlAsOther(link).status).toBe(403);
    expect((await fetch(link, { redirect: 'manual' })).status).toBe(302);
    expect(runAsOther('cat', [join(stateDir, 'cookies.txt')]).exitCode).not.toBe(0);
  });

  it('cannot open a session with a stolen pass, nor with the token of an anonymous session', async () => {
    const own = (await (await platform.api('/notebooks/servers', launchBody(commit))).json()) as SessionResponse;
    const visitor = await platform.signIn('anonymous');
    const asVisitor = (path: string, init?: RequestInit) =>
      platform.api(path, { ...init, headers: { ...init?.headers, cookie: visitor } });
    const theirs = (await (await asVisitor('/notebooks/servers', launchBody(commit))).json()) as SessionResponse;
    const [running, anonymous] = await Promise.all([
      waitForState(platform, own.name, ['running']),
      waitForState({ ...platform, api: asVisitor }, theirs.name, ['running']),
    ]);
    const { cookie: pass } = await signInToSession(platform, running.url);
    const { cookie: visitorsPass } = await signInToSession(platform, anonymous.url);
    const token = new URL(anonymous.url).searchParams.get('token') ?? '';
    const base = anonymous.url.replace(/[/?]*(\?.*)?$/, '');
    for (const [url, ...credentials] of [
      [running.url],
      [running.url, ...cookieOption(pass)],
      [base],
      [base, '-H', `Authorization: token ${token}`],
      [base, ...cookieOption(visitorsPass), '-H', `Authorization: token ${token}`],
    ] as [string, ...string[]][]) {
      expect(curlAsOther(`${url}/api/status`, ...credentials).status, url).toBe(401);
      expect(webSocketAsOther(`${url}/terminals/websocket/1`, ...credentials), url).toBe(401);
    }
    expect(webSocketAsOther(`${base}/terminals/websocket/1?token=${token}`)).toBe(401);
    const page = curlAsOther(anonymous.url, '-L', '-H', 'Accept: text/html', ...cookieOption(visitor));
    expect(page.status).toBe(401);
    // The owner has access.
    expect((await (await openSession(platform, running.url)).fetch('/api/status')).status).toBe(200);
    expect((await (await openSession(platform, anonymous.url)).fetch(`/api/status?token=${token}`)).status).toBe(200);
  });

  it('cannot use any listener, file or process of the platform', async () => {
    const { port, stateDir } = platform;
    const launched = await platform.api('/notebooks/servers', launchBody(commit));
    const { name } = (await launched.json()) as SessionResponse;
    const { url } = await waitForState(platform, name, ['running']);
    const session = await openSession(platform, url);
    await session.execute(await session.startKernel(), 'import tempfile; kept = tempfile.NamedTemporaryFile()');

    const marker = readFileSync(join(stateDir, 'marker'), 'utf8').trim();
    const marked = [...listMarked(`${marker}/`).values()].flat();
    const pids = withDescendants([...marked, { pid: platform.pid, startTicks: 0 }]).map(({ pid }) => pid);
    // The platform, its two programs, and for each session at least two watching processes, Jupyter and a kernel.
    expect(pids.length).toBeGreaterThan(6);

    // Listeners: the main port, the Kubernetes API, Jupyter, the git proxy and the two servers of the agent at the address of each
    // pod, and sockets in folders of the owner.
    const { tcp, udp, unix } = listenersOf(pids);
    const kubernetes = new URL(platform.kubernetesUrl());
    const running = (container: string) =>
      [...listMarked(`${marker}/`)].filter(([of]) => of.endsWith(`/${container}`)).length;
    const isPlatforms = (each: { port: number }) => [port, Number(kubernetes.port)].includes(each.port);
    expect(new Set(tcp.filter(isPlatforms).map(({ address }) => address))).toEqual(new Set(['127.0.0.1', '::1']));
    const others = tcp.filter((each) => !isPlatforms(each));
    for (const { address } of others) expect(address).toMatch(/^127\./);
    const withKey = running('git-proxy') + 2 * running('git-sidecar');
    expect(running('git-sidecar')).toBeGreaterThan(0);
    expect(others).toHaveLength(running('jupyter-server') + withKey);
    expect(udp).toEqual([]);
    for (const path of ['/api', '/apis', '/api/v1/secrets', '/openapi/v2'])
      expect(curlAsOther(new URL(path, kubernetes).href, '-k').status, path).toBe(401);
    const needsKey = (each: { address: string; port: number }) =>
      curlAsOther(`http://${each.address}:${each.port}/`).status === 401;
    const servers = others.filter(needsKey);
    expect(servers).toHaveLength(withKey);
    const paths = [
      ...['/tokens', '/shutdown', `/http/127.0.0.1:${port}/forge/demo/first-light.git/info/refs`],
      ...['/v1/work', '/v1/saves', '/v1/operations', '/v1/tokens'],
      ...['jsonrpc/', 'jsonrpc/map'].map((path) => `/sessions/${name}/sidecar/${path}`),
    ];
    for (const { address, port: at } of servers) {
      const own = `http://${address}:${at}`;
      for (const path of paths) expect(curlAsOther(own + path).status, path).toBe(401);
      // Connections of the proxy are those of its owner.
      expect(curlAsOther(`${platform.origin}/forge/`, '--proxy', own, '--proxytunnel').status).toBe(0);
    }
    for (const each of others.filter((one) => !needsKey(one))) {
      for (const path of ['kernels', 'contents', 'terminals', 'status']) {
        const at = `http://${each.address}:${each.port}/sessions/${name}/api/${path}`;
        // The connection is closed without a response.
        expect(curlAsOther(at).status, at).toBe(0);
      }
    }
    expect(unix.length).toBeGreaterThan(0);
    expect(unix.filter((path) => path.startsWith('@'))).toEqual([]);
    // curl exits with 7 if it cannot connect.
    for (const path of unix) expect(runAsOther('curl', ['--unix-socket', path, 'http://x/']).exitCode, path).toBe(7);

    // Files: the state, the Python environments, and what the programs keep in the folder for temporary files.
    for (const folder of [stateDir, cacheFolder]) {
      expect(statSync(folder).mode & 0o077, folder).toBe(0);
      expect(runAsOther('ls', [folder]).exitCode, folder).not.toBe(0);
    }
    expect(readdirSync(temporary)).not.toEqual([]);
    const found = runAsOther('find', [
      temporary,
      '-mindepth',
      '1',
      '(',
      '-readable',
      '-o',
      '-writable',
      ')',
      '!',
      '-type',
      'l',
    ]);
    expect(found.stdout).toBe('');

    // Processes: only the command lines are readable, and they contain no secret.
    const secrets = secretsIn(stateDir);
    expect(secrets.length).toBeGreaterThan(5);
    for (const pid of pids) {
      for (const file of ['environ', 'maps', 'fd/0', 'cwd/.'])
        expect(runAsOther('cat', [`/proc/${pid}/${file}`]).exitCode, `${pid} ${file}`).not.toBe(0);
    }
    const lines = pids.map((pid) => commandLine(pid) ?? '');
    for (const secret of secrets) expect(lines.filter((line) => line.includes(secret))).toEqual([]);
  });
});

/** Returns every key, token and password in the files of the platform and its sessions. */
function secretsIn(stateDir: string): string[] {
  return readdirSync(stateDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) =>
      /\/(keys\/[^/]+|kubernetes-token|cookies\.txt|kubeconfig|token|git-credentials|[^/]+\.key)$/.test(file),
    )
    .flatMap((file) => readFileSync(file, 'utf8').match(/[\w-]{32,}/g) ?? []);
}
