import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { agentPort, gitProxyFile, privateFolder } from '../../src/session-contract/agent.ts';
import { sessionContainer } from '../../src/session-contract/containers.ts';
import { runGit, withToken } from '../support/local/forge/served-forge.ts';
import { type Caller, hasWarning, registeredHeaders, type Session, withHeaders } from './caller.ts';
import { jupyterOfOwner } from './jupyter.ts';
import { inPod, inSession, objectsOf, platform, podsOf, untilGone } from './platform.ts';
import { release } from './release.ts';
import { createWithoutClaim, secretOfChildren, secretsOf } from './without-claim.ts';
import {
  autosavesOf,
  changeEverything,
  during,
  inRepository,
  save,
  startSave,
  stateOf,
  untilOperation,
  workProject,
} from './work.ts';
import { filtered, workBranch } from './work-project.ts';

/**
 * What happens to the work in the sessions of a registered user: the tests are steps of two sessions with git-proxy and agent, one on a
 * volume, and one without a volume claim.
 */

const namespace = release.sessionsNamespace;
/** Texts that occur nowhere else. */
const tokens = { access: randomBytes(24).toString('hex'), refresh: randomBytes(24).toString('hex') };
/** A file with the secrets during the search. */
const patterns = '/dev/shm/patterns';
/** The steps that were not complete, each time that the test has read the state of the first launch. */
const stepsLeft: string[][] = [];
let ada: Caller;
let session: Session;
let [name, withoutClaim] = ['', ''];

const podOf = async (of: string) => (await podsOf(namespace)).find((pod) => pod.name === `${of}-0`);

/** Launches the session and sets `name`. */
async function post(): Promise<void> {
  const response = await ada.post(workProject());
  // 200 if the service was too busy to answer the first request, which has created the session.
  expect([200, 201]).toContain(response.status);
  ({ name } = (await response.json()) as Session);
}

async function launch(): Promise<void> {
  await post();
  session = await ada.until(name, 'running');
}

async function patch(state: 'running' | 'hibernated'): Promise<Response> {
  return ada.api(`/servers/${name}`, { method: 'PATCH', body: { state }, timeoutMs: 60_000 });
}

const setIdleThreshold = (of: string, idleSecondsThreshold: number) => {
  const change = JSON.stringify({ spec: { culling: { idleSecondsThreshold } } });
  return platform().kubectl([
    ...['patch', 'jupyterserver', of, '--namespace', namespace, '--type=merge', `--patch=${change}`],
  ]);
};

/** Clones the project on this machine, and returns the folder. */
async function clone(...options: string[]): Promise<string> {
  const { gitUrl, gitTokens } = platform().backends;
  const folder = mkdtempSync(join(tmpdir(), 'work-'));
  const url = withToken(`${gitUrl}/ada/work.git`, gitTokens.ada);
  await runGit(folder, '-c', 'http.sslVerify=false', 'clone', '--quiet', ...options, url, 'clone');
  return join(folder, 'clone');
}

/** Prints the resident memory, in kilobytes, of an HTTP server that has answered one request. */
const emptyServer = `
const { createServer, get } = require('node:http');
const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1', () => {
  get(server.address(), (response) => response.resume().on('end', () => {
    console.log(/VmRSS:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'))[1]);
    process.exit();
  }));
});`;

const isHibernated = ({ status }: Session): boolean => status.state === 'hibernated';

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  const headers = await registeredHeaders('ada');
  ada = withHeaders({
    ...headers,
    ...{ 'Renku-Auth-Access-Token': tokens.access, 'Renku-Auth-Refresh-Token': tokens.refresh },
  });
  await post();
  withoutClaim = await createWithoutClaim(name);
  session = await ada.until(name, ({ status }) => {
    stepsLeft.push(status.details.flatMap(({ step, status: is }) => (is === 'ready' ? [] : [step])));
    return status.state === 'running';
  });
  await changeEverything(name);
});
afterAll(async () => {
  if (inject('e2e') === undefined) return;
  for (const each of [name, withoutClaim]) if (each !== '') await ada.remove(each, { forced: true });
});

