import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { anonymous, type Caller } from './caller.ts';
import { type FaultyProject, missingBranch } from './faulty-projects.ts';
import { imageReference, type images } from './images.ts';
import { inSession, platform, publicProject } from './platform.ts';
import { release, resourceClass } from './release.ts';

const withImage = (image: keyof typeof images) => ({
  ...publicProject(),
  image: imageReference(platform().cluster, image),
});

const faulty = (project: FaultyProject) => ({
  ...{ namespace: 'faults', project },
  commit_sha: platform().backends.commits.faults,
});

/** Launches a session, and waits until it has failed with a message that matches. */
async function failing(body: object, message: RegExp): Promise<{ caller: Caller; name: string }> {
  const caller = anonymous();
  const { name } = await caller.launch(body);
  await caller.until(name, ({ status }) => status.state === 'failed' && message.test(status.message ?? ''));
  return { caller, name };
}

/** As `failing`. Then deletes the session. */
async function expectFailure(body: object, message: RegExp): Promise<void> {
  const { caller, name } = await failing(body, message);
  await caller.remove(name);
}

// Sessions of all tests of this file run at the same time. The tests that take longest come first.
describe.concurrent('a session that cannot clone its project', () => {
  it('says that the git server is not available, after it has waited for the server', async () => {
    await expectFailure(
      faulty('unavailable'),
      /^The repository could not be cloned\. The git server gitlab\.host\.test:8443 was not available for 30 s \(.*503\)\. Launch the session again when it is back\.$/,
    );
  });

  it('says that the git server interrupts the transfer', async () => {
    await expectFailure(
      faulty('interrupted'),
      /^The repository could not be cloned\. The git server gitlab\.host\.test:8443 interrupted the transfer \(.*\)\. Launch the session again/,
    );
  });

  it('says that the repository does not exist', async () => {
    await expectFailure(
      faulty('gone'),
      /^The repository could not be cloned\. The repository does not exist on the git server .*renamed, deleted or made private/,
    );
  });

  it('says that the commit is not in the repository', async () => {
    const { faults } = platform().backends.commits;
    const sentence = `The commit ${faults} does not exist in the repository. Push it, or launch another commit.`;
    await expectFailure(faulty('replaced'), new RegExp(`^The repository could not be cloned. ${sentence}$`));
  });

  it('says that the branch is not in the repository', async () => {
    await expectFailure(
      { ...faulty('replaced'), branch: missingBranch },
      /^The repository could not be cloned\. The branch "only-in-the-api" does not exist in the repository\. Push it/,
    );
  });

  it('says that its files in Git LFS do not fit on its disk', async () => {
    await expectFailure(
      { ...faulty('content'), lfs_auto_fetch: true },
      /^The repository could not be cloned\. There is no space left on the disk of the session\. Launch the session with more storage, or without fetching LFS files\.$/,
    );
  });
});

describe.concurrent('a session', () => {
  it('says that its Secret does not exist, and runs after the owner has launched it again', async () => {
    const { kubectl } = platform();
    const caller = anonymous();
    const body = { ...publicProject(), environment_variables: { GREETING: 'hello' } };
    const { name } = await caller.launch(body);
    await caller.until(name, 'running');
    const namespace = `--namespace=${release.sessionsNamespace}`;
    await kubectl(['delete', 'secret', `${name}-variables`, namespace]);
    await kubectl(['delete', 'pod', `${name}-0`, namespace]);
    const says = new RegExp(
      `^A Secret of the session does not exist \\(${name}-variables\\).*Launch the session again`,
    );
    await caller.until(name, ({ status }) => status.state === 'failed' && says.test(status.message ?? ''));

    await caller.launchAgain(body);
    await caller.until(name, 'running');
    expect(await inSession(name, 'echo $GREETING')).toBe('hello\n');
    await caller.remove(name);
  });

  it('runs without a submodule that cannot be cloned, which its log names', async () => {
    const caller = anonymous();
    const { name } = await caller.launch(faulty('content'));
    await caller.until(name, 'running');
    const { 'git-clone': log } = (await (await caller.api(`/logs/${name}`)).json()) as Record<string, string>;
    expect(log).toMatch(/WARNING: the submodule "lost" was not fetched: .*\/faults\/nothing\.git/);
    expect(log).toContain('WARNING: the session starts without this submodule.');
    await caller.remove(name);
  });

  it('runs with an image whose entrypoint is a Jupyter server', async () => {
    const caller = anonymous();
    const { name } = await caller.launch(withImage('server'));
    await caller.until(name, 'running');
    expect(await inSession(name, 'tr "\\0" " " < /proc/1/cmdline')).toContain('jupyter-lab');
    await caller.remove(name);
  });
});

