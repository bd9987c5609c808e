import { chmodSync, globSync, readFileSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import { Deadline } from '../../src/lib/deadline.ts';
import { localUser } from '../../src/local/command-line.ts';
import { namespace } from '../../src/local/environment.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import { addSubmodule } from '../support/git-clone/projects.ts';
import {
  commitFiles,
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../support/local/forge/served-forge.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { type State, stateOf } from '../support/saves/work-tree.ts';
import { openSession, waitForState } from '../support/session.ts';
import {
  call,
  type Launch,
  launchSession,
  programsOf,
  saveSession,
  stopSession,
  volumeOf,
  workIn,
  writeFiles,
} from '../support/session-work.ts';
import { patience } from '../support/wait-for.ts';

/** The work of sessions on the local platform, with a git server of the test that can be unavailable. */

const me = localUser();
let served: ServedForge;
let token: string;
let platform: Platform;

const start = (where: { stateDir?: string; port?: number } = {}) =>
  startPlatform({ ...where, args: ['--no-demo', '--git-url', served.url], env: { GITLAB_TOKEN: token } });

beforeAll(async () => {
  served = await serveForge({ localUser: me });
  token = served.forge.issueToken(me).token;
  platform = await start();
});
afterAll(async () => {
  served.intercept = () => false;
  await platform?.dispose();
  await served?.close();
});

const urlOf = (path: string) => `${served.url}/team/${path}.git`;

/** Pushes all branches of a work tree as a project of the user. */
async function publish(tree: string, path: string): Promise<void> {
  const members = [{ username: me.username, accessLevel: 30 }];
  await served.forge.createProject({ namespace: 'team', path, members });
  await runGit(tree, 'push', '--quiet', '--all', withToken(urlOf(path), token));
}

async function launchOf(tree: string, project: string, branch = 'main'): Promise<Launch> {
  return { namespace: 'team', project, branch, commit_sha: await runGit(tree, 'rev-parse', branch) };
}

/** Returns the names of the autosaves of a project in the repository. */
async function autosavesOf(path: string): Promise<string[]> {
  const text = await runGit(served.scratch, 'ls-remote', '--heads', withToken(urlOf(path), token), 'renku/autosave/*');
  return text.split('\n').flatMap((line) => line.split('\trefs/heads/')[1] ?? []);
}

const stored = (name: string) => globSync('.notebook-sessions/save-*.bundle', { cwd: volumeOf(platform, name) });

/** Starts the platform again, after `stop`, and waits until the session runs. */
async function startAgain(name: string): Promise<void> {
  const { stateDir, port } = platform;
  platform = await start({ stateDir, port });
  await waitForState(platform, name, ['running']);
}

describe('work of all kinds', () => {
  let launch: Launch;
  let name: string;
  let tree: string;
  let before: { main: State; library: State };
  const states = async () => ({ main: await stateOf(tree), library: await stateOf(join(tree, 'library')) });

  beforeAll(async () => {
    const library = await makeRepository(join(served.scratch, 'library'), { 'l.txt': 'l\n' });
    await publish(library, 'library');
    const source = await makeRepository(join(served.scratch, 'all'), {
      ...{ 'a.txt': 'a\n', 'b.txt': 'b\n', '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n' },
    });
    await addSubmodule(source, 'library', '../library.git', await runGit(library, 'rev-parse', 'HEAD'));
    await publish(source, 'all');
    launch = { ...(await launchOf(source, 'all')), lfs_auto_fetch: true };
    ({ name } = await launchSession(platform, launch));
    tree = join(volumeOf(platform, name), 'all');

    await runGit(tree, 'checkout', '--quiet', '-b', 'second');
    await commitFiles(tree, { 'second.txt': 'on another branch\n' }, 'not pushed, on another branch');
    await runGit(tree, 'checkout', '--quiet', 'main');
    writeFiles(tree, { 'a.txt': 'a\nstashed\n' });
    await runGit(tree, 'stash', '--quiet');
    await commitFiles(tree, { 'a.txt': 'a\ncommitted\n', 'large.bin': 'large\n' }, 'not pushed');
    writeFiles(tree, { 'b.txt': 'staged\n', 'staged.bin': 'large and staged\n' });
    await runGit(tree, 'add', 'b.txt', 'staged.bin');
    writeFiles(tree, { 'b.txt': 'staged and edited\n', 'new/untracked file.sh': '#!/bin/sh\n', 'later.bin': 'new\n' });
    chmodSync(join(tree, 'new/untracked file.sh'), 0o755);
    await commitFiles(join(tree, 'library'), { 'l.txt': 'committed\n' }, 'in the submodule');
    writeFiles(join(tree, 'library'), { 'l.txt': 'edited\n', 'new.txt': 'new\n' });
    before = await states();
  });

  it('is shown', async () => {
    expect(await workIn(platform, name)).toMatchObject({
      ...{ savesOnStop: true, unavailable: null },
      work: {
        ...{ isClean: false, canPush: true, branch: 'main', stashes: 1 },
        files: { names: expect.arrayContaining(['b.txt', 'new/untracked file.sh']) },
        branches: expect.arrayContaining([
          { name: 'main', commits: 1 },
          { name: 'second', commits: 1 },
        ]),
        submodules: [expect.objectContaining({ path: 'library', files: expect.objectContaining({ count: 2 }) })],
      },
    });
  });

  it('is saved on the volume if the git server is down', async () => {
    served.intercept = (_request, response) => {
      response.destroy();
      return true;
    };
    const { state, result, error } = await saveSession(platform, name);
    expect(state).toBe('failed');
    expect(result).toMatchObject({ location: 'volume', isVerified: false });
    expect(error?.reason).toBe('unreachable');
    const [bundle = ''] = stored(name);
    expect(statSync(join(volumeOf(platform, name), bundle)).mode & 0o777).toBe(0o600);
    expect(await states()).toEqual(before);
  });

  it('is untouched by Ctrl-C and the next start while the git server is down, and Ctrl-C says where it is', async () => {
    expect(await platform.stop()).toBe(0);
    expect(platform.output()).toContain('saving the work of 1 session');
    expect(platform.output()).toMatch(
      new RegExp(`${name}: saved on the volume, and the next start pushes the save\\. .*not available`),
    );
    await startAgain(name);
    expect(stored(name)).toHaveLength(1);
    expect(await states()).toEqual(before);
  });

  it('is pushed by the next start of the agent, which the kubelet restarts', async () => {
    served.intercept = () => false;
    const [agent = 0, ...others] = programsOf(platform, 'agent');
    expect(others).toEqual([]);
    process.kill(agent, 'SIGKILL');
    await expect.poll(() => autosavesOf('all'), patience).toHaveLength(1);
    await expect.poll(() => stored(name), patience).toEqual([]);
    expect(programsOf(platform, 'agent')).not.toContain(agent);
    expect(await workIn(platform, name)).toMatchObject({ work: { isClean: true, savedAs: { location: 'remote' } } });
    expect(await states()).toEqual(before);
  });

  it('comes back by a launch after the session was stopped', async () => {
    await stopSession(platform, name);
    const { body } = await call<{ autosaves: { branch: string; commit: string }[] }>(
      platform,
      'GET',
      '/team/all/autosave',
    );
    expect(body.autosaves).toEqual([
      expect.objectContaining({ branch: 'main', commit: launch.commit_sha.slice(0, 7) }),
    ]);
    await launchSession(platform, launch);
    expect(await states()).toEqual(before);
    expect(readFileSync(join(tree, 'large.bin'), 'utf8')).toBe('large\n');
    // The content is on the volume of the session.
    await expect.poll(() => autosavesOf('all'), patience).toEqual([]);
  });

  afterAll(() => stopSession(platform, name, '?forced=true'));
});

describe('a session of a branch with slashes', () => {
  const branch = 'feature/a/b';
  let launch: Launch;
  let name: string;
  let url: string;
  let tree: string;
  let before: State;

  beforeAll(async () => {
    const source = await makeRepository(join(served.scratch, 'slashes'), { 'a.txt': '1\n' }, { 'a.txt': '2\n' });
    await runGit(source, 'checkout', '--quiet', '-b', branch);
    await publish(source, 'slashes');
    launch = await launchOf(source, 'slashes', branch);
    ({ name, url } = await launchSession(platform, launch));
    tree = join(volumeOf(platform, name), 'slashes');
    await runGit(tree, 'checkout', '--quiet', '--detach', 'HEAD~1');
    await commitFiles(tree, { 'detached.txt': 'on no branch\n' }, 'on no branch');
    writeFiles(tree, { 'a.txt': 'edited\n' });
    before = await stateOf(tree);
  });

  it('comes back with its detached HEAD, and of two autosaves the older one stays and is listed', async () => {
    const root = launch.commit_sha;
    const older = `renku/autosave/${me.username}/${branch}/${root.slice(0, 7)}/${root.slice(0, 7)}`;
    await runGit(tree, 'push', '--quiet', withToken(urlOf('slashes'), token), `${root}:refs/heads/${older}`);
    await stopSession(platform, name);
    expect(await autosavesOf('slashes')).toHaveLength(2);
    await launchSession(platform, launch);
    expect(await stateOf(tree)).toEqual(before);
    await expect.poll(() => autosavesOf('slashes'), patience).toEqual([older]);
  });

  it('is hibernated after its work is saved, and resumed with its files and its address', async () => {
    const patch = (body: object) => call<{ name: string; url: string }>(platform, 'PATCH', `/servers/${name}`, body);
    const session = await openSession(platform, url);
    const kernel = await session.startKernel();
    await session.execute(kernel, 'open("kernel.txt", "w").write("from a kernel")');
    expect(await patch({ resource_class_id: 2 })).toMatchObject({ status: 422 });
    expect((await patch({ state: 'running' })).status).toBe(200);
    const changed = await stateOf(tree);

    expect([200, 202]).toContain((await patch({ state: 'hibernated' })).status);
    await waitForState(platform, name, ['hibernated']);
    expect(await autosavesOf('slashes')).toHaveLength(2);
    expect((await patch({ state: 'hibernated' })).status).toBe(200);
    expect(await workIn(platform, name)).toMatchObject({ work: null, unavailable: { reason: 'hibernated' } });
    await expect.poll(() => programsOf(platform, 'agent'), patience).toEqual([]);
    expect(await stateOf(tree)).toEqual(changed);

    expect(await patch({ state: 'running' })).toMatchObject({ status: 200, body: { name, url } });
    await waitForState(platform, name, ['running']);
    expect(await stateOf(tree)).toEqual(changed);
    expect(await (await openSession(platform, url)).startKernel()).not.toBe(kernel);
    expect((await call(platform, 'PATCH', '/servers/no-such-session', { state: 'running' })).status).toBe(404);
  });

  it('is saved before it is hibernated by a threshold', async () => {
    writeFiles(tree, { 'a.txt': 'edited again\n' });
    const kubeconfig = await parseKubeConfig(readFileSync(join(platform.stateDir, 'kubeconfig'), 'utf8'));
    const client = createKubernetesClient({ kubeconfig, log: pino({ level: 'silent' }) });
    try {
      const spec = { culling: { maxAgeSecondsThreshold: 1 } };
      await client.mergePatch(jupyterServers, namespace, name, { spec }, Deadline.after(60_000));
    } finally {
      await client.close();
    }
    await waitForState(platform, name, ['hibernated']);
    const autosave = (await autosavesOf('slashes')).find((each) => !each.endsWith(launch.commit_sha.slice(0, 7)));
    const saved = withToken(urlOf('slashes'), token);
    await runGit(tree, 'fetch', '--quiet', saved, `refs/heads/${autosave}`);
    expect(await runGit(tree, 'show', 'FETCH_HEAD:a.txt')).toBe('edited again');
    await stopSession(platform, name);
  });
});

describe('a file that a filter of the repository protects', () => {
  it('is never pushed unfiltered, and keeps the session from being deleted', async () => {
    const source = await makeRepository(join(served.scratch, 'secrets'), {
      ...{ '.gitattributes': '*.key filter=crypt\n', 'one.key': 'ENCRYPTED 1\n', 'a.txt': 'a\n' },
    });
    await publish(source, 'secrets');
    const { name } = await launchSession(platform, await launchOf(source, 'secrets'));
    const tree = join(volumeOf(platform, name), 'secrets');
    await runGit(tree, 'config', 'filter.crypt.clean', "sed 's/secret/ENCRYPTED/'");
    await runGit(tree, 'config', 'filter.crypt.smudge', "sed 's/ENCRYPTED/secret/'");
    writeFiles(tree, { 'one.key': 'secret and changed\n', 'two.key': 'secret and new\n', 'a.txt': 'edited\n' });

    expect((await call(platform, 'DELETE', `/servers/${name}`)).status).toBe(204);
    const { status } = await waitForState(platform, name, ['hibernated']);
    expect(status.message).toContain('could not be saved');
    expect(await autosavesOf('secrets')).toHaveLength(1);
    const [folder = ''] = globSync('repositories/*.git', { cwd: served.directory }).filter((each) =>
      globSync('refs/heads/renku/**', { cwd: join(served.directory, each) }).some((ref) => ref.includes('autosave')),
    );
    const folders = globSync('repositories/*.git', { cwd: served.directory });
    expect(folders).toContain(folder);
    for (const each of folders) {
      const objects = await runGit(join(served.directory, each), 'cat-file', '--batch-all-objects', '--batch');
      expect(objects).not.toContain('secret and');
    }
    expect(readFileSync(join(tree, 'one.key'), 'utf8')).toBe('secret and changed\n');
    // A second stop is the decision of the owner.
    await stopSession(platform, name);
  });
});

describe('the end of a session', () => {
  let launch: Launch;
  let pushes = 0;

  beforeAll(async () => {
    const source = await makeRepository(join(served.scratch, 'ended'), { 'a.txt': 'a\n' });
    await publish(source, 'ended');
    launch = await launchOf(source, 'ended');
    served.intercept = ({ method, url }) => {
      if (method === 'POST' && url?.endsWith('/git-receive-pack')) pushes += 1;
      return false;
    };
  });
  afterAll(() => {
    served.intercept = () => false;
  });

  /** Changes a file of a new session, stops the session, and waits for the end of its agent. */
  async function end(query = ''): Promise<void> {
    pushes = 0;
    const { name } = await launchSession(platform, launch);
    writeFiles(join(volumeOf(platform, name), 'ended'), { 'a.txt': 'edited\n' });
    await stopSession(platform, name, query);
    await expect.poll(() => programsOf(platform, 'agent'), patience).toEqual([]);
  }

  it('leaves no autosave if its owner deletes it without a save', async () => {
    await end('?save=false');
    expect(await autosavesOf('ended')).toEqual([]);
    expect(pushes).toBe(0);
  });

  it('pushes the work once: the agent finds no later changes when its process ends', async () => {
    await end();
    expect(await autosavesOf('ended')).toHaveLength(1);
    expect(pushes).toBe(1);
  });
});

describe('Ctrl-C while the git server does not respond', () => {
  let name: string;
  const held = new Set<ServerResponse>();
  const hold = () => {
    served.intercept = (_request, response) => held.add(response) !== undefined;
  };
  const release = () => {
    served.intercept = () => false;
    for (const response of held) response.destroy();
    held.clear();
  };

  beforeAll(async () => {
    const source = await makeRepository(join(served.scratch, 'slow'), { 'a.txt': 'a\n' });
    await publish(source, 'slow');
    ({ name } = await launchSession(platform, await launchOf(source, 'slow')));
    writeFiles(join(volumeOf(platform, name), 'slow'), { 'a.txt': 'edited\n' });
  });

  it('ends in time with the save on the volume, and the next start pushes the save', async () => {
    hold();
    const since = performance.now();
    expect(await platform.stop()).toBe(0);
    // The limit is 15 s. The rest is for a busy machine.
    expect(performance.now() - since).toBeLessThan(40_000);
    expect(platform.output()).toMatch(
      new RegExp(`${name}: saved on the volume, and the next start pushes the save\\.`),
    );
    expect(stored(name)).toHaveLength(1);
    release();
    await startAgain(name);
    await expect.poll(() => autosavesOf('slow'), patience).toHaveLength(1);
    await expect.poll(() => stored(name), patience).toEqual([]);
  });

  it('ends at once after a second Ctrl-C, and the files are kept', async () => {
    const tree = join(volumeOf(platform, name), 'slow');
    writeFiles(tree, { 'a.txt': 'edited again\n' });
    const before = await stateOf(tree);
    hold();
    const stopped = platform.stop();
    await platform.printed(/saving the work of 1 session/);
    // A signal within a second belongs to the first Ctrl-C.
    const first = performance.now();
    await expect.poll(() => performance.now() - first, patience).toBeGreaterThan(1_100);
    process.kill(platform.pid, 'SIGINT');
    expect(await stopped).toBe(0);
    expect(platform.output()).not.toContain(`${name}: `);
    release();
    expect(await stateOf(tree)).toEqual(before);
  });
});