describe('a session with git-proxy and agent', () => {
  it('has both before Jupyter is ready, so they do not delay the start', () => {
    const last = sessionContainer.jupyter.step;
    expect(stepsLeft.flat()).toContain(last);
    expect(stepsLeft.filter((steps) => steps.length > 0 && !steps.includes(last))).toEqual([]);
  });

  it('shows what is not saved, pushes with the credentials of its user, and saves without a change of the repository', async () => {
    const before = await stateOf(name);
    const work: unknown = await (await ada.api(`/servers/${name}/work`)).json();
    const branch = (each: string) => expect.objectContaining({ name: each });
    expect(work).toMatchObject({
      savesOnStop: true,
      work: {
        ...{ isClean: false, canPush: true, stashes: 1, submodules: [{ path: 'part' }] },
        branches: expect.arrayContaining([branch('feature/a/b'), branch('second')]),
      },
    });
    await inRepository(name, 'git push --quiet origin HEAD~1:refs/heads/pushed');
    expect(await save(ada, name)).toMatchObject({
      state: 'succeeded',
      error: null,
      result: { location: 'remote', changedMeanwhile: [] },
    });
    expect(await stateOf(name)).toBe(before);
  });

  it('has no secret in any file, environment or process list of the user, kernels and terminals included, in those of agent and proxy, in objects or in logs', async () => {
    const { kubectl } = platform();
    const jupyter = await jupyterOfOwner(session, 'ada');
    const kernel = await jupyter.startKernel();
    // The messages of git about an error, too.
    const shown = await jupyter.execute(
      kernel,
      `import os, subprocess
print(dict(os.environ))
def run(*args): print(subprocess.run(args, cwd='/home/jovyan/work/work', capture_output=True, text=True))
run('git', 'config', '--list', '--show-origin')
run('git', 'ls-remote', 'https://gitlab.host.test:8443/forge/ada/none.git')`,
    );
    const printed = [shown, await jupyter.inTerminal('env; git --no-pager -C /home/jovyan/work/work config --list')];
    await jupyter.type('sleep 3600');
    expect(printed[0]).toMatch(/GIT_CONFIG_SYSTEM.*insteadof.*fatal:/s);
    expect(printed[1]).toContain('GIT_CONFIG_SYSTEM');

    const { session: own, platform: ofPlatform } = await secretsOf(name);
    const children = await secretOfChildren(name);
    const { 'session-uid': _, 'gitlab-oauth-token-expires-at': __, ...credentials } = own;
    expect(credentials).toMatchObject({ 'access-token': tokens.access, 'refresh-token': tokens.refresh });
    const proxyKey = (await inSession(name, `cat ${privateFolder}/${gitProxyFile.key}`)).trim();
    const named = new Map<string, string>();
    for (const [key, value] of Object.entries({ ...ofPlatform, ...credentials, ...children, proxyKey })) {
      const values = value.startsWith('[') ? (JSON.parse(value) as string[]) : [value];
      for (const each of values) if (each !== '') named.set(each, key);
    }
    expect([...named.values()]).toEqual(
      expect.arrayContaining(['agent-key', 'proxyKey', 'jupyterServerCookieSecret', 'oauth2ProxyCookieSecret']),
    );
    expect(named.size).toBeGreaterThanOrEqual(10);
    const found = (text: string) => [...named].flatMap(([secret, key]) => (text.includes(secret) ? [key] : []));

    // The search finds a file of the test, so it works.
    const canary = randomBytes(24).toString('hex');
    await inSession(name, `echo ${canary} > /home/jovyan/work/canary`);
    // The files of the image are older than the session.
    const { createdAt = '' } = (await podOf(name)) ?? {};
    const newer = `find / ( -path /proc -o -path /sys -o -path ${patterns} ) -prune -o -type f -newerct ${createdAt} -print0`;
    const grep = `grep --with-filename --only-matching --text --fixed-strings --file=${patterns}`;
    const exec = ['exec', '--stdin', `${name}-0`, '--namespace', namespace, '--container=jupyter-server', '--'];
    const command = `cat > ${patterns}; ${newer.replaceAll(/[()]/g, '\\$&')} | xargs -0 ${grep} 2>/dev/null; rm ${patterns}`;
    const files = await kubectl([...exec, 'sh', '-c', command], {
      timeout: 300_000,
      input: `${[...named.keys(), canary].join('\n')}\n`,
    });
    const inFiles = files
      .trim()
      .split('\n')
      .map((line) => {
        const [, file = '', secret = ''] = /^(.*):([^:]+)$/.exec(line) ?? [];
        return `${file.replace(/\.\.\d{4}_[^/]+/, '..data')}: ${secret === canary ? 'canary' : named.get(secret)}`;
      });
    // The keys of the pod with which its own programs use its git proxy, and Jupyter its cookies.
    expect([...new Set(inFiles)].sort()).toEqual([
      '/etc/jupyter_server_secrets/..data/cookie_secret: jupyterServerCookieSecret',
      '/home/jovyan/work/canary: canary',
      `${privateFolder}/${gitProxyFile.key}: proxyKey`,
    ]);

    for (const container of ['jupyter-server', 'git-proxy', 'git-sidecar']) {
      const read = () => inPod(`${name}-0`, 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline', { namespace, container });
      const own = container === 'jupyter-server' ? ['PATH=', `kernel-${kernel}.json`, 'sleep\x003600'] : ['PATH='];
      await expect.poll(read).toSatisfy((text: string) => own.every((part) => text.includes(part)));
      const processes = await read();
      expect({ container, found: found(processes) }).toEqual({ container, found: [] });
    }

    const all = ['--all-containers', '--prefix', '--tail=-1'];
    const logs = await kubectl(['logs', `${name}-0`, '--namespace', namespace, ...all]);
    expect(logs).toContain('git-receive-pack: 200');
    const programs = await kubectl([
      ...['logs', '--namespace', release.namespace, `--selector=app.kubernetes.io/instance=${release.name}`, ...all],
      '--max-log-requests=20',
    ]);
    expect(programs).toContain(name);
    const kinds = 'jupyterservers,statefulsets,pods,configmaps,services,ingresses,events';
    const objects = await kubectl(['get', kinds, '--namespace', namespace, '--output=json']);
    expect([...printed, logs, programs, objects].map(found)).toEqual([[], [], [], [], []]);
  });

  it('needs at most 1.5 times the memory of an empty HTTP server for each of the two', async () => {
    const { kubectl } = platform();
    const inSidecar = (...command: string[]) =>
      kubectl(['exec', `${name}-0`, '--namespace', namespace, '--container=git-sidecar', '--', ...command]);
    const empty = Number(await inSidecar('/usr/local/bin/node', '--eval', emptyServer));
    expect(empty).toBeGreaterThan(20_000);
    for (const container of ['git-proxy', 'git-sidecar']) {
      // The child of tini.
      const status = 'cat /proc/$(cut -d " " -f 1 /proc/1/task/1/children)/status';
      const text = await inPod(`${name}-0`, status, { namespace, container });
      const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]);
      process.stdout.write(
        `e2e: resident memory of ${container}: ${(kilobytes / empty).toFixed(2)} x an empty server\n`,
      );
      expect({ container, ratio: kilobytes / empty }).toEqual({
        container,
        ratio: expect.toSatisfy((it) => it <= 1.5),
      });
    }
  });

  it('gives nothing of agent and proxy to another session, and nothing without a token to a pod that may connect', async () => {
    await ada.until(withoutClaim, 'running');
    const address = (await podOf(name))?.address ?? '';
    const { gitProxy, gitSidecar } = sessionContainer;
    const ports = [agentPort, gitSidecar.port, gitProxy.port, gitProxy.probe.port];
    const connect = (port: number) =>
      `timeout 3 bash -c '</dev/tcp/${address}/${port}' 2>/dev/null && echo connected || echo failed`;
    const attempts = await Promise.all(ports.map((port) => inSession(withoutClaim, connect(port))));
    expect(attempts).toEqual(ports.map(() => 'failed\n'));
    // In its own pod, the key of the proxy is the protection, also of the user from web pages.
    const request = (url: string, ...more: string[]) =>
      inSession(name, `curl -s -o /dev/null -w '%{http_code}' -m 5 ${more.join(' ')} ${url}`);
    const proxied = `http://127.0.0.1:${gitProxy.port}/https/gitlab.host.test:8443/forge/ada/work.git/info/refs`;
    expect(await request(proxied)).toBe('401');
    expect(await request(proxied, "-H 'Origin: https://example.org'")).toBe('403');
    expect(await request(proxied, "-H 'Host: example.org'")).toBe('403');
    // A program in the same pod can connect, and has no token of the agent.
    expect(await request(`http://${address}:${agentPort}/v1/work`)).toBe('401');
  });
});

