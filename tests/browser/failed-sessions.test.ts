import { expect, it } from 'vitest';
import { describeInChromium } from './chromium.ts';
import { fakeSession } from './fake-api.ts';
import { card, hostile, sessionsPage, soon } from './sessions-page.ts';

describeInChromium('sessions that have failed or are to be deleted', (browser) => {
  const site = sessionsPage(browser);
  const { add, open } = site;

  it('ignores a key that is held down, and a double click', async () => {
    add('a');
    const page = await open();
    await card(page, 'demo/first-light').waitFor(soon);
    const stop = page.getByRole('button', { name: 'Stop demo/first-light at main' });
    const question = page.getByRole('dialog', { name: 'Stop demo/first-light at main?' });
    for (const key of ['Enter', 'Space']) {
      await stop.focus();
      // As a held key does: the second and later events are marked as repeated.
      for (let times = 0; times < 8; times += 1) await page.keyboard.down(key);
      await page.keyboard.up(key);
      await question.waitFor();
      await page.keyboard.press('Escape');
      await question.waitFor({ state: 'hidden' });
    }
    await stop.dblclick();
    await page.getByText('Stop demo/first-light at main?').waitFor();
    const secondClick = `new MouseEvent('click', { bubbles: true, detail: 2 })`;
    await page.evaluate(`document.querySelector('#question [data-ref="yes"]').dispatchEvent(${secondClick})`);
    expect(site.fake.requests.some(({ method }) => method === 'DELETE')).toBe(false);
    await page.getByRole('button', { name: 'Stop and delete' }).click();
    await expect.poll(() => site.fake.requests.filter(({ method }) => method === 'DELETE').length, soon).toBe(1);
  });

  it('restarts a failed session without deleting it', async () => {
    add('a', { state: 'failed', message: 'The process ended.', restartable: true });
    const page = await open();
    await card(page, 'demo/first-light').getByText('The process ended.').waitFor(soon);
    await page.getByRole('button', { name: 'Restart demo/first-light at main' }).click();
    await card(page, 'demo/first-light').getByText('Starting', { exact: true }).waitFor(soon);
    expect(
      site.fake.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`),
    ).toEqual(['POST /servers/a/restart']);
  });

  it('shows what a restart would delete when the service rejects it, and keeps the session', async () => {
    add('a', { state: 'failed', message: 'The process ended.' });
    add('b', { state: 'failed', project: 'lost', message: 'Its volume is gone.', restartable: false });
    site.fake.intercept = (_method, path) =>
      path.endsWith('/restart')
        ? {
            status: 409,
            body: {
              error: {
                code: 1409,
                message: 'The session a has no volume. A restart would delete its files.',
                detail: 'Push or copy what you need.',
                requestId: 'r',
              },
            },
          }
        : undefined;
    const page = await open();
    await page.getByRole('button', { name: /^Restart demo.first-light/ }).click();
    await page.getByRole('alert').getByText('has no volume. A restart would delete its files.').waitFor(soon);
    await card(page, 'demo/first-light').getByText('Failed', { exact: true }).waitFor(soon);
    expect(await page.getByRole('button', { name: /^Restart demo.lost/ }).count()).toBe(0);
    expect(await page.getByRole('button', { name: /^Launch again demo.lost/ }).count()).toBe(1);
    expect(site.fake.requests.some(({ method }) => method === 'DELETE')).toBe(false);
  });

  it('launches a failed session again after a confirmation, with all options of its launch', async () => {
    const failed = add('a', {
      state: 'failed',
      branch: 'feature/x',
      commit: 'c0ffee',
      message: 'The process ended.',
      launch: {
        image: 'a/b:1',
        resource_class_id: 2,
        storage: 10,
        default_url: '/tree',
        lfs_auto_fetch: true,
        environment_variables: ['MODE', 'TOKEN'],
      },
    });
    const page = await open();
    await card(page, 'demo/first-light').getByText('The process ended.').waitFor(soon);
    let attempts = 0;
    site.fake.intercept = (method) => {
      if (method !== 'POST') return undefined;
      attempts += 1;
      if (attempts === 1) {
        const body = { error: { code: 3409, message: 'Still being deleted.', detail: null, requestId: 'r' } };
        return { status: 409, body, headers: { 'Retry-After': '1' } };
      }
      Object.assign(failed, fakeSession('a', { state: 'starting' }));
      return { status: 201, body: failed };
    };
    await page.getByRole('button', { name: 'Launch again demo/first-light at feature/x' }).press('Enter');
    await expect.poll(() => page.locator(':focus').innerText(), soon).toBe('Keep it');
    await page.getByText('work that was not pushed is lost').waitFor();
    await page.keyboard.press('Enter');
    expect(site.fake.requests.some(({ method }) => method !== 'GET')).toBe(false);
    await page.keyboard.press('Enter');
    await page.getByLabel('MODE').fill('debug');
    await page.getByLabel('TOKEN').fill('secret');
    await page.getByRole('button', { name: 'Delete and launch again' }).click();
    await card(page, 'demo/first-light').getByText('Starting', { exact: true }).waitFor(soon);
    await expect.poll(() => attempts, soon).toBe(2);
    expect(site.fake.requests.filter(({ method }) => method !== 'GET')).toEqual([
      { method: 'DELETE', path: '/servers/a', body: undefined },
      ...Array.from({ length: 2 }, () => ({
        method: 'POST',
        path: '/servers',
        body: {
          namespace: 'demo',
          project: 'first-light',
          branch: 'feature/x',
          commit_sha: 'c0ffee',
          image: 'a/b:1',
          resource_class_id: 2,
          storage: 10,
          default_url: '/tree',
          lfs_auto_fetch: true,
          environment_variables: { MODE: 'debug', TOKEN: 'secret' },
          cloudstorage: [],
        },
      })),
    ]);
  });

  it('keeps the error when a session was deleted and could not be launched again', async () => {
    add('a', { state: 'failed', message: 'The process ended.' });
    const page = await open();
    await card(page, 'demo/first-light').getByText('The process ended.').waitFor(soon);
    site.fake.intercept = (method) => {
      if (method !== 'POST') return undefined;
      site.fake.sessions.clear();
      return { status: 404, body: { error: { code: 1404, message: 'No such branch.', detail: null, requestId: 'r' } } };
    };
    await page.getByRole('button', { name: /^Launch again/ }).click();
    await page.getByRole('button', { name: 'Delete and launch again' }).click();
    const alert = page.getByRole('alert');
    await alert.getByText('demo/first-light at main was not launched again: No such branch.').waitFor(soon);
    await page.getByText('No session yet').waitFor(soon);
    expect(await alert.isVisible()).toBe(true);
  });

  it('shows the reason of a failure from the log', async () => {
    add('a', {
      state: 'failed',
      message: 'The repository could not be cloned because of an error with its submodules. Check their addresses.',
      steps: ['ready', 'ready', 'failed', 'waiting', 'waiting'],
    });
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('because of an error with its submodules').waitFor(soon);
    const reads = () => site.fake.requests.filter(({ path }) => path === '/logs/a').length;
    await expect.poll(reads, soon).toBe(1);
    // Timers that the page starts from now on can be made to expire.
    await page.clock.install();
    expect(await shown.getByRole('figure').isVisible()).toBe(false);
    // A container that has been started again may not have written the reason yet.
    site.fake.logs.set('a', { 'git-clone': '2026-01-02T03:04:05Z Cloning http://127.0.0.1/forge/demo/first-light' });
    const report = shown.getByRole('figure');
    await report.getByText('The last lines in the log of git-clone:').waitFor(soon);
    expect(await report.locator('mark').count()).toBe(0);
    site.fake.logs.set('a', {
      'git-clone': `2026-01-02T03:04:05Z Cloning\n2026-01-02T03:04:06Z fatal: could not read from ${hostile}\n2026-01-02T03:04:07Z bye`,
      'jupyter-server': 'error: something else',
    });
    await report.getByText('The reason in the log of git-clone:').waitFor(soon);
    expect(await report.locator('mark').innerText()).toBe(`fatal: could not read from ${hostile}`);
    expect(await page.locator('img').count()).toBe(0);
    // A reason that is found twice is final.
    await expect.poll(reads, soon).toBe(4);
    await page.clock.fastForward(60_000);
    await page.getByRole('button', { name: /^Logs/ }).click();
    await shown.getByRole('region', { name: 'Log', exact: true }).getByText('error: something else').waitFor(soon);
    expect(reads()).toBe(5);
  });

  it('shows how to resume a hibernated session', async () => {
    const message =
      'The session is hibernated. The administrator of the platform resumes it with: kubectl patch jupyterservers a';
    add('a', { state: 'hibernated', message });
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('Hibernated', { exact: true }).waitFor(soon);
    await shown.getByText('The administrator of the platform resumes it with').waitFor();
    expect(await shown.locator('code', { hasText: 'kubectl' }).innerText()).toBe('kubectl patch jupyterservers a');
  });
});
