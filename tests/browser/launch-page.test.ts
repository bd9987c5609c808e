import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeInChromium } from './chromium.ts';
import { type FakeApi, fakeCommits, fakeProject, fakeSession, startFakeApi } from './fake-api.ts';
import { faintTexts, recordCopyLabels, smallTargets, unnamedControls } from './page-checks.ts';

const soon = { timeout: 60_000 };
const name = 'ada-first-light';

describeInChromium('launch page', (browser) => {
  let fake: FakeApi;
  let pageErrors: string[];

  beforeEach(async () => {
    fake = await startFakeApi();
    fake.projects = [fakeProject('demo/first-light', { name: 'First light' })];
    pageErrors = [];
  });
  afterEach(async () => {
    await fake.close();
    expect(pageErrors, 'errors in the page').toEqual([]);
  });

  async function newPage(options: Parameters<typeof browser.profile>[0] = {}): Promise<Page> {
    const page = await (await browser.profile(options)).newPage();
    page.on('pageerror', (error) => pageErrors.push(String(error)));
    return page;
  }
  const address = () => `${fake.origin}/notebooks/launch/demo/first-light`;
  const headline = (page: Page, text: string) => page.getByRole('heading', { name: text, exact: true }).waitFor(soon);
  const posts = () => fake.requests.filter(({ method }) => method === 'POST');
  const session = () => fake.sessions.get(name) ?? expect.fail('no session was launched');

  it('launches a session, shows its steps, and opens JupyterLab', async () => {
    const page = await newPage();
    await page.goto(`${fake.origin}/notebooks/`);
    await page.getByRole('link', { name: /^Launch/ }).click();
    await headline(page, 'Starting your session');
    const steps = page.getByRole('list', { name: 'Steps' }).getByRole('listitem');
    await expect.poll(() => steps.count(), soon).toBe(5);
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
    // "Back" does not launch again.
    await page.goBack();
    expect(page.url()).toBe(`${fake.origin}/notebooks/`);
  });

  it('opens the existing session', async () => {
    fake.sessions.set(name, fakeSession(name, { url: `${fake.sessionOrigin}/sessions/${name}` }));
    const page = await newPage();
    await page.goto(address());
    await page.waitForURL(`${fake.sessionOrigin}/sessions/${name}`);
  });

  it('asks for consent when another site sent the browser here', async () => {
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

  it('shows the options of a link from any site, and waits for a click', async () => {
    const page = await newPage();
    await page.goto(`${address()}?image=evil/x:1&default_url=/tree`);
    await headline(page, 'Launch with options');
    expect(await page.getByLabel('Image').inputValue()).toBe('evil/x:1');
    await expect.poll(() => page.getByLabel('Open with').inputValue(), soon).toBe('/tree');
    await page.waitForTimeout(1_500);
    expect(posts()).toEqual([]);
  });

  it('launches with options that are chosen by the keyboard', async () => {
    for (let index = 0; index < 120; index += 1) fake.history.set(`topic/${index}`, fakeCommits('aabbccdd', 'A topic'));
    fake.history.set('long', fakeCommits('12341234', ...Array.from({ length: 25 }, (_, index) => `Commit ${index}`)));
    const page = await newPage();
    await page.goto(`${fake.origin}/notebooks/`);
    await page.getByRole('link', { name: 'Options for launching demo/first-light' }).click();
    await headline(page, 'Launch with options');
    const branch = page.getByLabel('Branch', { exact: true });
    await expect.poll(() => branch.locator('option').count(), soon).toBe(100);
    expect(await branch.inputValue()).toBe('main');
    await page.getByLabel('Find a branch').fill('lon');
    await expect.poll(() => branch.locator('option').allInnerTexts(), soon).toEqual(['main', 'long']);
    await branch.selectOption('long');
    const commit = page.getByLabel('Commit');
    await expect.poll(() => commit.locator('option').count(), soon).toBe(20);
    expect(await commit.locator('option').first().innerText()).toMatch(/^12341234 \(newest\) · Commit 0 · just now$/);
    await page.getByRole('button', { name: 'Show older commits' }).click();
    await expect.poll(() => commit.locator('option').count(), soon).toBe(25);
    const older = fake.history.get('long')?.[22]?.sha ?? '';
    await commit.selectOption(older);
    await page.getByRole('radio', { name: /large/ }).check();
    await page.getByText('Default: 5. Maximum: 100.').waitFor();
    await page.getByLabel('Disk in GB').fill('7');
    await page.getByLabel('Fetch all Git LFS files').check();
    await page.getByRole('button', { name: 'Add a variable' }).press('Enter');
    await page.keyboard.type('MODE');
    await page.keyboard.press('Tab');
    await page.keyboard.type('debug');
    await page.getByRole('button', { name: 'Launch', exact: true }).press('Enter');
    await headline(page, 'Starting your session');
    expect(posts()).toEqual([
      {
        method: 'POST',
        path: '/servers',
        body: {
          namespace: 'demo',
          project: 'first-light',
          branch: 'long',
          commit_sha: older,
          resource_class_id: 2,
          storage: 7,
          lfs_auto_fetch: true,
          environment_variables: { MODE: 'debug' },
          cloudstorage: [],
        },
      },
    ]);
    expect(await page.locator('[data-ref="branchName"]').innerText()).toBe('long');
  });

  it('copies a link that has the same options', async () => {
    const page = await newPage({ permissions: ['clipboard-read', 'clipboard-write'] });
    const copied = async () => {
      await page.evaluate(recordCopyLabels);
      await page.getByRole('button', { name: 'Copy launch link' }).click();
      await expect.poll(() => page.evaluate('window.copyLabels'), soon).toEqual(['Copied', 'Copy launch link']);
      return new URL((await page.evaluate('navigator.clipboard.readText()')) as string);
    };
    await page.goto(`${address()}?configure=true`);
    await page.getByRole('radio', { name: /small/, checked: true }).waitFor(soon);
    await expect.poll(() => page.getByLabel('Commit').locator('option').count(), soon).toBe(2);
    // A link without options launches at once.
    expect((await copied()).search).toBe('?ref=main');
    await page.getByLabel('Commit').selectOption({ index: 1 });
    await page.getByRole('radio', { name: /large/ }).check();
    await page.getByLabel('Image').fill('a/b:1');
    await page.getByRole('button', { name: 'Add a variable' }).click();
    await page.keyboard.type('TOKEN');
    const link = await copied();
    expect(Object.fromEntries(link.searchParams)).toEqual({
      ref: fake.history.get('main')?.[1]?.sha,
      branch: 'main',
      resource_class_id: '2',
      image: 'a/b:1',
    });
    await page.goto(link.href);
    await page.getByRole('radio', { name: /large/, checked: true }).waitFor(soon);
    expect(await page.getByLabel('Commit').inputValue()).toBe(fake.history.get('main')?.[1]?.sha);
    expect(await page.getByLabel('Image').inputValue()).toBe('a/b:1');
  });

  it('marks an invalid option, and launches when it is corrected', async () => {
    fake.intercept = (method) =>
      method === 'POST'
        ? {
            status: 422,
            body: {
              error: {
                code: 1005,
                message: 'The storage size is not offered.',
                detail: null,
                requestId: 'r',
                fields: [{ path: 'body.storage', message: 'must be from 1 to 20 gigabytes' }],
              },
            },
          }
        : undefined;
    const page = await newPage();
    await page.goto(`${address()}?storage=21`);
    await page.getByRole('radio', { name: /small/, checked: true }).waitFor(soon);
    const storage = page.getByLabel('Disk in GB');
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    // The browser itself rejects 21, which is above the maximum.
    await expect.poll(() => storage.evaluate('document.activeElement.id'), soon).toBe('option-storage');
    expect(posts()).toEqual([]);
    await storage.fill('20');
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    await page.getByRole('alert').getByText('body.storage: must be from 1 to 20 gigabytes').waitFor(soon);
    expect(await storage.getAttribute('aria-invalid')).toBe('true');
    await expect.poll(() => page.locator(':focus').getAttribute('id'), soon).toBe('option-storage');
    fake.intercept = undefined;
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    await headline(page, 'Starting your session');
  });

  it('launches when lists cannot be loaded, and shows their errors', async () => {
    fake.intercept = (_method, path) =>
      path === '/resource_classes' || path.endsWith('/branches')
        ? {
            status: 500,
            body: { error: { code: 3000, message: 'It does not respond.', detail: null, requestId: 'r' } },
          }
        : undefined;
    const page = await newPage();
    await page.goto(`${address()}?configure=true`);
    await page.getByRole('alert').getByText('It does not respond.').waitFor(soon);
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    await headline(page, 'Starting your session');
    expect(posts()[0]?.body).toMatchObject({ branch: 'main', commit_sha: '8f14e45f'.repeat(5) });
  });

  it('does not open an existing session by itself when options were chosen', async () => {
    fake.sessions.set(name, fakeSession(name, { url: `${fake.sessionOrigin}/sessions/${name}` }));
    const page = await newPage();
    await page.goto(`${address()}?default_url=/tree`);
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    await headline(page, 'Your session is ready');
    await page.getByText('This session existed already and keeps the options of its launch.').waitFor(soon);
    await page.getByRole('link', { name: 'Open JupyterLab' }).click();
    await page.waitForURL(`${fake.sessionOrigin}/sessions/${name}`);
  });

  it('shows why a launch was rejected, and launches again', async () => {
    fake.intercept = (method) =>
      method === 'POST'
        ? {
            status: 422,
            body: {
              error: {
                code: 1422,
                message: 'The request is not valid.',
                detail: 'Correct these fields.',
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
    for (const text of [
      'The request is not valid.',
      'Correct these fields.',
      'body.branch: is too long',
      'request-x',
    ]) {
      await alert.getByText(text).waitFor();
    }
    fake.intercept = undefined;
    await page.getByRole('button', { name: 'Try again' }).press('Enter');
    await headline(page, 'Starting your session');
    await expect.poll(() => page.locator(':focus').innerText(), soon).toBe('Starting your session');
    expect(await alert.count()).toBe(0);
  });

  it('shows the reason of a failure with its line of the log, and restarts the session', async () => {
    const page = await newPage();
    await page.goto(address());
    await headline(page, 'Starting your session');
    session().status.state = 'failed';
    session().status.message = 'The branch is no longer there.';
    fake.logs.set(name, { 'git-clone': 'fatal: no such branch' });
    await headline(page, 'The session failed');
    await page.getByText('The branch is no longer there.').waitFor();
    await page.locator('mark', { hasText: 'fatal: no such branch' }).waitFor(soon);
    await page.getByRole('button', { name: 'Logs' }).click();
    await page.getByRole('region', { name: 'Log', exact: true }).getByText('fatal: no such branch').waitFor(soon);
    await page.getByRole('button', { name: 'Restart' }).click();
    await headline(page, 'Starting your session');
    expect(
      fake.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`),
    ).toEqual(['POST /servers', `POST /servers/${name}/restart`]);
  });

  it('launches again after a confirmation, with the options and the values of the variables', async () => {
    const page = await newPage();
    await page.goto(`${address()}?resource_class_id=2`);
    await page.getByRole('radio', { name: /large/, checked: true }).waitFor(soon);
    await page.getByRole('button', { name: 'Add a variable' }).click();
    await page.keyboard.type('MODE');
    await page.keyboard.press('Tab');
    await page.keyboard.type('debug');
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    await headline(page, 'Starting your session');
    Object.assign(session(), { launch: { resource_class_id: 2, storage: 5, environment_variables: ['MODE'] } });
    session().status.state = 'failed';
    await headline(page, 'The session failed');
    fake.intercept = (method) => {
      // The fake API does not delete sessions by itself.
      if (method === 'POST') fake.sessions.delete(name);
      return undefined;
    };
    const relaunch = page.getByRole('button', { name: 'Launch again' });
    await relaunch.press('Enter');
    await expect.poll(() => page.locator(':focus').innerText(), soon).toBe('Keep it');
    await page.getByText('work that was not pushed is lost').waitFor();
    expect(await page.getByRole('textbox', { name: 'MODE', exact: true }).inputValue()).toBe('debug');
    await page.getByRole('button', { name: 'Delete and launch again' }).click();
    await headline(page, 'Starting your session');
    expect(fake.requests.filter(({ method }) => method !== 'GET').slice(1)).toMatchObject([
      { method: 'DELETE' },
      { method: 'POST', body: { resource_class_id: 2, storage: 5, environment_variables: { MODE: 'debug' } } },
    ]);
  });

  it('stops a session after a confirmation, and offers to launch again', async () => {
    const page = await newPage();
    await page.goto(address());
    await headline(page, 'Starting your session');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('button', { name: 'Stop and delete' }).click();
    await headline(page, 'Stopping the session');
    fake.sessions.clear();
    await headline(page, 'The session no longer exists');
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    await headline(page, 'Starting your session');
    expect(posts()).toHaveLength(2);
  });

  it('continues when the service can be reached again', async () => {
    const page = await newPage();
    await page.goto(address());
    await headline(page, 'Starting your session');
    await page.context().setOffline(true);
    await page.getByRole('alert').getByText('The service cannot be reached.').waitFor(soon);
    session().status.state = 'running';
    await page.context().setOffline(false);
    await page.waitForURL(`${fake.sessionOrigin}/sessions/${name}`, soon);
  });

  it('opens only http and https addresses', async () => {
    fake.sessions.set(name, fakeSession(name, { url: 'javascript:document.title="hacked"' }));
    const page = await newPage();
    await page.goto(address());
    await page.getByRole('alert').getByText('The session has no valid web address.').waitFor(soon);
    expect(await page.title()).not.toBe('hacked');
  });

  it.each(['light', 'dark'] as const)(
    'has a form that fits a phone, with enough contrast (%s)',
    async (colorScheme) => {
      fake.history.set(`topic/${'x'.repeat(80)}`, fakeCommits('aabbccdd', 'y'.repeat(200)));
      const page = await newPage({ viewport: { width: 360, height: 740 }, colorScheme });
      await page.goto(`${address()}?configure=true`);
      await page.getByRole('radio', { name: /small/, checked: true }).waitFor(soon);
      await page.getByLabel('Branch', { exact: true }).selectOption(`topic/${'x'.repeat(80)}`);
      await page.getByRole('button', { name: 'Add a variable' }).click();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
      expect(await page.evaluate(smallTargets)).toEqual([]);
      expect(await page.evaluate(faintTexts)).toEqual([]);
      expect(await page.evaluate(unnamedControls)).toEqual([]);
    },
  );

  it('fits a phone and has no animations where they are reduced', async () => {
    const page = await newPage({ viewport: { width: 360, height: 740 }, colorScheme: 'dark', reducedMotion: 'reduce' });
    await page.goto(address());
    await headline(page, 'Starting your session');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await page.evaluate('document.getAnimations().length')).toBe(0);
  });

  it('shows how to resume a hibernated session', async () => {
    const message = 'The session is hibernated. The administrator of the platform resumes it with: kubectl patch x';
    fake.sessions.set(name, fakeSession(name, { state: 'hibernated', message }));
    const page = await newPage();
    await page.goto(address());
    await headline(page, 'This session is hibernated');
    await page.getByText('The administrator of the platform resumes it with').waitFor();
    expect(await page.locator('.notice code').innerText()).toBe('kubectl patch x');
  });

  it('resumes a hibernated session, and stops one after a question about its work', async () => {
    fake.sessions.set(name, fakeSession(name, { state: 'hibernated', url: `${fake.sessionOrigin}/sessions/${name}` }));
    const page = await newPage();
    await page.goto(address());
    await headline(page, 'This session is hibernated');
    const whyNotSaved = { reason: 'saved-before' as const, message: 'All work was saved before.' };
    const unavailable = { reason: 'hibernated' as const, message: 'The session is hibernated.' };
    fake.saves.work.set(name, { savesOnStop: false, whyNotSaved, unavailable, work: null });
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    const question = page.getByRole('dialog', { name: 'Stop demo/first-light at main?' });
    await question.getByText('All work was saved before.').waitFor(soon);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Resume' }).click();
    await headline(page, 'Starting your session');
    session().status.state = 'running';
    await page.waitForURL(`${fake.sessionOrigin}/sessions/${name}`);
    const changes = fake.requests.filter(({ method }) => method === 'PATCH' || method === 'DELETE');
    expect(changes.map(({ body }) => body)).toEqual([{ state: 'running', force: false }]);
  });

  it('does not open a session that runs because it could not be stopped, and shows why', async () => {
    const page = await newPage();
    await page.goto(`${fake.origin}/notebooks/`);
    await page.getByRole('link', { name: /^Launch/ }).click();
    await headline(page, 'Starting your session');
    const failure = { reason: 'push-rejected', message: 'The branch is protected.', at: '2026-11-20T10:00:00Z' };
    fake.intercept = (method) => {
      if (method !== 'DELETE') return undefined;
      const saving = { operation: 'x', action: 'delete', step: 'pushing', done: 0, total: null } as const;
      Object.assign(session().status, {
        state: 'running',
        saving: { ...saving, failure: { ...failure, until: null } },
      });
      return { status: 204, body: undefined };
    };
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('button', { name: 'Stop and delete' }).click(soon);
    await headline(page, 'Your session is ready');
    await page.getByText('The branch is protected.').waitFor(soon);
    expect(await page.getByRole('link', { name: 'Open JupyterLab' }).isVisible()).toBe(true);
    expect(page.url()).toMatch(/\/notebooks\/launch\//);
  });

  it('shows an error page for an unknown address', async () => {
    const page = await newPage();
    const response = await page.goto(`${fake.origin}/notebooks/nonexistent`);
    expect(response?.status()).toBe(404);
    await page.getByRole('heading', { name: 'Not found' }).waitFor();
    await page.getByRole('link', { name: 'Your sessions and projects' }).click();
    await page.waitForURL(`${fake.origin}/notebooks/`);
  });

  it('shows an error page for an unknown project', async () => {
    const page = await newPage();
    const response = await page.goto(`${fake.origin}/notebooks/launch/demo/nope`);
    expect(response?.status()).toBe(404);
    await page.getByText('The project demo/nope does not exist, or you do not have access.').waitFor();
    await page.getByRole('link', { name: 'Your sessions and projects' }).click();
    await page.waitForURL(`${fake.origin}/notebooks/`);
  });
});