describe('the work of a session that is deleted', () => {
  let state: string;

  it('is listed as an autosave, and is the same in the next session: files, modes, commits, branches, index, stash, LFS and submodule', async () => {
    state = await stateOf(name);
    const response = await ada.api(`/servers/${name}`, { method: 'DELETE' });
    expect(response.status).toBe(204);
    await untilGone(name);
    const autosaves = await autosavesOf(ada);
    expect(autosaves).toEqual([expect.stringMatching(/^renku\/autosave\/ada\/feature\/a\/b\/\w{7}\/\w{7}$/)]);

    const mirror = await clone('--mirror');
    const content = await runGit(mirror, 'cat-file', '--batch-all-objects', '--batch');
    expect(content).toContain('changed after');
    expect(content).not.toContain(filtered.plain);

    await launch();
    expect(await stateOf(name)).toBe(state);
    expect(await autosavesOf(ada)).toEqual([]);
  });

  it('is the same with a detached HEAD and an older autosave of the same commit, which stays', async () => {
    const older = `renku/autosave/ada/${workBranch}/${platform().backends.commits.work.slice(0, 7)}/0000000`;
    await runGit(await clone(), '-c', 'http.sslVerify=false', 'push', '--quiet', 'origin', `HEAD:refs/heads/${older}`);
    await inRepository(name, "git checkout --quiet --detach && git commit --quiet -m 'detached' other.txt tracked.txt");
    state = await stateOf(name);
    await ada.remove(name);
    expect(await autosavesOf(ada)).toHaveLength(2);
    await launch();
    expect(await stateOf(name)).toBe(state);
    expect(await autosavesOf(ada)).toEqual([older]);
  });
});

