import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { jupyterLab, runCell } from '../browser/jupyterlab.ts';
import type { UserName } from './backends.ts';
import { openBrowser } from './browser.ts';
import { type Caller, hasWarning, registered, type Session } from './caller.ts';
import { imageReference } from './images.ts';
import { inSession, platform } from './platform.ts';
import { release } from './release.ts';

let browser: Browser;
let ada: Caller;
let session: Session;

/** Opens a page of a browser in which the identity provider has signed a user in. */
async function pageOf(user: UserName): Promise<Page> {
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await page.goto(`${platform().backends.issuer}/sign-in?user=${user}`);
  return page;
}

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  browser = await openBrowser();
  ada = await registered('ada');
  const { name } = await ada.launch({
    ...{ namespace: 'ada', project: 'private', commit_sha: platform().backends.commits.private },
    image: imageReference(platform().cluster, 'private'),
    environment_variables: { GREETING: 'hello wörld' },
    storage: 1,
  });
  session = await ada.until(name, 'running');
});
afterAll(async () => {
  await browser?.close();
  if (session) await ada.remove(session.name);
});

describe('a session of a private project with a private image', () => {
  it('opens for its owner after the sign-in of oauth2-proxy, with the files of the project', async () => {
    const page = await pageOf('ada');
    await page.goto(session.url);
    await jupyterLab(page);
    const code = 'import os\nprint(open("only-for-ada.txt").read().strip(), os.environ["GREETING"])';
    expect(await runCell(page, code)).toBe('private hello wörld');
  });

  it('does not open for another signed-in user', async () => {
    const page = await pageOf('bob');
    const response = await page.goto(session.url);
    expect(response?.status()).toBe(403);
  });

  it('has no token of its owner in the environment of its programs', async () => {
    const environment = await inSession(session.name, 'env; cat /proc/1/cmdline');
    expect(environment).toContain('GREETING');
    for (const token of Object.values(platform().backends.gitTokens)) expect(environment).not.toContain(token);
  });

  it('keeps the files of its volume when its pod is deleted, and tells its owner', async () => {
    const { name } = session;
    const { kubectl } = platform();
    await inSession(name, 'echo kept > /home/jovyan/work/private/notes.txt');
    await kubectl(['delete', 'pod', `${name}-0`, `--namespace=${release.sessionsNamespace}`]);
    await ada.until(name, (each) => each.status.state === 'running' && hasWarning(each, /stopped by the cluster/));
    expect(await inSession(name, 'cat /home/jovyan/work/private/notes.txt')).toBe('kept\n');
  });
});
