import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listMarked } from '../../src/local/machine/processes.ts';
import { credentialFile } from '../../src/session-contract/git-proxy.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, openSession, type SessionResponse, waitForState } from '../support/session.ts';

/** Git in a session of the local platform, with the git proxy between it and the forge. */

let platform: Platform;
let commit: string;

beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
  commit = await demoCommit(platform);
});
afterAll(() => platform?.dispose());

/** Returns all files of a folder with their contents. */
function filesIn(folder: string): { path: string; content: string }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, content: readFileSync(path, 'latin1') }));
}

it('fetches and pushes in a session of a registered user, without a token in its files, environments and command lines', async () => {
  const launched = await platform.api('/notebooks/servers', launchBody(commit));
  const { name } = (await launched.json()) as SessionResponse;
  const { url } = await waitForState(platform, name, ['running']);
  const session = await openSession(platform, url);
  const terminal = await session.inTerminal(
    'git commit --quiet --allow-empty --message mine && git push origin HEAD:refs/heads/from-session 2>&1; git fetch origin && git config remote.origin.url; git status --porcelain',
  );
  expect(terminal).toContain('[new branch]      HEAD -> from-session');
  expect(terminal).toContain(`${platform.origin}/forge/demo/first-light.git`);
  expect(await demoCommit(platform, 'from-session')).not.toBe(commit);
  const kernel = await session.startKernel();
  const ran = await session.execute(kernel, '!git ls-remote origin from-session 2>&1');
  expect(ran).toContain(await demoCommit(platform, 'from-session'));

  const pods = join(platform.stateDir, 'pods');
  const secrets = filesIn(pods)
    .filter(
      ({ path }) => path.endsWith(`/${credentialFile.gitToken}`) || path.endsWith(`/${credentialFile.accessToken}`),
    )
    .map(({ content }) => content.trim());
  expect(secrets.length).toBeGreaterThan(1);
  const marker = readFileSync(join(platform.stateDir, 'marker'), 'utf8').trim();
  const pids = [...listMarked(`${marker}/`).values()].flat().map(({ pid }) => pid);
  const lines = pids.flatMap((pid) =>
    ['environ', 'cmdline'].map((file) => ({
      path: `/proc/${pid}/${file}`,
      content: readFileSync(`/proc/${pid}/${file}`, 'latin1'),
    })),
  );
  expect(lines.filter(({ content }) => content.includes('git-proxy/main.ts')).length).toBeGreaterThan(0);
  const files = [
    ...filesIn(join(platform.stateDir, 'volumes')),
    ...filesIn(pods).filter(({ path }) => !path.includes('/volumes/session-credentials/')),
  ];
  expect(files.length).toBeGreaterThan(10);
  for (const secret of secrets)
    expect([...lines, ...files].filter(({ content }) => content.includes(secret)).map(({ path }) => path)).toEqual([]);
  // The repository has nothing of the proxy.
  const config = files.find(({ path }) => path.endsWith('/first-light/.git/config'));
  expect(config?.content).toContain(`url = ${platform.origin}/forge/demo/first-light.git`);
  expect(config?.content).not.toMatch(/8080|credential|insteadof/i);
});
