import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInChromium } from './chromium.ts';
import { anonymous, fakeCommits, fakeProject, fakeSession } from './fake-api.ts';
import { faintTexts, recordCopyLabels, smallTargets, unnamedControls } from './page-checks.ts';
import { card, hostile, sessionsPage, soon } from './sessions-page.ts';

const hide = (page: Page, hidden: boolean) =>
  page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'))`);

describeInChromium('sessions page', (browser) => {
  const site = sessionsPage(browser);
  const { add, open, pageErrors } = site;

  it('shows each change of a session', async () => {
    const session = add('a', { state: 'starting', steps: ['ready', 'executing', 'waiting', 'waiting', 'waiting'] });
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('Starting', { exact: true }).waitFor(soon);
    expect(await shown.getByRole('listitem').allInnerTexts()).toContain('Downloading server image\n: in progress');
    expect(await shown.getByRole('link', { name: 'Open' }).isVisible()).toBe(false);

    Object.assign(
      session,
      fakeSession('a', {
        url: session.url,
        usage: { cpu: 0.25, memory: '0.5G' },
        warnings: [{ message: 'Mind the gap.' }],
      }),
    );
    await shown.getByText('Running', { exact: true }).waitFor(soon);
    await shown.getByText('0.25 of 0.5 cores').waitFor();
    await shown.getByText('500 MB of 1 GB').waitFor();
    await shown.getByText('Mind the gap.').waitFor();
    expect(await shown.getByRole('link', { name: /^Open/ }).getAttribute('href')).toBe(session.url);
    await page.getByRole('status').getByText('demo/first-light at main: Running').waitFor({ state: 'attached' });

    session.status.state = 'failed';
    session.status.message = 'The disk is full.';
    await shown.getByText('The disk is full.').waitFor(soon);
    site.fake.sessions.clear();
    await page.getByText('No session yet').waitFor(soon);
  });

  it('can be used by the keyboard, and keeps the focus when a session changes', async () => {
    const session = add('a');
    site.fake.logs.set('a', {
      'git-clone': 'cloned',
      'jupyter-server': '2026-01-02T03:04:05.678901234Z \u001b[32mready\u001b[0m',
    });
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.waitFor(soon);
    const focused = () => page.locator(':focus');
    const tabTo = async (name: RegExp) => {
      for (let presses = 0; presses < 40; presses += 1) {
        await page.keyboard.press('Tab');
        const text = await focused().evaluate((element) => element.textContent ?? '');
        if (name.test(text.replaceAll(/\s+/g, ' ').trim())) return;
      }
      expect.fail(`Tab never reached ${name}`);
    };

    await tabTo(/^Skip to content/);
    await tabTo(/^Logs/);
    await page.keyboard.press('Enter');
    await shown.getByText(/^\d\d:\d\d:05 ready$/).waitFor(soon);
    session.resources.usage = { cpu: 0.4 };
    await shown.getByText('0.4 of 0.5 cores').waitFor(soon);
    expect(await focused().innerText()).toMatch(/^Logs/);
    await tabTo(/^Stop/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowLeft');
    await shown.getByText('cloned', { exact: true }).waitFor(soon);

    await page.locator('h2').first().focus();
    await tabTo(/^Stop/);
    await page.keyboard.press('Enter');
    await expect.poll(() => focused().innerText(), soon).toBe('Keep it');
    await page.keyboard.press('Escape');
    await expect.poll(() => focused().innerText(), soon).toMatch(/^Stop/);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    expect(await focused().innerText()).toMatch(/^Stop/);
    expect(site.fake.requests.some(({ method }) => method === 'DELETE')).toBe(false);
    await page.keyboard.press('Enter');
    await shown.getByText('Stop demo/first-light at main?').waitFor();
    await shown.getByText('not saved: work that was not pushed is lost').waitFor();
    await page.keyboard.press('Tab');
    expect(await focused().innerText()).toBe('Stop and delete');
    await page.keyboard.press('Enter');
    await shown.getByText('Stopping', { exact: true }).waitFor(soon);
    expect(site.fake.requests.filter(({ method }) => method === 'DELETE')).toEqual([
      { method: 'DELETE', path: '/servers/a', body: undefined },
    ]);
    await expect.poll(() => focused().innerText(), soon).toBe('demo/first-light');
    site.fake.sessions.clear();
    await page.getByText('No session yet').waitFor(soon);
    await expect.poll(() => focused().innerText(), soon).toBe('Your sessions');
  });

  it('keeps the elements of a session when others change', async () => {
    add('old', { project: 'old', started: '2026-01-01T00:00:00+00:00' });
    const page = await open();
    await card(page, 'demo/old').waitFor(soon);
    await page.evaluate('window.before = document.querySelector("article")');
    await card(page, 'demo/old')
      .getByRole('button', { name: /^Details/ })
      .click();
    add('new', { project: 'new' });
    await card(page, 'demo/new').waitFor(soon);
    expect(await page.getByRole('article').allInnerTexts()).toEqual([
      expect.stringMatching(/^demo\/new/),
      expect.stringMatching(/^demo\/old/),
    ]);
    expect(await page.evaluate('window.before === document.querySelectorAll("article")[1]')).toBe(true);
    expect(await card(page, 'demo/old').getByText('registry.example.org/images/jupyter:latest').isVisible()).toBe(true);
    expect(await page.evaluate('document.activeElement.textContent')).toMatch(/Details/);
  });

  it('has a unique label for each session, and a search among many', async () => {
    for (const [name, branch, commit] of [
      ['a', 'main', '11111111'.repeat(5)],
      ['b', 'main', '22222222'.repeat(5)],
      ['c', 'topic', '22222222'.repeat(5)],
    ] as const)
      add(name, { branch, commit });
    const page = await open();
    await page.getByRole('button', { name: 'Stop demo/first-light at topic', exact: true }).waitFor(soon);
    for (const commit of ['11111111', '22222222']) {
      for (const verb of ['Stop', 'Logs', 'Details']) {
        const name = `${verb} demo/first-light at main, commit ${commit}`;
        expect(await page.getByRole('button', { name, exact: true }).count(), name).toBe(1);
      }
      const name = `Open demo/first-light at main, commit ${commit} (in a new tab)`;
      expect(await page.getByRole('link', { name, exact: true }).count(), name).toBe(1);
    }
    expect(await page.getByLabel('Find a session').isVisible()).toBe(false);
    for (const name of ['d', 'e']) add(name, { project: `other-${name}` });
    await page.getByLabel('Find a session').fill('OTHER-d');
    await expect.poll(() => page.getByRole('article').count(), soon).toBe(1);
    expect(await page.getByRole('article').getAttribute('aria-label')).toBe('demo/other-d at main');
    await page.getByLabel('Find a session').fill('zzz');
    await page.getByText('No session matches “zzz”').waitFor(soon);
    await page.getByLabel('Find a session').fill('topic');
    await expect.poll(() => page.getByRole('article').count(), soon).toBe(1);
  });

  it('shows that a branch has newer commits, with one request to GitLab', async () => {
    site.fake.history.set('main', fakeCommits('8f14e45f', 'Third', 'Second', 'First'));
    const [, second, first] = site.fake.history.get('main') ?? [];
    add('a', { commit: first?.sha ?? '' });
    add('b', { project: 'b', commit: second?.sha ?? '' });
    add('c', { project: 'c' });
    add('d', { project: 'd', branch: 'gone' });
    const page = await open();
    await card(page, 'demo/first-light').getByText('main has 2 newer commits: “Third”.').waitFor(soon);
    await card(page, 'demo/b').getByText('main has a newer commit: “Third”.').waitFor(soon);
    expect(await card(page, 'demo/c').getByText(/newer/).isVisible()).toBe(false);
    expect(
      await card(page, 'demo/d')
        .getByText(/newer|another commit/)
        .isVisible(),
    ).toBe(false);
    expect(site.fake.requests.filter(({ path }) => path === '/projects/demo%2Ffirst-light/commits')).toHaveLength(1);
    await page.getByRole('link', { name: /^Launch it.*first-light/ }).click();
    await page.waitForURL('**/notebooks/launch/demo/first-light?ref=main');
  });

  it('copies a link that launches the session’s branch', async () => {
    add('a', { branch: 'feature/x' });
    const page = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByRole('button', { name: /^Details/ }).click(soon);
    await page.evaluate(recordCopyLabels);
    await page.getByRole('button', { name: 'Copy launch link demo/first-light at feature/x' }).click();
    await expect.poll(() => page.evaluate('window.copyLabels'), soon).toContain('Copied');
    const address = `${site.fake.origin}/notebooks/launch/demo/first-light?ref=feature%2Fx`;
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(address);
    await page.evaluate(`Object.defineProperty(navigator, 'clipboard', { value: undefined })`);
    await page.getByText('Copy launch link', { exact: true }).click(soon);
    expect(await page.getByLabel('Launch link').inputValue()).toBe(address);
  });

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

  it('follows at most three logs at a time', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      add(name, { project: `project-${name}` });
      site.fake.logs.set(name, { 'jupyter-server': `first of ${name}` });
    }
    const page = await open();
    const log = (name: string) => card(page, `demo/project-${name}`).getByRole('region', { name: 'Log', exact: true });
    for (const name of ['a', 'b', 'c']) {
      await card(page, `demo/project-${name}`).getByRole('button', { name: /^Logs/ }).click();
      await log(name).getByText(`first of ${name}`).waitFor(soon);
    }
    site.fake.logs.set('a', { 'jupyter-server': 'first of a\nsecond of a' });
    await expect.poll(() => log('a').innerText(), soon).toBe('first of a\nsecond of a');
    await hide(page, true);
    site.fake.logs.set('a', { 'jupyter-server': 'first of a\nsecond of a\nunseen' });
    await hide(page, false);
    await expect.poll(() => log('a').innerText(), soon).toBe('first of a\nsecond of a\nunseen');
    await card(page, 'demo/project-d').getByRole('button', { name: /^Logs/ }).click();
    await log('d').getByText('first of d').waitFor(soon);
    expect(await log('a').isVisible()).toBe(false);
    expect(await card(page, 'demo/project-a').getByRole('button', { expanded: true }).count()).toBe(0);
    site.fake.sessions.delete('d');
    await expect.poll(() => card(page, 'demo/project-d').count(), soon).toBe(0);
  });

  it('shows texts of projects, sessions and logs as text', async () => {
    site.fake.projects = [fakeProject('evil/x', { name: hostile, description: hostile })];
    add('a', {
      project: hostile,
      namespace: hostile,
      branch: hostile,
      state: 'failed',
      message: hostile,
      image: hostile,
    });
    add('b', { project: 'link', url: 'javascript:window.hacked=true' });
    site.fake.logs.set('a', { [hostile]: hostile });
    const page = await open();
    await page.getByRole('heading', { name: hostile, exact: true }).waitFor(soon);
    await page.getByRole('article').nth(0).waitFor(soon);
    const first = page.getByRole('article').filter({ hasText: 'Failed' });
    await first.getByRole('button', { name: /Logs/ }).click();
    await first.getByRole('region', { name: 'Log', exact: true }).getByText(hostile).waitFor(soon);
    expect(await card(page, 'demo/link').getByRole('link', { name: /Open/ }).isVisible()).toBe(false);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });

  it('lists projects page by page, finds one, and launches it', async () => {
    site.fake.projects = Array.from({ length: 60 }, (_, index) => fakeProject(`group/sub/project-${index}`));
    site.fake.projects.push(fakeProject('other/empty', { defaultBranch: null }));
    const page = await open();
    const rows = page.locator('#projects > li');
    await expect.poll(() => rows.count(), soon).toBe(50);
    await page.getByRole('button', { name: 'Show more projects' }).click();
    await expect.poll(() => rows.count(), soon).toBe(61);
    await page.getByLabel('Find a project').fill('nothing like it');
    await page.getByText('No project matches “nothing like it”').waitFor(soon);
    await page.getByLabel('Find a project').fill('other');
    await expect.poll(() => rows.allInnerTexts(), soon).toEqual([expect.stringContaining('No commits yet')]);
    await page.getByLabel('Find a project').fill('project-17');
    await expect.poll(() => rows.count(), soon).toBe(1);
    await page.getByRole('link', { name: 'Launch group/sub/project-17', exact: true }).click();
    await page.waitForURL('**/notebooks/launch/group/sub/project-17');
    await page.getByRole('heading', { name: 'Starting your session' }).waitFor(soon);
    expect(site.fake.requests.find(({ method }) => method === 'POST')?.body).toMatchObject({
      namespace: 'group/sub',
      project: 'project-17',
      branch: 'main',
      commit_sha: '8f14e45f'.repeat(5),
    });
  });

  it.each([
    ['light', 'light' as const],
    ['dark', 'dark' as const],
  ])('fits a phone and has enough contrast (%s)', async (_name, colorScheme) => {
    site.fake.identity = anonymous;
    site.fake.projects = [
      fakeProject('a-rather/long/namespace/with/a-very-long-project-name-that-does-not-want-to-break', {
        description: 'x'.repeat(300),
      }),
    ];
    add('a', {
      state: 'failed',
      message: `Failed because of ${'y'.repeat(200)}`,
      namespace: 'some/deeply/nested/group',
      project: 'z'.repeat(80),
      launch: { environment_variables: ['A_NAME'] },
    });
    site.fake.logs.set('a', { 'jupyter-server': `error: ${'w'.repeat(300)}` });
    add('d', { project: 'd', state: 'hibernated', message: `It is resumed with: kubectl patch ${'v'.repeat(120)}` });
    add('e', { project: 'e', branch: 'main', commit: '11111111'.repeat(5) });
    add('b', { warnings: [{ message: 'This session ends soon.', critical: true }], usage: { cpu: 1 } });
    add('c', { project: 'c', state: 'stopping' });
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme });
    await card(page, 'demo/first-light').waitFor(soon);
    await card(page, 'demo/e').getByText('is at another commit now').waitFor(soon);
    await page
      .getByRole('link', { name: /^Launch/ })
      .first()
      .waitFor(soon);
    await card(page, 'demo/first-light')
      .getByRole('button', { name: /^Details/ })
      .click();
    await page.getByRole('button', { name: /^Launch again/ }).click();
    await page.locator('mark').waitFor(soon);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await page.evaluate(smallTargets)).toEqual([]);
    expect(await page.evaluate(faintTexts)).toEqual([]);
    expect(await page.evaluate(unnamedControls)).toEqual([]);
  });
});
