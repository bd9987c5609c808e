import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listMarked } from '../../src/local/machine/processes.ts';
import { agentKeyFile, gitProxyFile } from '../../src/session-contract/agent.ts';
import { credentialFile } from '../../src/session-contract/git-proxy.ts';
import { filesIn } from '../support/files-in.ts';
import type { Jupyter } from '../support/jupyter.ts';
import { isAlive, type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, openSession, type SessionResponse, waitForState } from '../support/session.ts';
import { programsOf, saveSession, volumeOf, workIn, writeFiles } from '../support/session-work.ts';
import { patience } from '../support/wait-for.ts';

/** Git in a session of the local platform, with the git proxy between it and the forge, and the agent beside it. */

let platform: Platform;
let commit: string;
let name: string;
let session: Jupyter;
/** What the user sees in terminals and cells. */
let shown = '';
const secrets = new Set<string>();

beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
  commit = await demoCommit(platform);
  const launched = await platform.api('/notebooks/servers', launchBody(commit));
  ({ name } = (await launched.json()) as SessionResponse);
  const { url } = await waitForState(platform, name, ['running']);
  session = await openSession(platform, url);
  collectSecrets();
});
afterAll(() => platform?.dispose());

/** The only files of a pod that have credentials. Each is in a folder that only programs of the platform read. */
const credentials = /\/volumes\/session-(credentials|agent|private)\//;
const secretNames: readonly string[] = [
  ...[credentialFile.accessToken, credentialFile.refreshToken, credentialFile.gitToken],
  ...[agentKeyFile.key, gitProxyFile.key],
];

function collectSecrets(): void {
  const { stateDir } = platform;
  const ofPods = filesIn(join(stateDir, 'pods')).filter(({ path }) => secretNames.includes(basename(path)));
  expect(new Set(ofPods.map(({ path }) => basename(path)))).toEqual(new Set(secretNames));
  for (const { content } of [...ofPods, ...filesIn(join(stateDir, 'keys'))]) secrets.add(content.trim());
}

/** Returns the tokens that a git proxy gets for its refresh token. The gateway gives the same git token again for an hour. */
async function renewedTokens(): Promise<string[]> {
  const [refresh] = filesIn(join(platform.stateDir, 'pods')).filter(({ path }) =>
    path.endsWith(`/${credentialFile.refreshToken}`),
  );
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refresh?.content.trim() ?? '' });
  const renewed = await fetch(`${platform.origin}/auth/realms/Renku/protocol/openid-connect/token`, {
    ...{ method: 'POST', body },
  });
  const { access_token: access = '' } = (await renewed.json()) as Record<string, string>;
  const exchanged = await fetch(`${platform.origin}/api/auth/gitlab/exchange`, {
    headers: { authorization: `Bearer ${access}` },
  });
  const { access_token: git = '' } = (await exchanged.json()) as Record<string, string>;
  expect(git.length).toBeGreaterThan(20);
  return [access, git];
}

async function inTerminal(line: string): Promise<string> {
  const output = await session.inTerminal(line);
  shown += output;
  return output;
}

describe('a session of a registered user', () => {
  it('fetches and pushes', async () => {
    const output = await inTerminal(
      'git commit --quiet --allow-empty --message mine && git push origin HEAD:refs/heads/from-session 2>&1; git fetch origin && git config remote.origin.url; git status --porcelain',
    );
    expect(output).toContain('[new branch]      HEAD -> from-session');
    expect(output).toContain(`${platform.origin}/forge/demo/first-light.git`);
    expect(await demoCommit(platform, 'from-session')).not.toBe(commit);
    const kernel = await session.startKernel();
    const ran = await session.execute(kernel, '!git ls-remote origin from-session 2>&1');
    expect(ran).toContain(await demoCommit(platform, 'from-session'));
    shown += ran;
  });

  it('sees why the git server rejects a push to a protected branch, and saves its work in another one', async () => {
    const output = await inTerminal('git push --force origin HEAD~2:main 2>&1');
    expect(output).toContain('You are not allowed to force push code to a protected branch on this project.');
    writeFiles(join(volumeOf(platform, name), 'first-light'), { 'new.txt': 'not committed' });
    const { state, result } = await saveSession(platform, name);
    expect([state, result?.location]).toEqual(['succeeded', 'remote']);
    expect(await workIn(platform, name)).toMatchObject({ work: { isClean: true } });
  });

  it('answers the JSON-RPC of renku-notebooks to its user', async () => {
    const status = await session.post('/sidecar/jsonrpc/', { jsonrpc: '2.0', id: 1, method: 'git/get_status' });
    expect(status).toMatchObject({ id: 1, result: { clean: false, branch: 'main' } });
  });

  it('renews an expired git token, also in a git proxy that was killed', async () => {
    for (const { path } of filesIn(join(platform.stateDir, 'pods'))) {
      if (path.endsWith(`/${credentialFile.gitToken}`)) writeFileSync(path, 'an-expired-token');
      if (path.endsWith(`/${credentialFile.gitTokenExpiresAt}`)) writeFileSync(path, '1000000000');
    }
    const [proxy = 0] = programsOf(platform, 'git-proxy');
    process.kill(proxy, 'SIGKILL');
    const others = () => programsOf(platform, 'git-proxy').filter((pid) => pid !== proxy && isAlive(pid));
    await expect.poll(others, patience).toHaveLength(1);
    const fetched = () => inTerminal('git ls-remote origin from-session 2>&1');
    await expect.poll(fetched, patience).toContain('refs/heads/from-session');
    const response = await platform.api(`/notebooks/logs/${name}`);
    expect(((await response.json()) as Record<string, string>)['git-proxy']).toContain('The git token was renewed.');
    writeFiles(join(volumeOf(platform, name), 'first-light'), { 'new.txt': 'changed' });
    expect((await saveSession(platform, name)).result?.location).toBe('remote');
  });

  it('has no token and no key in its volume, environments, command lines, logs and output', async () => {
    collectSecrets();
    for (const each of await renewedTokens()) secrets.add(each);
    const pods = filesIn(join(platform.stateDir, 'pods'));

    const marker = readFileSync(join(platform.stateDir, 'marker'), 'utf8').trim();
    const pids = [...listMarked(`${marker}/`).values()].flat().map(({ pid }) => pid);
    const lines = pids.flatMap((pid) =>
      ['environ', 'cmdline'].map((file) => ({
        path: `/proc/${pid}/${file}`,
        content: readFileSync(`/proc/${pid}/${file}`, 'latin1'),
      })),
    );
    for (const program of ['git-proxy', 'agent'])
      expect(lines.filter(({ content }) => content.includes(`${program}/main.ts`)).length).toBeGreaterThan(0);
    const logs = await (await platform.api(`/notebooks/logs/${name}`)).text();
    const places = [
      ...filesIn(join(platform.stateDir, 'volumes')),
      ...filesIn(join(platform.stateDir, 'logs')),
      ...pods.filter(({ path }) => !credentials.test(path)),
      ...lines,
      { path: 'the log of the session', content: logs },
      { path: 'the output in the session', content: shown },
    ];
    expect(places.length).toBeGreaterThan(20);
    for (const secret of secrets)
      expect(places.filter(({ content }) => content.includes(secret)).map(({ path }) => path)).toEqual([]);
    // The repository has nothing of the proxy.
    const config = places.find(({ path }) => path.endsWith('/first-light/.git/config'));
    expect(config?.content).toContain(`url = ${platform.origin}/forge/demo/first-light.git`);
    expect(config?.content).not.toMatch(/8080|credential|insteadof/i);
  });
});