describe.concurrent('a session that cannot run', () => {
  it('says that its image starts no Jupyter server', async () => {
    const caller = anonymous();
    const { name } = await caller.launch(withImage('silent'));
    const says = /waits for its Jupyter server, which has run for \d+ seconds.*must start it on port 8888/;
    await caller.until(name, ({ status }) => status.state === 'starting' && says.test(status.message ?? ''));
    // Its program ignores SIGTERM.
    await caller.remove(name, { forced: true });
  });

  it('says that its memory is too small', async () => {
    const body = { ...publicProject(), resource_class_id: resourceClass.tooLittleMemory };
    await expectFailure(body, /used more memory than it was given.*Launch it again with more memory/);
  });

  it('says that no node is large enough', async () => {
    const body = { ...publicProject(), resource_class_id: resourceClass.tooManyCpus };
    // Waiting for other sessions to stop does not help.
    await expectFailure(body, /^(?=.*cpu)(?!.*wait until)/i);
  });

  it('says that its image cannot be downloaded, although the registry knows the image', async () => {
    const caller = anonymous();
    const body = withImage('incomplete');
    const { name } = await caller.launch(body);
    const says = new RegExp(
      `^The image ${body.image} cannot be downloaded; .*from remote: not found. The cluster tries`,
    );
    await caller.until(name, ({ status }) => status.state === 'starting' && says.test(status.message ?? ''));
    await caller.remove(name);
  });

  it('says that its image has no Jupyter', async () => {
    await expectFailure(withImage('withoutJupyter'), /^The image does not contain the required command.*"jupyter"/);
  });

  it('says that the entrypoint of its image is a Jupyter server that does not run the command', async () => {
    await expectFailure(withImage('hiddenServer'), /^The entrypoint of the image is itself a Jupyter server/);
  });
});

describe.concurrent('the sessions page', () => {
  let browser: Browser;
  beforeAll(async () => {
    if (inject('e2e') !== undefined) browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  it('shows with which exit code the image of a session ends, and the last line of its log', async () => {
    const says = /its Jupyter server ended \(exit code 3\).* The log ends with: "no licence found"/;
    const { caller, name } = await failing(withImage('crashing'), says);
    const context = await browser.newContext({ ignoreHTTPSErrors: true, extraHTTPHeaders: caller.identity });
    const page = await context.newPage();
    await page.goto(`https://${release.host}/notebooks/`);
    const card = page.getByRole('article', { name: 'demo/first-light' });
    await card.getByText('Failed', { exact: true }).waitFor({ timeout: 60_000 });
    await card.getByText(says).waitFor({ timeout: 60_000 });
    await caller.remove(name);
  });
});

describe.concurrent('a launch', () => {
  it('is rejected if the image does not exist', async () => {
    const image = `${platform().cluster.registry.host}/projects/missing:1`;
    const response = await anonymous().post({ ...publicProject(), image });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: { code: 1404, message: expect.stringContaining('missing:1') },
    });
  });

  it('is rejected if the image is private and the user has no access', async () => {
    const response = await anonymous().post(withImage('private'));
    expect(response.status).toBe(404);
  });

  it('of an image for another architecture ends with that reason', async () => {
    const caller = anonymous();
    const { name } = await caller.launch(withImage('foreign'));
    await caller.until(name, ({ status }) => /architecture/.test(status.message ?? ''));
    await caller.remove(name);
  });
});
