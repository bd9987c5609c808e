import { expect, it } from 'vitest';
import { describeInChromium } from './chromium.ts';
import { faintTexts } from './page-checks.ts';
import { card, hide, sessionsPage, soon } from './sessions-page.ts';

describeInChromium('the connection of the sessions page to the service', (browser) => {
  const site = sessionsPage(browser);
  const { add, open, pageErrors } = site;

  it('shows errors of the service, and recovers from them', async () => {
    add('a');
    const page = await open();
    await card(page, 'demo/first-light').waitFor(soon);
    site.fake.intercept = (_method, path) =>
      path === '/servers'
        ? {
            status: 500,
            body: {
              error: {
                code: 3000,
                message: 'The Kubernetes API server does not respond.',
                detail: 'Try again in a moment.',
                requestId: 'request-x',
              },
            },
          }
        : undefined;
    site.fake.streams.end();
    const alert = page.getByRole('alert');
    await alert.getByText('The Kubernetes API server does not respond.').waitFor(soon);
    await alert.getByText('request-x').waitFor();
    await page.getByText(/^Not updated since/).waitFor();
    expect(await card(page, 'demo/first-light').isVisible()).toBe(true);
    site.fake.intercept = undefined;
    await alert.waitFor({ state: 'detached', ...soon });

    site.fake.intercept = () => ({ status: 200, body: 'not the expected type' });
    site.fake.streams.end();
    await alert.getByText('There is an error in this page.').waitFor(soon);
    expect(pageErrors.splice(0).join()).toMatch(/TypeError/);
    site.fake.intercept = () => ({
      status: 401,
      body: { error: { code: 1401, message: 'You are not signed in.', detail: null, requestId: 'r' } },
    });
    await alert.getByText('You are not signed in.').waitFor(soon);
    expect(await page.getByRole('article').count()).toBe(0);
    site.fake.intercept = undefined;
    await alert.waitFor({ state: 'detached', ...soon });
  });

  it('has one stream and sends no requests for its sessions, and none at all while it is hidden', async () => {
    const session = add('a', { state: 'starting' });
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('Starting', { exact: true }).waitFor(soon);
    await page.getByText('Live', { exact: true }).waitFor(soon);
    expect(site.fake.streams.open).toBe(1);
    // The page sends no other requests at its start.
    await expect.poll(() => site.fake.requests.map(({ path }) => path), soon).toContain('/projects');
    // Timers that the page starts from now on can be made to expire.
    await page.clock.install();
    await hide(page, true);
    await expect.poll(() => site.fake.streams.open, soon).toBe(0);
    const sent = site.fake.requests.length;
    session.status.state = 'failed';
    await page.clock.fastForward(120_000);
    expect(site.fake.requests.length).toBe(sent);
    await hide(page, false);
    await shown.getByText('Failed', { exact: true }).waitFor(soon);
    const reads = site.fake.requests.filter(({ method, path }) => method === 'GET' && path === '/servers');
    expect(reads).toHaveLength(2);
  });

  it('shows changes again after a restart of the service and broken connections, without an error', async () => {
    const session = add('a', { state: 'starting' });
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('Starting', { exact: true }).waitFor(soon);
    for (const [how, state, word] of [
      ['shutdown', 'running', 'Running'],
      [undefined, 'failed', 'Failed'],
    ] as const) {
      site.fake.streams.end(how);
      session.status.state = state;
      await shown.getByText(word, { exact: true }).waitFor(soon);
      expect(await page.getByRole('alert').count()).toBe(0);
    }
    await page.getByText('Live', { exact: true }).waitFor(soon);
  });

  it('says that the sign-in has ended, hides the sessions, and shows all of them after the next sign-in', async () => {
    add('a');
    const page = await open();
    const lastIds: (string | undefined)[] = [];
    page.on('request', (request) => {
      const { accept, 'last-event-id': lastId } = request.headers();
      if (accept === 'text/event-stream') lastIds.push(lastId);
    });
    await card(page, 'demo/first-light').waitFor(soon);
    const error = { code: 1401, message: 'The ID token has expired.', detail: 'Sign in again.', requestId: 'r' };
    site.fake.intercept = () => ({ status: 401, body: { error } });
    site.fake.streams.end('expired');
    await page.getByRole('alert').getByText('The ID token has expired.').waitFor(soon);
    await page.getByRole('alert').getByText('Sign in again.').waitFor(soon);
    expect(await page.getByRole('article').count()).toBe(0);
    site.fake.intercept = undefined;
    await card(page, 'demo/first-light').waitFor(soon);
    // A stream that is resumed would not send the sessions that have not changed.
    expect([lastIds[0], lastIds.at(-1)]).toEqual([expect.any(String), undefined]);
  });

  it('reads the sessions if it cannot follow them, and says why', async () => {
    const session = add('a', { state: 'starting' });
    const message = 'You have 100 streams of events in progress already.';
    const error = { code: 1429, message, detail: 'Close one of them first.', requestId: 'r' };
    site.fake.intercept = (_method, path, accept) =>
      path === '/servers' && accept === 'text/event-stream' ? { status: 429, body: { error } } : undefined;
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('Starting', { exact: true }).waitFor(soon);
    const notice = page.locator('#live-notice');
    await notice
      .getByText(`${message} Close one of them first. The page reads the state every 5 seconds.`)
      .waitFor(soon);
    await page.getByRole('status').getByText(message).waitFor({ state: 'attached' });
    session.status.state = 'running';
    await shown.getByText('Running', { exact: true }).waitFor(soon);
    await page.getByText(/^Updated/).waitFor(soon);
    expect(await page.evaluate(faintTexts)).toEqual([]);
  });

  it('waits longer than the service for a response, so that the error of the service arrives', async () => {
    const page = await open();
    // A deployment with another deadline.
    await page.route(`${site.fake.origin}/notebooks/`, async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace('data-deadline-ms="10000"', 'data-deadline-ms="60000"');
      await route.fulfill({ response, body });
    });
    await page.addInitScript(`globalThis.limits = [];
      const timeout = AbortSignal.timeout;
      AbortSignal.timeout = (ms) => (limits.push(ms), timeout.call(AbortSignal, ms));`);
    await page.reload();
    await expect.poll(() => page.evaluate('globalThis.limits'), soon).toContain(70_000);
    expect(await page.evaluate('Math.min(...globalThis.limits)')).toBe(70_000);
  });
});
