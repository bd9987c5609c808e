import { afterAll, beforeAll, expect, it } from 'vitest';
import { isAlive, jupyterOrigins, markedProcesses, type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, openSession, type SessionResponse, waitForState } from '../support/session.ts';

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
});
afterAll(() => platform?.dispose());

async function stateOf(name: string): Promise<string> {
  return ((await (await platform.api(`/notebooks/servers/${name}`)).json()) as SessionResponse).status.state;
}

async function restart(name: string): Promise<{ status: number; session: SessionResponse }> {
  const response = await platform.api(`/notebooks/servers/${name}/restart`, { method: 'POST' });
  return { status: response.status, session: (await response.json()) as SessionResponse };
}

/** Kills the processes of the session after each restart, until the session has failed. */
async function killUntilFailed(name: string): Promise<void> {
  await expect
    .poll(
      async () => {
        for (const pid of markedProcesses(platform.stateDir)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
        return stateOf(name);
      },
      { timeout: 120_000, interval: 500 },
    )
    .toBe('failed');
}

it('a failed session is restarted in place, with work that was not pushed and with its variables', async () => {
  const commit = await demoCommit(platform);
  const body = launchBody(commit, { environment_variables: { TREASURE: 'forty two' } });
  const { name } = (await (await platform.api('/notebooks/servers', body)).json()) as SessionResponse;
  const before = await waitForState(platform, name, ['running']);
  expect((await restart(name)).status).toBe(409);

  const first = await openSession(platform, before.url);
  const work =
    "run('git commit --allow-empty --message=unpushed'); open('draft.txt', 'w').write('not committed'); None";
  const shell =
    'import subprocess; run = lambda command: subprocess.run(command, shell=True, capture_output=True, text=True).stdout\n';
  await first.execute(await first.startKernel(), shell + work);
  await killUntilFailed(name);

  const responses = await Promise.all([restart(name), restart(name), restart(name)]);
  for (const { status, session } of responses) {
    expect([status, session.status?.state, session.name, session.url], JSON.stringify(session)).toEqual([
      202,
      'starting',
      name,
      before.url,
    ]);
  }
  const after = await waitForState(platform, name, ['running', 'failed']);
  expect(after.status.state, JSON.stringify(after.status)).toBe('running');
  expect(jupyterOrigins(platform.stateDir)).toHaveLength(1);
  const again = await openSession(platform, before.url);
  const readFiles =
    "import os; print(open('draft.txt').read(), os.environ['TREASURE'], run('git log -1 --format=%s'), sep='|')";
  expect((await again.execute(await again.startKernel(), shell + readFiles)).trim()).toBe(
    'not committed|forty two|unpushed',
  );
});
