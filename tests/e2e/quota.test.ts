import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { anonymous, registered } from './caller.ts';
import { imageReference } from './images.ts';
import { apply, platform, publicProject } from './platform.ts';
import { release } from './release.ts';

const namespace = release.sessionsNamespace;
const setQuota = (hard: Record<string, string>) =>
  apply({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace }, spec: { hard } });
const removeQuota = () =>
  platform().kubectl(['delete', 'resourcequota', 'none', '--ignore-not-found', '-n', namespace]);

afterEach(async ({ task }) => {
  if (task.result?.state !== 'skip') await removeQuota();
});

it('says that the quota of volumes or of pods is used up, and runs the session when there is room again', async () => {
  await setQuota({ persistentvolumeclaims: '0' });
  const caller = anonymous();
  const { name } = await caller.launch(publicProject());
  const isUsedUp = (quota: RegExp) =>
    caller.until(name, ({ status }) => status.state === 'failed' && quota.test(status.message ?? ''));
  await isUsedUp(/^The resource quota "none" .* exceeded \(persistentvolumeclaims: .* Stop another session, or wait/);
  await setQuota({ pods: '0' });
  await isUsedUp(/^The resource quota has been exceeded\. Stop another session, or wait/);
  await removeQuota();
  await caller.until(name, 'running');
  await caller.remove(name);
});

it('says that the sign-in for a private image may have expired, and runs the session when it is valid again', async () => {
  const { cluster, backends } = platform();
  const { loginFile } = cluster.registry;
  const logins = readFileSync(loginFile, 'utf8');
  const login = `oauth2:${backends.gitTokens.ada}\n`;
  const ada = await registered('ada');
  const image = imageReference(cluster, 'expired');
  // The pod is created after the sign-in has expired.
  await setQuota({ pods: '0' });
  const { name } = await ada.launch({ ...publicProject(), image });
  await ada.until(name, 'failed');
  writeFileSync(loginFile, logins.replace(login, ''));
  try {
    await removeQuota();
    const says = new RegExp(`^The image ${image} cannot be downloaded; your sign-in for this private image may have`);
    await ada.until(name, ({ status }) => status.state === 'starting' && says.test(status.message ?? ''));
  } finally {
    writeFileSync(loginFile, logins);
  }
  await ada.until(name, 'running');
  expect((await ada.launchAgain({ ...publicProject(), image })).image).toBe(image);
  await ada.remove(name);
});
