import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { listMarked } from '../../src/local/machine/processes.ts';
import { freePort } from '../support/free-ports.ts';
import { type PackageIndex, startPackageIndex } from '../support/package-index.ts';
import { markedProcesses, type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, openSession, type SessionResponse, waitForState } from '../support/session.ts';
import { patience } from '../support/wait-for.ts';

/** The packages of a project: from its requirements file in git to the import in a kernel. */

interface Launched extends SessionResponse {
  image: string;
}

describe('the demo project', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform({ args: ['--no-demo'] });
  });
  afterAll(() => platform?.dispose());

  it('has the packages of its requirements.txt, from the real index, and its notebook draws a plot', async () => {
    const commit = await demoCommit(platform);
    const launched = (await (await platform.api('/notebooks/servers', launchBody(commit))).json()) as Launched;
    expect(launched.image).toBe(`127.0.0.1:${platform.port}/demo/first-light:${commit.slice(0, 7)}`);
    const session = await waitForState(platform, launched.name, ['running', 'failed']);
    expect(session.status).toMatchObject({ state: 'running', warnings: [] });
    const open = await openSession(platform, session.url);
    const kernel = await open.startKernel();
    const cells = `
import json
notebook = json.load(open("first-light.ipynb"))
for cell in notebook["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]))
`;
    const printed = await open.execute(kernel, cells);
    expect(printed).toContain("The Sun's cycle is about 11.0 years long.");
    expect(printed).toContain(commit);
    expect(await open.execute(kernel, 'chart(years, counts, "again", "year"); plt.show()')).toContain('<Figure size');
    expect(await open.execute(kernel, 'print(np.__file__)')).toContain('/environments/');
    expect(await open.execute(kernel, '!which f2py && f2py -v')).toMatch(/^\S+\/f2py\s+2\./);
  });
});

