import { expect, it } from 'vitest';
import { describeInChromium } from './chromium.ts';
import { fakeSession } from './fake-api.ts';
import { card, hostile, look, sessionsPage, soon } from './sessions-page.ts';

describeInChromium('sessions that failed or are to end', (browser) => {
  const site = sessionsPage(browser);
  const { add, open } = site;

  it('does nothing for a key that is held down, or a double click', async () => {
    add('a');
    const page = await open();
    await card(page, 'demo/first-light').waitFor(soon);
    const stop = page.getByRole('button', { name: 'Stop demo/first-light at main' });
    const question = page.getByRole('group', { name: 'Stop demo/first-light at main?' });
    for (const key of ['Enter', 'Space']) {
      await stop.focus();
      // What a held key sends: the second and later ones are marked as repeated.
      for (let times = 0; times < 8; times += 1) await page.keyboard.down(key);
      await page.keyboard.up(key);
      await question.waitFor();
      await page.keyboard.press('Escape');
      await question.waitFor({ state: 'hidden' });
    }
    await stop.dblclick();
    await page.getByText('Stop demo/first-light at main?').waitFor();
    const secondClick = `new MouseEvent('click', { bubbles: true, detail: 2 })`;
    await page.evaluate(`document.querySelector('[data-ref="confirmYes"]').dispatchEvent(${secondClick})`);
    expect(site.fake.requests.some(({ method }) => method === 'DELETE')).toBe(false);
    await page.getByRole('button', { name: 'Stop and delete' }).click();
    await expect.poll(() => site.fake.requests.filter(({ method }) => method === 'DELETE').length, soon).toBe(1);
  });

  it('restarts a failed session in place, and deletes nothing for it', async () => {
    add('a', { state: 'failed', message: 'It died.', restartable: true });
    const page = await open();
    await card(page, 'demo/first-light').getByText('It died.').waitFor(soon);
    await page.getByRole('button', { name: 'Restart demo/first-light at main' }).click();
    await card(page, 'demo/first-light').getByText('Starting', { exact: true }).waitFor(soon);
    expect(
      site.fake.requests.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`),
    ).toEqual(['POST /servers/a/restart']);
  });

  it('says what a restart would lose where the service refuses it, and keeps the session', async () => {
    add('a', { state: 'failed', message: 'It died.' });
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
    expect(await page.getByRole('button', { name: /^Launch anew demo.lost/ }).count()).toBe(1);
    expect(site.fake.requests.some(({ method }) => method === 'DELETE')).toBe(false);
  });

  it('launches a failed session anew only after asking, with all options of its launch', async () => {
    const failed = add('a', {
      state: 'failed',
      branch: 'feature/x',
      commit: 'c0ffee',
      message: 'It died.',
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
    await card(page, 'demo/first-light').getByText('It died.').waitFor(soon);
    let refused = 0;
    site.fake.intercept = (method) => {
      if (method !== 'POST') return undefined;
      refused += 1;
      if (refused === 1) {
        const body = { error: { code: 3409, message: 'Still being deleted.', detail: null, requestId: 'r' } };
        return { status: 409, body, headers: { 'Retry-After': '1' } };
      }
      Object.assign(failed, fakeSession('a', { state: 'starting' }));
      return { status: 201, body: failed };
    };
    await page.getByRole('button', { name: 'Launch anew demo/first-light at feature/x' }).press('Enter');
    expect(await page.locator(':focus').innerText()).toBe('Keep it');
    await page.getByText('work that was not pushed is lost').waitFor();
    await page.keyboard.press('Enter');
    expect(site.fake.requests.some(({ method }) => method !== 'GET')).toBe(false);
    await page.keyboard.press('Enter');
    await page.getByLabel('MODE').fill('debug');
    await page.getByLabel('TOKEN').fill('secret');
    await page.getByRole('button', { name: 'Delete and launch anew' }).click();
    await card(page, 'demo/first-light').getByText('Starting', { exact: true }).waitFor(soon);
    await expect.poll(() => refused, soon).toBe(2);
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

  it('goes on saying that a session was deleted and not launched anew', async () => {
    add('a', { state: 'failed', message: 'It died.' });
    const page = await open();
    await card(page, 'demo/first-light').getByText('It died.').waitFor(soon);
    site.fake.intercept = (method) => {
      if (method !== 'POST') return undefined;
      site.fake.sessions.clear();
      return { status: 404, body: { error: { code: 1404, message: 'No such branch.', detail: null, requestId: 'r' } } };
    };
    await page.getByRole('button', { name: /^Launch anew/ }).click();
    await page.getByRole('button', { name: 'Delete and launch anew' }).click();
    const alert = page.getByRole('alert');
    await alert.getByText('demo/first-light at main was not launched anew: No such branch.').waitFor(soon);
    await page.getByText('No session yet').waitFor(soon);
    await look(page);
    expect(await alert.isVisible()).toBe(true);
  });

  it('shows the line of the log that says why a session failed', async () => {
    add('a', {
      state: 'failed',
      message: 'The repository could not be cloned because of an error with its submodules. Check their addresses.',
      steps: ['ready', 'ready', 'failed', 'waiting', 'waiting'],
    });
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('because of an error with its submodules').waitFor(soon);
    const readings = () => site.fake.requests.filter(({ path }) => path === '/logs/a').length;
    await expect.poll(readings, soon).toBe(1);
    expect(await shown.getByRole('figure').isVisible()).toBe(false);
    // What a container says last may be in its log a moment after it has failed.
    site.fake.logs.set('a', {
      'git-clone': `2026-01-02T03:04:05Z Cloning\n2026-01-02T03:04:06Z fatal: could not read from ${hostile}\n2026-01-02T03:04:07Z bye`,
      'jupyter-server': 'error: something else',
    });
    const report = shown.getByRole('figure');
    await expect
      .poll(async () => {
        await look(page);
        return report.isVisible();
      }, soon)
      .toBe(true);
    await report.getByText('The log of git-clone says:').waitFor(soon);
    expect(await report.locator('mark').innerText()).toBe(`fatal: could not read from ${hostile}`);
    expect(await page.locator('img').count()).toBe(0);
    // Two readings that say the same are enough.
    await expect.poll(readings, { timeout: 20_000 }).toBe(3);
    const asked = site.fake.requests.length;
    await expect.poll(() => site.fake.requests.length, soon).toBeGreaterThan(asked + 1);
    expect(readings()).toBe(3);
  });

  it('says how a hibernated session is resumed', async () => {
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