describe('a session on a volume', () => {
  it('has the same address, state and files after a hibernation, and its work is saved before that', async () => {
    const state = await stateOf(name);
    const autosaves = await autosavesOf(ada);
    // 202 on a busy machine: the save continues after the response.
    expect([200, 202]).toContain((await patch('hibernated')).status);
    const { annotations, url } = await ada.until(name, isHibernated);
    expect(annotations).toMatchObject({ 'renku.io/hibernationDirty': 'true' });
    await expect.poll(() => objectsOf(name)).not.toContain(`pod/${name}-0`);
    expect((await autosavesOf(ada)).length).toBe(autosaves.length + 1);
    expect((await patch('running')).status).toBe(200);
    const resumed = await ada.until(name, 'running');
    expect([url, resumed.url]).toEqual([session.url, session.url]);
    expect(await stateOf(name)).toBe(state);
  });

  it('is usable after its agent was killed during a save, and a second save succeeds', async () => {
    const state = await stateOf(name);
    await inRepository(name, 'echo more >> tracked.txt');
    const { id } = await during('silent', async () => {
      const started = await startSave(ada, name);
      await untilOperation(ada, name, started.id, ({ progress }) => progress.step === 'pushing');
      // The child of tini.
      await inPod(`${name}-0`, 'kill -9 $(cat /proc/1/task/1/children)', { namespace, container: 'git-sidecar' });
      return started;
    });
    const ended = await untilOperation(ada, name, id, ({ finishedAt }) => finishedAt !== null);
    expect(ended).toMatchObject({ state: 'failed', error: { reason: 'interrupted' } });
    expect(await save(ada, name)).toMatchObject({ state: 'succeeded', result: { location: 'remote' } });
    await inRepository(name, "sed -i '/^more$/d' tracked.txt");
    expect(await stateOf(name)).toBe(state);
  });

  it('runs on if its work cannot be pushed before a hibernation, is hibernated instead of deleted, and pushes at its next start', async () => {
    await inRepository(name, 'echo while the forge is away > away.txt');
    const state = await stateOf(name);
    const before = await autosavesOf(ada);
    await during('away', async () => {
      const response = await patch('hibernated');
      expect(response.status).toBe(409);
      expect(await response.text()).toMatch(/could not be saved.*gitlab\.host\.test/s);
      expect((await ada.api(`/servers/${name}`, { method: 'DELETE' })).status).toBe(204);
      const { status } = await ada.until(name, isHibernated);
      expect(status.message).toMatch(/could not be saved.*gitlab\.host\.test.*hibernated/s);
      // The agent saves once more while the pod ends: it would push if the git server were there again.
      await expect.poll(() => podOf(name), { timeout: 120_000 }).toBeUndefined();
    });
    expect(await autosavesOf(ada)).toEqual(before);
    await ada.launchAgain(workProject());
    await ada.until(name, 'running');
    expect(await stateOf(name)).toBe(state);
    const { kubectl } = platform();
    const log = () => kubectl(['logs', `${name}-0`, '--namespace', namespace, '--container=git-sidecar']);
    await expect.poll(log).toContain('A save on the volume is now in the branch');
  });

  it('keeps its work tree untouched when its pod is restarted while the git server is away', async () => {
    const state = await stateOf(name);
    await during('away', async () => {
      const former = await podOf(name);
      await platform().kubectl(['delete', 'pod', `${name}-0`, '--namespace', namespace]);
      await expect
        .poll(async () => (await podOf(name))?.uid ?? former?.uid, { timeout: 120_000 })
        .not.toBe(former?.uid);
      await ada.until(name, 'running');
      expect(await stateOf(name)).toBe(state);
    });
  });
});

