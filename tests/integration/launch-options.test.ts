import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBytes } from '../../src/jupyter-server/quantities.ts';
import type { Jupyter } from '../support/jupyter.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { openSession, type SessionResponse, signInToSession, waitForState } from '../support/session.ts';

/** The effect of every option of a launch inside the session, on the local platform. */

const large = 'a large file\n'.repeat(1_000);

let scratch: string;
let home: string;
let platform: Platform;
let project: { namespace: string; project: string };
let first: string;
let second: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'notebook-sessions-options-'));
  home = join(scratch, 'home');
  mkdirSync(home);
  // The home folder of the machine's owner; caches stay where they are.
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Ada Owner\n\temail = ada@owner.example\n');
  const repository = join(scratch, 'work');
  mkdirSync(repository);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], {
      cwd: repository,
      encoding: 'utf8',
      env: { ...process.env, HOME: home },
    }).trim();
  git('init', '--quiet', '--initial-branch=trunk');
  git('lfs', 'install', '--local', '--skip-smudge');
  writeFileSync(join(repository, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  writeFileSync(join(repository, 'large.bin'), large);
  writeFileSync(join(repository, 'README.md'), 'first\n');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'first');
  first = git('rev-parse', 'HEAD');
  git('checkout', '--quiet', '-b', 'side');
  appendFileSync(join(repository, 'README.md'), 'second\n');
  git('commit', '--quiet', '--all', '--message', 'second');
  second = git('rev-parse', 'HEAD');
  platform = await startPlatform({
    args: ['--no-demo', '--project', repository],
    env: { HOME: home, XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? '', '.cache') },
  });
  const [, namespace = '', name = ''] = await platform.printed(/serving .* as ([^/]+)\/(\S+)$/);
  project = { namespace, project: name };
});
afterAll(async () => {
  await platform?.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

/** Launches a session with these options, calls `check` while it runs, and stops it. */
async function whileRunning(options: object, check: (running: SessionResponse) => Promise<void>): Promise<void> {
  const response = await platform.api('/notebooks/servers', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...project, branch: 'trunk', commit_sha: first, ...options }),
  });
  const launched = (await response.json()) as SessionResponse;
  expect(response.status, JSON.stringify(launched)).toBe(201);
  try {
    const running = await waitForState(platform, launched.name, ['running', 'failed']);
    expect(running.status, JSON.stringify(running.status)).toMatchObject({ state: 'running' });
    await check(running);
  } finally {
    await platform.api(`/notebooks/servers/${launched.name}?forced=true`, { method: 'DELETE' });
    await waitForState(platform, launched.name, ['gone']);
  }
}

const inSession = (options: object, check: (session: Jupyter, running: SessionResponse) => Promise<void>) =>
  whileRunning(options, async (running) => check(await openSession(platform, running.url), running));

const python = async (session: Jupyter, ...lines: string[]) =>
  (await session.execute(await session.startKernel(), lines.join('\n'))).trim();
const shell = (command: string) =>
  `import subprocess; print(subprocess.run(${JSON.stringify(command)}, shell=True, capture_output=True, text=True).stdout)`;

describe('default_url', () => {
  it.each(['/lab/tree/README.md', '/tree', '/lab'])('%s is the first page of the session', async (page) => {
    await whileRunning({ default_url: page }, async ({ url }) => {
      const { cookie } = await signInToSession(platform, `${url}/api/status`);
      const response = await fetch(`${url}/`, { headers: { cookie }, redirect: 'manual' });
      expect(response.status).toBe(302);
      const { pathname } = new URL(response.headers.get('location') ?? '', url);
      expect(pathname).toBe(`${new URL(url).pathname}${page}`);
    });
  });
});

describe('lfs_auto_fetch', () => {
  it.each([
    [true, large.length],
    [false, 130],
  ])('%s leaves %d bytes of a large file in the work tree', async (lfs_auto_fetch, bytes) => {
    await inSession({ lfs_auto_fetch }, async (session) => {
      expect(await python(session, "import os; print(os.path.getsize('large.bin'))")).toBe(String(bytes));
    });
  });
});

describe('branch and commit_sha', () => {
  it('are checked out', async () => {
    await inSession({ branch: 'side', commit_sha: second }, async (session) => {
      const printed = await python(session, shell('git rev-parse HEAD; git branch --show-current; cat README.md'));
      expect(printed).toBe(`${second}\nside\nfirst\nsecond`);
    });
  });
});

describe('environment_variables', () => {
  it('are passed to kernels unchanged; a PATH among them comes after that of the session’s environment', async () => {
    const environment_variables = { MY_SETTING: 'a "b" $HOME', PATH: '/usr/local/bin:/usr/bin:/bin' };
    await inSession({ environment_variables }, async (session) => {
      const printed = await python(
        session,
        "import os, sys; print(os.environ['MY_SETTING'])",
        "print(os.environ['PATH'].startswith(sys.prefix + '/bin:'), os.environ['PATH'].endswith(':/usr/bin:/bin'))",
      );
      expect(printed).toBe('a "b" $HOME\nTrue True');
    });
  });
});

describe('image, resource_class_id and storage', () => {
  async function pythonTag(): Promise<string | undefined> {
    const authorization = `Basic ${btoa(`oauth2:${await platform.forgeToken()}`)}`;
    const response = await fetch(`${platform.origin}/v2/images/jupyter/tags/list`, { headers: { authorization } });
    const { tags } = (await response.json()) as { tags: string[] };
    return tags.find((tag) => tag.startsWith('python-'));
  }

  it('are used by the pod, and the session’s environment is a layer over that of the image', async () => {
    // Not the default image, which has the tag `latest`.
    const image = `127.0.0.1:${platform.port}/images/jupyter:${await pythonTag()}`;
    // One of the default resource classes, but not the class that is the default.
    await inSession({ image, resource_class_id: 2, storage: 2 }, async (session, { name }) => {
      const pod = JSON.parse(await platform.kubernetes(`/api/v1/namespaces/notebook-sessions/pods/${name}-0`)) as {
        spec: { containers: { name: string; image: string; resources: { requests: Record<string, unknown> } }[] };
      };
      const jupyter = pod.spec.containers.find((container) => container.name === 'jupyter-server');
      expect(jupyter?.image).toBe(image);
      expect(Number(jupyter?.resources.requests['cpu'])).toBe(1);
      const claim = JSON.parse(
        await platform.kubernetes(`/api/v1/namespaces/notebook-sessions/persistentvolumeclaims/${name}`),
      ) as { spec: { resources: { requests: { storage: string | number } } } };
      expect(parseBytes(claim.spec.resources.requests.storage)).toBe(2e9);
      const printed = await python(
        session,
        'import jupyterlab, sys; print(jupyterlab.__file__.startswith(sys.prefix))',
      );
      expect(printed).toBe('False');
    });
  });
});

describe('a commit in a session', () => {
  const identity = 'git commit --quiet --allow-empty --message work; git log -1 --format="%an <%ae> %cn <%ce>"';

  it('has the author of the git configuration of the machine’s owner', async () => {
    await inSession({}, async (session) => {
      expect(await python(session, shell(identity))).toBe(
        'Ada Owner <ada@owner.example> Ada Owner <ada@owner.example>',
      );
    });
  });

  it('has the platform’s user as its author if git has no name', async () => {
    writeFileSync(join(home, '.gitconfig'), '[user]\n\temail = ada@owner.example\n');
    await inSession({}, async (session) => {
      const { username } = (await (await platform.api('/auth/me')).json()) as { username: string };
      expect(await python(session, shell(identity))).toContain(`${username} <ada@owner.example>`);
    });
  });
});
