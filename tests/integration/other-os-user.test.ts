import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { curlAsOther, describeAsOtherUser, runAsOther, webSocketAsOther } from '../support/other-os-user.ts';
import { cookieFrom, type Platform, startPlatform } from '../support/platform.ts';
import {
  demoCommit,
  launchBody,
  openSession,
  type SessionAnswer,
  signInToSession,
  waitForState,
} from '../support/session.ts';

let platform: Platform;
let commit: string;

beforeAll(async () => {
  if (process.getuid?.() !== 0) return;
  platform = await startPlatform({ args: ['--no-demo'] });
  commit = await demoCommit(platform);
});
afterAll(() => platform?.dispose());

const launch = () => ['-H', 'Content-Type: application/json', '-d', launchBody(commit).body as string];
const cookieOption = (cookie: string) => ['-H', `Cookie: ${cookie}`];

describeAsOtherUser('another user of the machine', () => {
  it('gets nothing but how to sign in, and can launch nothing', () => {
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

  it('cannot clone without a token, and can with one that it was given', async () => {
    const url = `${platform.origin}/forge/demo/first-light.git`;
    const refused = runAsOther('git', ['clone', url]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('could not read Username');
    const FORGE_TOKEN = await platform.forgeToken();
    const helper = '!f() { echo username=oauth2; echo "password=$FORGE_TOKEN"; }; f';
    const cloned = runAsOther('git', ['-c', `credential.helper=${helper}`, 'clone', url], { FORGE_TOKEN });
    expect(cloned.exitCode, cloned.stderr).toBe(0);
    const bearer = ['-H', `Authorization: Bearer ${FORGE_TOKEN}`];
    expect(curlAsOther(`${platform.origin}/api/notebooks/servers`, ...bearer).body).toBe('{"servers":{}}');
  });

  it('cannot use a sign-in cookie that it has got hold of, nor the owner’s link before the owner', async () => {
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
        expect(body, path).toMatch(/another user of this machine|A token is needed/);
      }
      expect(curlAsOther(`${origin}/auth/sign-out`, ...cookieOption(cookie), '-X', 'POST').status).toBe(303);
      expect((await platform.api('/notebooks/servers', { headers: { cookie } })).status).toBe(200);
    }
    const { link } = (await (await platform.api('/auth/links', { method: 'POST' })).json()) as { link: string };
    expect(curlAsOther(link).status).toBe(403);
    expect((await fetch(link, { redirect: 'manual' })).status).toBe(302);
    expect(runAsOther('cat', [join(stateDir, 'cookies.txt')]).exitCode).not.toBe(0);
  });

  it('does not come into a session with its pass, nor with an anonymous one’s token', async () => {
    const own = (await (await platform.api('/notebooks/servers', launchBody(commit))).json()) as SessionAnswer;
    const visitor = await platform.signIn('anonymous');
    const asVisitor = (path: string, init?: RequestInit) =>
      platform.api(path, { ...init, headers: { ...init?.headers, cookie: visitor } });
    const theirs = (await (await asVisitor('/notebooks/servers', launchBody(commit))).json()) as SessionAnswer;
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
    // The owner does.
    expect((await (await openSession(platform, running.url)).fetch('/api/status')).status).toBe(200);
    expect((await (await openSession(platform, anonymous.url)).fetch(`/api/status?token=${token}`)).status).toBe(200);
  });
});
