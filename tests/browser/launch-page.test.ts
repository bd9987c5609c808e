import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeInChromium } from './chromium.ts';
import { type FakeApi, fakeProject, fakeSession, startFakeApi } from './fake-api.ts';

const soon = { timeout: 15_000 };
const name = 'ada-first-light';

describeInChromium('launch page', (browser) => {
  let fake: FakeApi;
  let mistakes: string[];

  beforeEach(async () => {
    fake = await startFakeApi();
    fake.projects = [fakeProject('demo/first-light', { name: 'First light' })];
    mistakes = [];
  });
  afterEach(async () => {
    await fake.close();
    expect(mistakes, 'errors in the page').toEqual([]);
  });

  async function newPage(options: Parameters<typeof browser.profile>[0] = {}): Promise<Page> {
    const page = await (await browser.profile(options)).newPage();
    page.on('pageerror', (error) => mistakes.push(String(error)));
    return page;
  }
  const address = () => `${fake.origin}/notebooks/launch/demo/first-light`;
  const headline = (page: Page, text: string) => page.getByRole('heading', { name: text, exact: true }).waitFor(soon);
  const posts = () => fake.requests.filter(({ method }) => method === 'POST');
  const session = () => fake.sessions.get(name) ?? expect.fail('nothing was launched');

  it('launches, shows the steps as they go, and ends in JupyterLab', async () => {
    const page = await newPage();
    await page.goto(`${fake.origin}/notebooks/`);
    await page.getByRole('button', { name: /^Launch/ }).click();
    await headline(page, 'Starting your session');
    const steps = page.getByRole('list', { name: 'Steps' }).getByRole('listitem');
    expect(await steps.count()).toBe(5);
    Object.assign(session().status.details[0] ?? {}, { status: 'ready' });
    Object.assign(session().status.details[1] ?? {}, { status: 'executing' });
    await expect
      .poll(() => steps.allInnerTexts(), soon)
      .toEqual(expect.arrayContaining(['Initialization\n: done', 'Downloading server image\n: in progress']));
    session().status.state = 'running';
    await page.waitForURL(`${fake.sessionOrigin}/sessions/${name}`);
    expect(posts()).toMatchObject([
      {
        method: 'POST',
        path: '/servers',
        body: { namespace: 'demo', project: 'first-light', branch: 'main', commit_sha: '8f14e45f'.repeat(5) },
      },
    ]);
    // "Back" is not another launch.
    await page.goBack();
    expect(page.url()).toBe(`${fake.origin}/notebooks/`);
  });

  it('opens the session that there is', async () => {
    fake.sessions.set(name, fakeSession(name, { url: `${fake.sessionOrigin}/sessions/${name}` }));
    const page = await newPage();
    await page.goto(address());
    await page.waitForURL(`${fake.sessionOrigin}/sessions/${name}`);
  });

  it('asks first when another site sent the browser here', async () => {
    const page = await newPage();
    await page.goto(`${fake.sessionOrigin}/sessions/evil`);
    await page.evaluate(`location.href = ${JSON.stringify(address())}`);
    await headline(page, 'Launch this project?');
    await page.waitForTimeout(1_500);
    expect(posts()).toEqual([]);
    await page.getByRole('button', { name: 'Launch' }).click();
    await headline(page, 'Starting your session');
    expect(posts()).toHaveLength(1);
  });

  it('says why a launch was refused, and tries again', async () => {
    fake.intercept = (method) =>
      method === 'POST'
        ? {
            status: 422,
            body: {
              error: {
                code: 1422,
                message: 'The request is not valid.',
                detail: 'Mend these.',
                requestId: 'request-x',
                fields: [{ path: 'body.branch', message: 'is too long' }],
              },
            },
          }
        : undefined;
    const page = await newPage();
    await page.goto(address());
    await headline(page, 'The session could not be launched');
    const alert = page.getByRole('alert');
    for (const text of ['The request is not valid.', 'Mend these.', 'body.branch: is too long', 'request-x']) {
      await alert.getByText(text).waitFor();
    }
    fake.intercept = undefined;
    await page.getByRole('button', { name: 'Try again' }).press('Enter');
    await headline(page, 'Starting your session');
    expect(await page.locator(':focus').innerText()).toBe('Starting your session');
    expect(await alert.count()).toBe(0);
  });

  it('shows a failure in words with its logs, and starts again', async () => {
    const page = await newPage();
    await page.goto(address());
    await headline(page, 'Starting your session');
    session().status.state = 'failed';
    session().status.message = 'The branch is no longer there.';
    fake.logs.set(name, { 'git-clone': 'fatal: no such branch' });
    await headline(page, 'The session failed');
    await page.getByText('The branch is no longer there.').waitFor();
    await page.getByRole('button', { name: 'Logs' }).click();
    await page.getByText('fatal: no such branch').waitFor(soon);
    fake.intercept = (method) => {
      // The fake deletes only when told to.
      if (method === 'POST') fake.sessions.delete(name);
      return undefined;
    };
    await page.getByRole('button', { name: 'Start again' }).click();
    await headline(page, 'Starting your session');
    expect(fake.requests.filter(({ method }) => method !== 'GET').map(({ method }) => method)).toEqual([
      'POST',
      'DELETE',
      'POST',
    ]);
  });

  it('stops after asking, and offers to start again', async () => {
    const page = await newPage();
    await page.goto(address());
    await headline(page, 'Starting your session');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('button', { name: 'Stop the session' }).click();
    await headline(page, 'Stopping the session');
    fake.sessions.clear();
    await headline(page, 'The session has gone');
    await page.getByRole('button', { name: 'Start again' }).click();
    await headline(page, 'Starting your session');
    expect(posts()).toHaveLength(2);
  });

  it('goes on by itself after the service could not be reached', async () => {
    const page = await newPage();
    await page.goto(address());
    await headline(page, 'Starting your session');
    await page.context().setOffline(true);
    await page.getByRole('alert').getByText('The service cannot be reached.').waitFor(soon);
    session().status.state = 'running';
    await page.context().setOffline(false);
    await page.waitForURL(`${fake.sessionOrigin}/sessions/${name}`, { timeout: 30_000 });
  });

  it('goes nowhere but to a web address', async () => {
    fake.sessions.set(name, fakeSession(name, { url: 'javascript:document.title="hacked"' }));
    const page = await newPage();
    await page.goto(address());
    await page.getByRole('alert').getByText('The session has no address to open.').waitFor(soon);
    expect(await page.title()).not.toBe('hacked');
  });

  it('works on a phone', async () => {
    const page = await newPage({ viewport: { width: 360, height: 740 }, colorScheme: 'dark', reducedMotion: 'reduce' });
    await page.goto(address());
    await headline(page, 'Starting your session');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await page.evaluate('document.getAnimations().length')).toBe(0);
  });

  it('is a page that says so when there is no such project', async () => {
    const page = await newPage();
    const response = await page.goto(`${fake.origin}/notebooks/launch/demo/nope`);
    expect(response?.status()).toBe(404);
    await page.getByText('There is no project demo/nope that you can see.').waitFor();
    await page.getByRole('link', { name: 'Your sessions and projects' }).click();
    await page.waitForURL(`${fake.origin}/notebooks/`);
  });
});
