import { describe, expect, it } from 'vitest';
import { anonymous } from './caller.ts';
import { imageReference } from './images.ts';
import { platform, publicProject } from './platform.ts';
import { resourceClass } from './release.ts';

const faulty = (path: string) => ({
  ...{ namespace: 'faults', project: path },
  commit_sha: platform().backends.commits.faults,
});

/** Launches a session, waits until it has failed with a message that matches, and deletes it. */
async function expectFailure(body: object, message: RegExp): Promise<void> {
  const caller = anonymous();
  const { name } = await caller.launch(body);
  await caller.until(name, ({ status }) => status.state === 'failed' && message.test(status.message ?? ''), 180_000);
  await caller.remove(name);
}

describe.concurrent('a session that cannot run', () => {
  it('says that its memory is too small', async () => {
    const body = { ...publicProject(), resource_class_id: resourceClass.tooLittleMemory };
    await expectFailure(body, /used more memory than it was given.*Launch it again with more memory/);
  });

  it('says that no node is large enough', async () => {
    const body = { ...publicProject(), resource_class_id: resourceClass.tooManyCpus };
    // Waiting for other sessions to stop does not help.
    await expectFailure(body, /^(?=.*cpu)(?!.*wait until)/i);
  });

  it('says with which exit code its image ends', async () => {
    const body = { ...publicProject(), image: imageReference(platform().cluster, 'crashing') };
    await expectFailure(body, /exit code 3/);
  });

  it('says that its image has no Jupyter', async () => {
    const body = { ...publicProject(), image: imageReference(platform().cluster, 'withoutJupyter') };
    await expectFailure(body, /jupyter.*(not found|does not contain)|does not contain.*jupyter/is);
  });

  it('says that the repository does not exist', async () => {
    await expectFailure(faulty('gone'), /no such repository|does not exist|renamed, deleted or made private/);
  });

  it('says that the commit is not in the repository', async () => {
    await expectFailure(faulty('rewound'), /the requested branch or commit is not on the remote/);
  });
});

describe.concurrent('a launch', () => {
  it('is rejected if the image does not exist', async () => {
    const image = `${platform().cluster.registry.host}/projects/missing:1`;
    const response = await anonymous().api('/servers', { method: 'POST', body: { ...publicProject(), image } });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: { code: 1404, message: expect.stringContaining('missing:1') },
    });
  });

  it('is rejected if the image is private and the user has no access', async () => {
    const image = imageReference(platform().cluster, 'private');
    const response = await anonymous().api('/servers', { method: 'POST', body: { ...publicProject(), image } });
    expect(response.status).toBe(404);
  });

  it('of an image for another architecture ends with that reason', async () => {
    const caller = anonymous();
    const image = imageReference(platform().cluster, 'foreign');
    const { name } = await caller.launch({ ...publicProject(), image });
    const { status } = await caller.until(name, ({ status: { message } }) =>
      /architecture|platform/.test(message ?? ''),
    );
    expect(status.message).toMatch(/architecture/);
    await caller.remove(name);
  });
});