describe('a session that is not used', () => {
  let stateBefore: string;

  it('without a volume claim runs on with a warning if its work cannot be saved, and is hibernated when the repository has the work', async () => {
    await inRepository(withoutClaim, "echo unsaved > unsaved.txt && git commit --quiet --allow-empty -m 'not pushed'");
    const { kubectl } = platform();
    await during('away', async () => {
      await setIdleThreshold(withoutClaim, 1);
      const isWarned = (each: Session) => hasWarning(each, /could not be saved.*gitlab\.host\.test.*still runs/s);
      const { status } = await ada.until(withoutClaim, isWarned);
      expect(status.state).toBe('running');
    });
    const ofMain = async () => (await autosavesOf(ada)).filter((each) => each.startsWith('renku/autosave/ada/main/'));
    expect(await ofMain()).toEqual([]);
    // The next attempt would be one day later.
    const remove = 'notebook-sessions.io/stop-request-';
    // Both wait at the same time.
    await inRepository(name, 'echo before it is not used > unused.txt');
    stateBefore = await stateOf(name);
    await setIdleThreshold(name, 1);
    await kubectl(['annotate', 'jupyterserver', withoutClaim, '--namespace', namespace, remove]);
    await ada.until(withoutClaim, isHibernated);
    const [autosave = ''] = await ofMain();
    expect(await runGit(await clone('--branch', autosave), 'show', 'HEAD:unsaved.txt')).toBe('unsaved');
  });

  it('on a volume is saved and hibernated as by a request, and resumed with the same address, state and files', async () => {
    const { annotations, url } = await ada.until(name, isHibernated);
    expect(annotations).toMatchObject({
      'renku.io/hibernationDirty': 'true',
      'renku.io/hibernationSynchronized': 'false',
    });
    await expect.poll(() => objectsOf(name)).not.toContain(`pod/${name}-0`);
    expect(await objectsOf(name)).toContain(`persistentvolumeclaim/${name}`);
    const [autosave = ''] = (await autosavesOf(ada)).filter((each) => each.includes(`/${workBranch}/`));
    expect(await runGit(await clone('--branch', autosave), 'show', 'HEAD:unused.txt')).toBe('before it is not used');
    await setIdleThreshold(name, 0);
    expect((await patch('running')).status).toBe(200);
    const resumed = await ada.until(name, 'running');
    expect([url, resumed.url]).toEqual([session.url, session.url]);
    expect(await stateOf(name)).toBe(stateBefore);
  });
});
