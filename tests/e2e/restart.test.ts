import { expect, it } from 'vitest';
import { registered } from './caller.ts';
import { imageReference } from './images.ts';
import { platform, podsOf, publicProject } from './platform.ts';
import { release } from './release.ts';

it('gives a failed session of a registered user a new pod when the user restarts it', async () => {
  // Another user than in other files: the session of a user, project and commit has one name.
  const carol = await registered('carol');
  const image = imageReference(platform().cluster, 'crashing');
  const { name } = await carol.launch({ ...publicProject(), image, storage: 1 });
  const pod = async () => (await podsOf(release.sessionsNamespace)).find((each) => each.name === `${name}-0`);
  await carol.until(name, 'failed', 180_000);
  const former = await pod();
  expect(former).toBeDefined();
  const response = await carol.api(`/servers/${name}/restart`, { method: 'POST' });
  expect(response.status).toBe(202);
  await expect.poll(async () => (await pod())?.uid ?? former?.uid, { timeout: 120_000 }).not.toBe(former?.uid);
  await carol.remove(name);
});
