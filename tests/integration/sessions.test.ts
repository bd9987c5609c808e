import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Jupyter } from '../support/jupyter.ts';
import { cookieFrom, jupyterOrigins, markedProcesses, type Platform, startPlatform } from '../support/platform.ts';
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

beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
  commit = await demoCommit(platform);
});
afterAll(() => platform?.dispose());
afterEach(async () => {
  const { servers } = (await (await platform.api('/notebooks/servers')).json()) as {
    servers: Record<string, SessionResponse>;
  };
  await Promise.all(Object.keys(servers).map((name) => remove(name, '?forced=true')));
  await Promise.all(Object.keys(servers).map((name) => waitForState(platform, name, ['gone'])));
});

async function launch(body: RequestInit = launchBody(commit)): Promise<{ status: number; session: SessionResponse }> {
  const response = await platform.api('/notebooks/servers', body);
  return { status: response.status, session: (await response.json()) as SessionResponse };
}

async function remove(name: string, query = ''): Promise<number> {
  const response = await platform.api(`/notebooks/servers/${name}${query}`, { method: 'DELETE' });
  await response.arrayBuffer();
  return response.status;
}

describe('the life of a session', () => {
  it('is launched, runs the requested commit, shows its logs, and is gone after a delete', async () => {
    const { status, session } = await launch();
    expect(status).toBe(201);
    expect(session.status.state).toBe('starting');

    const running = await waitForState(platform, session.name, ['running', 'failed']);
    expect(running.status, JSON.stringify(running.status)).toMatchObject({ state: 'running' });
    expect(running.status.details.every((step) => step.status === 'ready')).toBe(true);

    const open = await openSession(platform, running.url);
    const kernel = await open.startKernel();
    const printed = await open.execute(
      kernel,
      "import subprocess; print(subprocess.check_output(['git', 'rev-parse', 'HEAD'], text=True))",
    );
    expect(printed.trim()).toBe(commit);

    const logs = (await (await platform.api(`/notebooks/logs/${session.name}`)).json()) as Record<string, string>;
    expect(Object.keys(logs)).toEqual(expect.arrayContaining(['git-clone', 'jupyter-server']));
    expect(logs['git-clone']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z /);

    expect(await remove(session.name)).toBe(204);
    await waitForState(platform, session.name, ['gone']);
    const list = (await (await platform.api('/notebooks/servers')).json()) as { servers: object };
    expect(list.servers).toEqual({});
    expect(markedProcesses(platform.stateDir)).toEqual([]);
    expect((await signInToSession(platform, running.url)).status).toBe(404);
    // After a 404, the scripts of an open JupyterLab tab would repeat their requests forever.
    expect((await fetch(running.url)).status).toBe(424);
  });

  it('leaves no process within seconds of a forced delete, even if Jupyter ignores SIGTERM and kernels have started processes', async () => {
    const { session } = await launch();
    const running = await waitForState(platform, session.name, ['running']);
    const open = await openSession(platform, running.url);
    const kernel = await open.startKernel();
    const jupyter = await open.execute(
      kernel,
      [
        'import os, subprocess',
        "subprocess.Popen(['setsid', 'sh', '-c', 'trap \"\" TERM; while :; do sleep 1; done'])",
        'print(os.getppid())',
      ].join('\n'),
    );
    // A stopped process does not handle SIGTERM.
    process.kill(Number(jupyter), 'SIGSTOP');
    expect(markedProcesses(platform.stateDir).length).toBeGreaterThan(2);
    const since = performance.now();
    expect(await remove(session.name, '?forced=true')).toBe(204);
    await waitForState(platform, session.name, ['gone']);
    // The grace period is 30 s.
    expect(performance.now() - since).toBeLessThan(25_000);
    expect(markedProcesses(platform.stateDir)).toEqual([]);
  });
});

