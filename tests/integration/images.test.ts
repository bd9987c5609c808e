import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, type SessionAnswer, waitForState } from '../support/session.ts';

/** The local platform's registry behind its token flow, asked by the service as any other would be. */
let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
});
afterAll(() => platform?.dispose());

const image = (name: string) => `127.0.0.1:${platform.port}/${name}`;
const explain = async (name: string, headers: Record<string, string> = {}) => {
  const path = `/notebooks/images?image_url=${encodeURIComponent(image(name))}`;
  const answer = await platform.api(path, { headers: { accept: 'application/json', ...headers } });
  return (await answer.json()) as Record<string, unknown>;
};

it('shows public images to every signed-in user and visitor, and the private one to its owner alone', async () => {
  const found = { exists: true, platforms: [expect.stringMatching(/^linux\//)], workingDir: '/home/jovyan' };
  expect(await explain('images/jupyter')).toMatchObject({ ...found, private: false });
  const cookie = await platform.signIn('anonymous');
  expect(await explain('images/jupyter', { cookie })).toMatchObject({ ...found, private: false });
  expect(await explain('images/jupyter:other')).toMatchObject({ exists: false, reason: 'not-found' });

  expect(await explain('private/jupyter')).toMatchObject({ ...found, private: true });
  expect(await explain('private/jupyter', { cookie })).toMatchObject({ exists: false, reason: 'needs-login' });
  // The same browser as somebody else: signed in, with a token of the forge, and without access.
  const become = (username: string) =>
    platform.api('/auth/become', {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: platform.origin, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ username }),
    });
  const me = (await (await platform.api('/auth/me')).json()) as { username: string };
  expect((await become('somebody-else')).status).toBe(303);
  expect(await explain('private/jupyter')).toMatchObject({ exists: false, reason: 'needs-login' });
  await become(me.username);
  expect(await explain('private/jupyter')).toMatchObject({ exists: true });
});

it('runs a session of the private image for its owner', async () => {
  const commit = await demoCommit(platform);
  const body = launchBody(commit, { image: image('private/jupyter') });
  const answer = await platform.api('/notebooks/servers', body);
  expect(answer.status).toBe(201);
  const { name } = (await answer.json()) as SessionAnswer;
  await waitForState(platform, name, ['running']);

  const headers = { 'content-type': 'application/json', cookie: await platform.signIn('anonymous') };
  const visitor = await platform.api('/notebooks/servers', { ...body, headers });
  expect(visitor.status).toBe(404);
  expect(await visitor.text()).toContain('Sign in');
});
