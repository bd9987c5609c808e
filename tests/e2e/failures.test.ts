import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { anonymous, type Caller, platform, type Session } from './platform.ts';
import { imageReference, resourceClass } from './release.ts';

/** A user that no other test knows. */
const newUser = (): Caller => anonymous(randomBytes(8).toString('hex'));

const project = () => ({ namespace: 'demo', project: 'first-light', commit_sha: platform().backends.commits.public });
const faulty = (path: string) => ({
  ...{ namespace: 'faults', project: path },
  commit_sha: platform().backends.commits.faults,
});

/** Launches a session that fails. Returns the session as its owner sees it, and deletes it. */
async function failure(body: object, timeoutMs = 180_000): Promise<Session['status']> {
  const caller = newUser();
  const { name } = await caller.launch(body);
  const { status } = await caller.until(name, 'failed', timeoutMs);
  await caller.remove(name);
  return status;
}

describe.concurrent('a session that cannot run', () => {
  it('says that its memory is too small', async () => {
    const { message } = await failure({ ...project(), resource_class_id: resourceClass.tooLittleMemory });
    expect(message).toMatch(/used more memory than it was given.*Launch it again with more memory/);
  });

  it('says that no node is large enough', async () => {
    const { message } = await failure({ ...project(), resource_class_id: resourceClass.tooManyCpus });
    expect(message).toMatch(/cpu/i);
    // Waiting for other sessions to stop does not help.
    expect(message).not.toMatch(/wait until/i);
  });

  it('says with which exit code its image ends', async () => {
    const { message } = await failure({ ...project(), image: imageReference(platform().cluster, 'crashing') });
    expect(message).toMatch(/exit code 3/);
  });

  it('says that its image has no Jupyter', async () => {
    const { message } = await failure({ ...project(), image: imageReference(platform().cluster, 'withoutJupyter') });
    expect(message).toMatch(/jupyter.*(not found|does not contain)|does not contain.*jupyter/is);
  });

  it('says that the repository does not exist', async () => {
    const { message } = await failure(faulty('gone'));
    expect(message).toMatch(/no such repository|does not exist|renamed, deleted or made private/);
  });

  it('says that the commit is not in the repository', async () => {
    const { message } = await failure(faulty('rewound'));
    expect(message).toMatch(/the requested branch or commit is not on the remote/);
  });
});

describe.concurrent('a launch', () => {
  it('is rejected if the image does not exist', async () => {
    const image = `${platform().cluster.registry.host}/projects/missing:1`;
    const response = await newUser().api('/servers', { method: 'POST', body: JSON.stringify({ ...project(), image }) });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: 1404, message: expect.stringContaining('missing:1') } });
  });

  it('is rejected if the image is private and the user has no access', async () => {
    const image = imageReference(platform().cluster, 'private');
    const response = await newUser().api('/servers', { method: 'POST', body: JSON.stringify({ ...project(), image }) });
    expect(response.status).toBe(404);
  });

  it('of an image for another architecture ends with that reason', async () => {
    const caller = newUser();
    const image = imageReference(platform().cluster, 'foreign');
    const { name } = await caller.launch({ ...project(), image });
    const { status } = await caller.until(name, ({ status: { message } }) => /architecture|platform/.test(message ?? ''));
    expect(status.message).toMatch(/architecture/);
    await caller.remove(name);
  });
});