describe('a project of the user', () => {
  let platform: Platform;
  let index: PackageIndex;
  let scratch: string;
  let repository: string;

  beforeEach(async () => {
    index = await startPackageIndex([
      { name: 'alpha', version: '1.0' },
      { name: 'with-extension', version: '1.0', files: labExtension },
    ]);
    scratch = mkdtempSync(join(tmpdir(), 'project-packages-'));
    repository = join(scratch, 'mine');
    mkdirSync(repository);
    git('init', '--quiet', '--initial-branch=main');
    commit({ 'README.md': 'mine\n' });
  });
  afterEach(async () => {
    await platform?.dispose();
    await index[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], {
      cwd: repository,
      encoding: 'utf8',
    }).trim();

  function commit(files: Record<string, string>): string {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(repository, name), content);
    git('add', '--all');
    git('commit', '--quiet', '--message', 'change');
    return git('rev-parse', 'HEAD');
  }

  /** Starts a platform with the package index of this test. */
  async function start(env: Record<string, string> = {}): Promise<void> {
    platform = await startPlatform({
      args: ['--no-demo', '--project', repository],
      env: { UV_DEFAULT_INDEX: index.url, UV_HTTP_RETRIES: '0', ...env },
    });
  }

  async function launch(commit: string): Promise<Launched> {
    // The platform prints `serving /tmp/x/mine as root/mine`.
    const [, namespace] = await platform.printed(/ as (\S+)\/mine$/);
    const response = await platform.api('/notebooks/servers', launchBody(commit, { namespace, project: 'mine' }));
    expect(response.status).toBe(201);
    return (await response.json()) as Launched;
  }

  const status = async (name: string) =>
    ((await (await platform.api(`/notebooks/servers/${name}`)).json()) as SessionResponse).status;

  const unique = () => `# ${scratch}\n`;

  it('has its packages, programs and extensions of the user interface, also if it is private', async () => {
    await start();
    const sha = commit({ 'requirements.txt': `${unique()}alpha\nwith-extension\n` });
    const session = await waitForState(platform, (await launch(sha)).name, ['running', 'failed']);
    expect(session.status).toMatchObject({ state: 'running', warnings: [] });
    const log = (await (await platform.api(`/notebooks/logs/${session.name}`)).json()) as Record<string, string>;
    expect(log['download-image']).toContain('+ alpha==1.0');
    const open = await openSession(platform, session.url);
    const kernel = await open.startKernel();
    expect(await open.execute(kernel, 'import alpha; print(alpha.__version__)')).toBe('1.0\n');
    // Packages that are installed in the session have priority.
    expect(await open.execute(kernel, 'import ipykernel, sys; print(sys.prefix in ipykernel.__file__)')).toBe(
      'False\n',
    );
    const config = await (await open.fetch('/lab')).text();
    expect(config).toContain('test-extension');

    // Another session with the same requirements: nothing is built.
    const requestsBefore = index.requestedPaths.length;
    git('commit', '--quiet', '--allow-empty', '--message', 'same content');
    const again = await launch(git('rev-parse', 'HEAD'));
    expect((await waitForState(platform, again.name, ['running', 'failed'])).status.state).toBe('running');
    expect(index.requestedPaths.length).toBe(requestsBefore);
  });

  it('starts without packages that cannot be installed, and its owner gets the reason', async () => {
    await start();
    const sha = commit({ 'requirements.txt': 'missing-package\n-e .\n' });
    const session = await waitForState(platform, (await launch(sha)).name, ['running', 'failed']);
    expect(session.status.state).toBe('running');
    const [{ message, critical } = { message: '', critical: true }] = session.status.warnings;
    expect(message).toMatch(/^The packages of requirements\.txt are not installed; the session uses the default/);
    expect(message).toContain('missing-package was not found in the package registry');
    expect(message).toContain('Correct requirements.txt, commit it, and launch the new commit.');
    expect(critical).toBe(false);
    const log = (await (await platform.api(`/notebooks/logs/${session.name}`)).json()) as Record<string, string>;
    expect(log['download-image']).toContain('missing-package was not found');
    const open = await openSession(platform, session.url);
    expect(await open.execute(await open.startKernel(), 'print(6 * 7)')).toBe('42\n');

    // The reason is kept over a restart of the platform.
    await platform.crash();
    platform = await startPlatform({
      stateDir: platform.stateDir,
      port: platform.port,
      args: ['--no-demo', '--project', repository],
      env: { UV_DEFAULT_INDEX: index.url },
    });
    const after = await waitForState(platform, session.name, ['running']);
    expect(after.status.warnings).toEqual(session.status.warnings);
  });

  it('shows the progress, and stopping the session ends the build', async () => {
    const held = Promise.withResolvers<void>();
    index.instead = (path) => (path.endsWith('.whl') ? held.promise : undefined);
    await start();
    const { name } = await launch(commit({ 'requirements.txt': `${unique()}alpha\n` }));
    await vi.waitFor(async () => expect((await status(name)).message).toMatch(/Installing packages: /), patience);
    expect((await status(name)).details).toContainEqual({ step: 'Downloading server image', status: 'executing' });
    await vi.waitFor(() => expect(buildsOf(platform)).toBe(1), patience);
    expect((await platform.api(`/notebooks/servers/${name}`, { method: 'DELETE' })).status).toBe(204);
    await vi.waitFor(() => expect(buildsOf(platform)).toBe(0), patience);
    await waitForState(platform, name, ['gone']);
    held.resolve();
  });

  it('is built again after kill -9 of the platform, whose uv process is ended', async () => {
    let held = Promise.withResolvers<void>();
    index.instead = (path) => (path.endsWith('.whl') ? held.promise : undefined);
    await start();
    const { name } = await launch(commit({ 'requirements.txt': `${unique()}alpha\n` }));
    await vi.waitFor(() => expect(buildsOf(platform)).toBe(1), patience);
    const [uv] = markedProcesses(platform.stateDir).filter((pid) => commandOf(pid).includes('pip'));
    await platform.crash();
    const before = held;
    held = Promise.withResolvers();
    held.resolve();
    platform = await startPlatform({
      stateDir: platform.stateDir,
      port: platform.port,
      args: ['--no-demo', '--project', repository],
      env: { UV_DEFAULT_INDEX: index.url },
    });
    expect(markedProcesses(platform.stateDir)).not.toContain(uv);
    const session = await waitForState(platform, name, ['running', 'failed']);
    expect(session.status).toMatchObject({ state: 'running', warnings: [] });
    before.resolve();
  });
});

it('with a real GitLab, the platform builds no images: those of its commits are not on this machine', async () => {
  const gitlab = createServer((_, response) => response.writeHead(404).end('{"message":"404"}')).listen(0, '127.0.0.1');
  await once(gitlab, 'listening');
  const { port: gitlabPort } = gitlab.address() as AddressInfo;
  const port = await freePort();
  const platform = await startPlatform({ port, args: ['--no-demo', '--git-url', `http://127.0.0.1:${gitlabPort}`] });
  try {
    const path = `/notebooks/images?image_url=127.0.0.1:${port}/demo/first-light:5d75d18`;
    const response = await platform.api(path, { headers: { accept: 'application/json' } });
    expect(await response.json()).toMatchObject({ exists: false, reason: 'not-found' });
  } finally {
    await platform.dispose();
    gitlab.close();
  }
});

/** Returns the number of running builds: each is one uv process. */
const buildsOf = ({ stateDir }: Platform): number =>
  [...listMarked(`${readFileSync(join(stateDir, 'marker'), 'utf8').trim()}/images/`).values()]
    .flat()
    .filter(({ pid }) => commandOf(pid).includes('pip')).length;

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
};

const labExtension = {
  'with_extension/__init__.py': '',
  'with_extension-1.0.data/data/share/jupyter/labextensions/test-extension/package.json': JSON.stringify({
    name: 'test-extension',
    version: '1.0.0',
    jupyterlab: { _build: { load: 'static/remoteEntry.js', extension: './extension' } },
  }),
  'with_extension-1.0.data/data/share/jupyter/labextensions/test-extension/static/remoteEntry.js': '',
};
