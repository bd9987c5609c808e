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
  for (const branch of ['tree', 'image', 'nameless']) git('branch', branch);
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
  // They start at the same time. Their tests wait for them.
  await Promise.all(Object.keys(page).map((branch) => launch(branch)));
});
afterAll(async () => {
  await platform?.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

const page = { trunk: '/lab/tree/README.md', tree: '/tree', side: '/lab' };
const environment_variables = { MY_SETTING: 'a "b" $HOME', PATH: '/usr/local/bin:/usr/bin:/bin' };

/** The options of the session of each branch: a project has one session for each branch and commit. */
const optionsOf: Record<string, () => object> = {
  trunk: () => ({ commit_sha: first, default_url: page.trunk, lfs_auto_fetch: true, environment_variables }),
  // The image has no such page.
  tree: () => ({ commit_sha: first, default_url: page.tree }),
  side: () => ({ commit_sha: second, default_url: page.side, lfs_auto_fetch: false }),
  nameless: () => ({ commit_sha: first }),
};

/** Launches the session of a branch, or returns the one that was launched before. */
async function launch(branch: string, more: object = {}): Promise<SessionResponse> {
  const response = await platform.api('/notebooks/servers', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...project, branch, ...optionsOf[branch]?.(), ...more }),
  });
  const launched = (await response.json()) as SessionResponse;
  expect([200, 201], JSON.stringify(launched)).toContain(response.status);
  return launched;
}

async function running(branch: string, more: object = {}): Promise<SessionResponse> {
  const { name } = await launch(branch, more);
  const found = await waitForState(platform, name, ['running', 'failed']);
  expect(found.status, JSON.stringify(found.status)).toMatchObject({ state: 'running' });
  return found;
}

const sessionOf = async (branch: string): Promise<Jupyter> => openSession(platform, (await running(branch)).url);

const python = async (session: Jupyter, ...lines: string[]) =>
  (await session.execute(await session.startKernel(), lines.join('\n'))).trim();
const shell = (command: string) =>
  `import subprocess; print(subprocess.run(${JSON.stringify(command)}, shell=True, capture_output=True, text=True).stdout)`;

describe('default_url', () => {
  it.each(Object.entries(page).map(([branch, path]) => [path, branch] as const))(
    '%s is the first page of the session',
    async (path, branch) => {
      const { url } = await running(branch);
      const { cookie } = await signInToSession(platform, `${url}/api/status`);
      const response = await fetch(`${url}/`, { headers: { cookie }, redirect: 'manual' });
      expect(response.status).toBe(302);
      const { pathname } = new URL(response.headers.get('location') ?? '', url);
      expect(pathname).toBe(`${new URL(url).pathname}${path}`);
    },
  );
});

describe('lfs_auto_fetch', () => {
  it.each([
    [true, large.length, 'trunk'],
    [false, 130, 'side'],
  ])('%s leaves %d bytes of a large file in the work tree', async (_, bytes, branch) => {
    const session = await sessionOf(branch);
    expect(await python(session, "import os; print(os.path.getsize('large.bin'))")).toBe(String(bytes));
  });
});

describe('branch and commit_sha', () => {
  it('are checked out', async () => {
    const session = await sessionOf('side');
    const printed = await python(session, shell('git rev-parse HEAD; git branch --show-current; cat README.md'));
    expect(printed).toBe(`${second}\nside\nfirst\nsecond`);
  });
});

describe('environment_variables', () => {
  it('are passed to kernels unchanged; a PATH among them comes after that of the session’s environment', async () => {
    const printed = await python(
      await sessionOf('trunk'),
      "import os, sys; print(os.environ['MY_SETTING'])",
      "print(os.environ['PATH'].startswith(sys.prefix + '/bin:'), os.environ['PATH'].endswith(':/usr/bin:/bin'))",
    );
    expect(printed).toBe('a "b" $HOME\nTrue True');
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
    const { name, url } = await running('image', { commit_sha: first, image, resource_class_id: 2, storage: 2 });
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
      await openSession(platform, url),
      'import jupyterlab, sys; print(jupyterlab.__file__.startswith(sys.prefix))',
    );
    expect(printed).toBe('False');
  });
});

describe('a commit in a session', () => {
  const identity = 'git commit --quiet --allow-empty --message work; git log -1 --format="%an <%ae> %cn <%ce>"';

  it('has the author of the git configuration of the machine’s owner', async () => {
    expect(await python(await sessionOf('trunk'), shell(identity))).toBe(
      'Ada Owner <ada@owner.example> Ada Owner <ada@owner.example>',
    );
  });

  it('has the platform’s user as its author if git has no name', async () => {
    // Before the session of this test is launched, and after the others run.
    writeFileSync(join(home, '.gitconfig'), '[user]\n\temail = ada@owner.example\n');
    const session = await sessionOf('nameless');
    const { username } = (await (await platform.api('/auth/me')).json()) as { username: string };
    expect(await python(session, shell(identity))).toContain(`${username} <ada@owner.example>`);
  });
});
