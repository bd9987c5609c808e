import { afterAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, type SessionAnswer, waitForState } from '../support/session.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

const disk: SmallDisk | undefined = mountSmallDisk(96);
let platform: Platform | undefined;
afterAll(async () => {
  await platform?.dispose();
  disk?.remove();
});

it.runIf(disk === undefined)('a full disk needs one that can be filled', () => {
  process.stderr.write('\nNOT TESTED: a platform on a full disk (no file system can be mounted here; run as root)\n');
});

it.runIf(disk !== undefined)(
  'on a full disk a session can be deleted, and every error says that the disk is full',
  async () => {
    const { directory, fill, empty } = disk as SmallDisk;
    const running = await startPlatform({ stateDir: `${directory}/state`, args: ['--no-demo'] });
    platform = running;
    const commit = await demoCommit(running);
    const launch = (ref: string) => running.api('/notebooks/servers', launchBody(ref));
    const names: string[] = [];
    for (const ref of ['main', commit.slice(0, 8)]) {
      const { name } = (await (await launch(ref)).json()) as SessionAnswer;
      names.push(name);
      await waitForState(running, name, ['running']);
    }

    fill();
    // The store has some room of its own, which launches use up.
    let refused: Response | undefined;
    for (let length = 9; refused === undefined && length < 40; length += 1) {
      const answer = await launch(commit.slice(0, length));
      if (answer.status !== 201) refused = answer;
      else names.push(((await answer.json()) as SessionAnswer).name);
      fill();
    }
    expect(await refused?.text()).toMatch(/disk .*is full/i);

    for (const name of names) {
      const answer = await running.api(`/notebooks/servers/${name}?forced=true`, { method: 'DELETE' });
      expect(answer.status, await answer.text()).toBe(204);
    }
    await expect
      .poll(
        async () =>
          Object.keys(((await (await running.api('/notebooks/servers')).json()) as { servers: object }).servers),
        { timeout: 60_000 },
      )
      .toEqual([]);

    empty();
    const { name } = (await (await launch('main')).json()) as SessionAnswer;
    await waitForState(running, name, ['running']);
  },
);
