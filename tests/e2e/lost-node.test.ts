import { afterEach, expect, it } from 'vitest';
import { anonymous } from './caller.ts';
import { nodeName } from './cluster/addresses.ts';
import { setLink } from './cluster/network.ts';
import { platform, publicProject } from './platform.ts';

const [first, second] = [nodeName(1), nodeName(2)];

afterEach(async ({ task }) => {
  if (task.result?.state === 'skip') return;
  const { kubectl } = platform();
  await setLink(2, 'up');
  await kubectl(['uncordon', first]);
  await kubectl(['wait', '--for=condition=Ready', `node/${second}`, '--timeout=60s'], { timeout: 70_000 });
});

it('tells the owner that the node of a session does not respond, and lets the owner stop it by force', async () => {
  const { kubectl } = platform();
  const caller = anonymous();
  await kubectl(['cordon', first]);
  const { name } = await caller.launch(publicProject());
  await caller.until(name, 'running');
  await setLink(2, 'down');
  await kubectl(['uncordon', first]);

  const { status } = await caller.until(name, (session) => session.status.state !== 'running', 150_000);
  expect(status.message).toMatch(/machine|node/);
  await caller.remove(name, { forced: true });
});
