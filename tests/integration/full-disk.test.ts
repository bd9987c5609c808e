import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, type SessionResponse, waitForState } from '../support/session.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

const disk: SmallDisk | undefined = mountSmallDisk(96);
let platform: Platform | undefined;
afterAll(async () => {
  await platform?.dispose();
  disk?.remove();
});

it.runIf(disk === undefined)('needs the permission to mount a small disk', () => {
  process.stderr.write('\nNOT TESTED: a platform on a full disk (no file system can be mounted here; run as root)\n');
});

it.runIf(disk !== undefined)(
  'on a full disk a session can be deleted, and every error says that the disk is full',
  async () => {
    const { directory, fill, empty } = disk as SmallDisk;
    const running = await startPlatform({ stateDir: `${directory}/state`, args: ['--no-demo'] });
    platform = running;
    const commit = await demoCommit(running);
    const branches = Array.from({ length: 40 }, (_, index) => `branch-${index}`);
    const [repository = ''] = globSync('forge/**/*.git', { cwd: running.stateDir });
    const gitDir = `--git-dir=${running.stateDir}/${repository}`;
    for (const branch of branches) execFileSync('git', [gitDir, 'branch', branch, 'main']);
    // Each session has a branch of its own: the same branch and commit would be the same session.
    const launch = (branch: string) => running.api('/notebooks/servers', launchBody(commit, { branch }));
    const names: string[] = [];
    for (const branch of ['main', branches[0] ?? '']) {
      const { name } = (await (await launch(branch)).json()) as SessionResponse;
      names.push(name);
      await waitForState(running, name, ['running']);
    }

    fill();
    // The store has a reserve, which the launches use up.
    let rejected: Response | undefined;
    for (const branch of branches.slice(1)) {
      if (rejected) break;
      const response = await launch(branch);
      if (response.status !== 201) rejected = response;
      else names.push(((await response.json()) as SessionResponse).name);
      fill();
    }
    expect(await rejected?.text()).toMatch(/disk .*is full/i);

    for (const name of names) {
      const response = await running.api(`/notebooks/servers/${name}?forced=true`, { method: 'DELETE' });
      expect(response.status, await response.text()).toBe(204);
    }
    await expect
      .poll(
        async () =>
          Object.keys(((await (await running.api('/notebooks/servers')).json()) as { servers: object }).servers),
        { timeout: 60_000 },
      )
      .toEqual([]);

    empty();
    const { name } = (await (await launch('main')).json()) as SessionResponse;
    await waitForState(running, name, ['running']);
  },
);
