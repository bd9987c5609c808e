import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRepository, runGit } from '../support/local/forge/served-forge.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody } from '../support/session.ts';

/** Image checks with the registry of the local platform, which the service reads like any other registry. */

let platform: Platform;
let scratch: string;
/** The image of a commit of the owner's private project. */
let privateImage: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'images-'));
  const repository = await makeRepository(join(scratch, 'mine'), { 'requirements.txt': 'alpha\n' });
  platform = await startPlatform({ args: ['--no-demo', '--project', repository] });
  const [, project] = await platform.printed(/ as (\S+\/mine)$/);
  privateImage = `${project}:${(await runGit(repository, 'rev-parse', 'HEAD')).slice(0, 7)}`;
});
afterAll(async () => {
  await platform?.dispose();
  rmSync(scratch, { recursive: true, force: true });
});

const image = (name: string) => `127.0.0.1:${platform.port}/${name}`;
const explain = async (name: string, headers: Record<string, string> = {}) => {
  const path = `/notebooks/images?image_url=${encodeURIComponent(image(name))}`;
  const response = await platform.api(path, { headers: { accept: 'application/json', ...headers } });
  return (await response.json()) as Record<string, unknown>;
};

it('shows the images of this machine to all signed-in users and visitors, and those of a private project to its owner', async () => {
  const found = { exists: true, platforms: [expect.stringMatching(/^linux\//)], workingDir: '/home/jovyan' };
  const cookie = await platform.signIn('anonymous');
  expect(await explain(privateImage)).toMatchObject({ ...found, private: true });
  expect(await explain(privateImage, { cookie })).toMatchObject({ exists: false, reason: 'needs-login' });
  expect(await explain('images/jupyter')).toMatchObject({ ...found, private: false });
  expect(await explain('images/jupyter', { cookie })).toMatchObject({ ...found, private: false });
  expect(await explain('images/jupyter:other')).toMatchObject({ exists: false, reason: 'not-found' });

  // The same browser is now another user, who has a token of the forge but no access to the project.
  const become = (username: string) =>
    platform.api('/auth/become', {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: platform.origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ username }),
    });
  const me = (await (await platform.api('/auth/me')).json()) as { username: string };
  expect((await become('another-user')).status).toBe(303);
  expect(await explain(privateImage)).toMatchObject({ exists: false, reason: 'needs-login' });
  await become(me.username);
  expect(await explain(privateImage)).toMatchObject({ exists: true });
});

it('rejects the launch of an anonymous visitor with an image of a private project', async () => {
  const headers = { 'content-type': 'application/json', cookie: await platform.signIn('anonymous') };
  const body = launchBody(await demoCommit(platform), { image: image(privateImage) });
  const response = await platform.api('/notebooks/servers', { ...body, headers });
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('Sign in');
});