describe('exactly one session', () => {
  it('is created by 50 identical requests at once', async () => {
    const responses = await Promise.all(Array.from({ length: 50 }, () => launch()));
    const created = responses.filter(({ status }) => status === 201);
    expect(created.length).toBe(1);
    expect(responses.filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
    expect(new Set(responses.map(({ session }) => session.name)).size).toBe(1);
    const objects = await platform.kubernetes('/apis/amalthea.dev/v1alpha1/jupyterservers');
    expect((JSON.parse(objects) as { items: unknown[] }).items).toHaveLength(1);

    const name = responses[0]?.session.name as string;
    await waitForState(platform, name, ['running']);
    expect(jupyterOrigins(platform.stateDir)).toHaveLength(1);
    expect(await remove(name)).toBe(204);
  });

  it('is created, or the response is a 409 with Retry-After, while the previous one is being deleted', async () => {
    const { session } = await launch();
    await waitForState(platform, session.name, ['running']);
    expect(await remove(session.name)).toBe(204);
    const response = await platform.api('/notebooks/servers', launchBody(commit));
    const body = (await response.json()) as SessionResponse;
    if (response.status === 409) {
      expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
      await waitForState(platform, session.name, ['gone']);
    } else {
      expect([200, 201]).toContain(response.status);
      await waitForState(platform, body.name, ['running']);
      expect(await remove(body.name)).toBe(204);
      await waitForState(platform, body.name, ['gone']);
    }
  });
});

describe('anonymous users', () => {
  const headers = { 'content-type': 'application/json' };

  const anonymous = (cookie: string, path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${platform.origin}${path}`, { ...init, headers: { ...headers, cookie } });

  it('are signed-in browsers with ids of their own, and see only their own sessions', async () => {
    const mine = await platform.signIn('anonymous');
    const other = await platform.signIn('anonymous');
    expect(mine).not.toBe(other);
    const created = await anonymous(mine, '/notebooks/servers', launchBody(commit));
    const session = (await created.json()) as SessionResponse;
    expect(created.status, JSON.stringify(session)).toBe(201);
    for (const [cookie, expected] of [
      [mine, 200],
      [other, 404],
    ] as const) {
      expect((await anonymous(cookie, `/notebooks/servers/${session.name}`)).status).toBe(expected);
      expect((await anonymous(cookie, `/notebooks/logs/${session.name}`)).status).toBe(expected);
    }
    expect((await anonymous(other, `/notebooks/servers/${session.name}`, { method: 'DELETE' })).status).toBe(404);
    expect((await platform.api(`/notebooks/servers/${session.name}`)).status).toBe(404);
    expect(await (await anonymous(other, '/notebooks/servers')).json()).toEqual({ servers: {} });
    expect((await anonymous(mine, `/notebooks/servers/${session.name}`, { method: 'DELETE' })).status).toBe(204);
  });

  it('can launch the public project, which git serves to them read-only', async () => {
    const cookie = await platform.signIn('anonymous');
    const created = await anonymous(cookie, '/notebooks/servers', launchBody(commit));
    const { name } = (await created.json()) as SessionResponse;
    const asVisitor = { ...platform, api: (path: string) => anonymous(cookie, path) };
    const running = await waitForState(asVisitor, name, ['running', 'failed']);
    expect(running.status, JSON.stringify(running.status)).toMatchObject({ state: 'running' });
    // The token of the session, which the response shows, is enough for a program of the owner.
    const token = new URL(running.url).searchParams.get('token') ?? '';
    const session = new Jupyter(running.url.replace(/[/?]*(\?.*)?$/, ''), { authorization: `token ${token}` });
    const kernel = await session.startKernel();
    const run = async (command: string) =>
      session.execute(
        kernel,
        `import subprocess; print(subprocess.run(${JSON.stringify(command)}, shell=True, capture_output=True, text=True))`,
      );
    expect(await run('git fetch origin && git rev-parse HEAD')).toContain(commit);
    const pushed = await run('git push origin HEAD:refs/heads/theirs');
    expect(pushed).toContain('returncode=128');
    expect(pushed).toContain('This token can read one project only');
    // Git itself has no token. A program of the machine's user can read that of the git proxy.
    expect(await run(`printf 'protocol=http\\nhost=127.0.0.1:${platform.port}\\n' | git credential fill`)).not.toMatch(
      /password=/,
    );
    const file = await run(`cat ${platform.stateDir}/pods/*/credentials/gitlab-oauth-token`);
    const stolen = /stdout='([0-9a-f]{64})'/.exec(file)?.[1] ?? '';
    expect(stolen, file).toHaveLength(64);
    const bearer = { authorization: `Bearer ${stolen}` };
    for (const path of ['/forge/api/v4/projects', '/notebooks/servers', '/forge/demo/first-light']) {
      const response = await fetch(platform.origin + path, { headers: bearer });
      expect([401, 404], path).toContain(response.status);
    }
    expect((await anonymous(cookie, `/notebooks/servers/${name}`, { method: 'DELETE' })).status).toBe(204);
    await waitForState(asVisitor, name, ['gone']);
  });

  it('are rejected with a forged cookie or ID token, and gateway headers of a client are ignored', async () => {
    const cookie = await platform.signIn('anonymous');
    const forged = `${cookie.slice(0, -4)}${cookie.endsWith('aaaa') ? 'bbbb' : 'aaaa'}`;
    expect((await anonymous(forged, '/notebooks/servers')).status).toBe(401);
    const inside = {
      'Renku-Auth-Id-Token': 'a.b.c',
      'Renku-Auth-Access-Token': 'x',
      'Renku-Auth-Git-Credentials': 'e30=',
    };
    expect((await fetch(`${platform.origin}/notebooks/servers`, { headers: inside })).status).toBe(401);
    const impostor = await fetch(`${platform.origin}/notebooks/servers`, { headers: { ...inside, cookie } });
    expect(impostor.status).toBe(200);
    expect(await impostor.json()).toEqual({ servers: {} });
  });

  it('cannot reach a registered user’s session', async () => {
    const { session } = await launch();
    const cookie = await platform.signIn('anonymous');
    for (const [method, path] of [
      ['GET', 'servers'],
      ['GET', 'logs'],
      ['DELETE', 'servers'],
    ] as const) {
      expect((await anonymous(cookie, `/notebooks/${path}/${session.name}`, { method })).status).toBe(404);
    }
    expect((await platform.api(`/notebooks/servers/${session.name}`)).status).toBe(200);
    expect(await remove(session.name)).toBe(204);
    await waitForState(platform, session.name, ['gone']);
  });
});

describe('other sites and other users of the machine', () => {
  it('cannot use the API with the user’s cookie', async () => {
    const cookie = cookieFrom(join(platform.stateDir, 'cookies.txt'));
    for (const origin of [platform.sessionOrigin, 'https://evil.example', 'null']) {
      const response = await fetch(`${platform.origin}/notebooks/servers`, {
        ...launchBody(commit),
        headers: { cookie, origin, 'content-type': 'application/json' },
      });
      expect(response.status, origin).toBe(403);
    }
    for (const host of ['evil.example', `evil.example:${platform.port}`, `localhost:${platform.port}`]) {
      expect(await statusWithHost(host, cookie), host).not.toBe(200);
    }
  });

  it('get 401 from the embedded API server without its token', async () => {
    const withoutToken = execFileSync(
      'curl',
      ['-sk', '-o', '/dev/null', '-w', '%{http_code}', `${platform.kubernetesUrl()}/api/v1/namespaces`],
      {
        encoding: 'utf8',
      },
    );
    expect(withoutToken).toBe('401');
  });

  it('are rejected by a session’s own port without its credential', async () => {
    const { session } = await launch();
    await waitForState(platform, session.name, ['running']);
    const origins = jupyterOrigins(platform.stateDir);
    expect(origins).toHaveLength(1);
    const response = await fetch(`${origins[0]}/sessions/${session.name}/api/contents`);
    expect(response.status).toBe(403);
    const pids = [platform.pid, ...platform.programs(), ...markedProcesses(platform.stateDir)];
    const commands = execFileSync('ps', ['-o', 'args=', '-p', pids.join(',')], { encoding: 'utf8' });
    expect(commands).toContain('jupyter');
    expect(commands).not.toMatch(/token[= ][0-9a-f]{32}/i);
    expect(await remove(session.name)).toBe(204);
    await waitForState(platform, session.name, ['gone']);
  });
});

/** Sends the request with curl, because fetch cannot set the Host header. */
async function statusWithHost(host: string, cookie: string): Promise<number> {
  return Number(
    execFileSync(
      'curl',
      [
        '-s',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        '-H',
        `Host: ${host}`,
        '-H',
        `Cookie: ${cookie}`,
        `${platform.origin}/notebooks/servers`,
      ],
      { encoding: 'utf8' },
    ),
  );
}
