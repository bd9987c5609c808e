import { afterEach, expect, it } from 'vitest';
import { anonymous } from './caller.ts';
import { apply, platform, publicProject } from './platform.ts';
import { release } from './release.ts';

const namespace = release.sessionsNamespace;
const removeQuota = () =>
  platform().kubectl(['delete', 'resourcequota', 'none', '--ignore-not-found', '-n', namespace]);

afterEach(async ({ task }) => {
  if (task.result?.state !== 'skip') await removeQuota();
});

it('says that the quota is used up, and runs the session when there is room again', async () => {
  const spec = { hard: { pods: '0' } };
  await apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace }, spec });
  const caller = anonymous();
  const { name } = await caller.launch(publicProject());
  const { status } = await caller.until(name, 'failed');
  expect(status.message).toMatch(/quota/);
  await removeQuota();
  await caller.until(name, 'running');
  await caller.remove(name);
});
