import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeInChromium } from './chromium.ts';
import {
  anonymous,
  type FakeApi,
  type FakeSessionOptions,
  fakeProject,
  fakeSession,
  startFakeApi,
} from './fake-api.ts';

/** How long the page may take to show a change: its slowest turn is 5 s. */
const soon = { timeout: 15_000 };
const hostile = '<img src=x onerror="window.hacked = true">';

const hide = (page: Page, hidden: boolean) =>
  page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'))`);

describeInChromium('sessions page', (browser) => {
  let fake: FakeApi;
  let mistakes: string[];

  beforeEach(async () => {
    fake = await startFakeApi();
    mistakes = [];
  });
  afterEach(async () => {
    await fake.close();
    expect(mistakes, 'errors in the page').toEqual([]);
  });

  async function open(options: Parameters<typeof browser.profile>[0] = {}): Promise<Page> {
    const page = await (await browser.profile(options)).newPage();
    page.on('pageerror', (error) => mistakes.push(String(error)));
    page.on('console', (message) => {
      if (/content security policy|refused to/i.test(message.text())) mistakes.push(message.text());
    });
    await page.goto(`${fake.origin}/notebooks/`);
    return page;
  }
  const add = (name: string, options: FakeSessionOptions = {}) => {
    const session = fakeSession(name, { url: `${fake.sessionOrigin}/sessions/${name}`, ...options });
    fake.sessions.set(name, session);
    return session;
  };
  /** Makes the page look at once, as it does when its tab is shown again. */
  const look = (page: Page) => page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
  const card = (page: Page, project: string) => page.getByRole('article', { name: project });

  it('shows what a session does, as it changes', async () => {
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
    await look(page);
    await shown.getByText('Running', { exact: true }).waitFor(soon);
    await shown.getByText('0.25 of 0.5 cores').waitFor();
    await shown.getByText('500 MB of 1 GB').waitFor();
    await shown.getByText('Mind the gap.').waitFor();
    expect(await shown.getByRole('link', { name: /^Open/ }).getAttribute('href')).toBe(session.url);
    await page.getByRole('status').getByText('demo/first-light: Running').waitFor({ state: 'attached' });

    session.status.state = 'failed';
    session.status.message = 'The disk is full.';
    await look(page);
    await shown.getByText('The disk is full.').waitFor(soon);
    fake.sessions.clear();
    await look(page);
    await page.getByText('No session yet').waitFor(soon);
  });

  it('is worked with the keyboard alone, and keeps the focus while it refreshes', async () => {
    const session = add('a');
    fake.logs.set('a', {
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
    await look(page);
    await shown.getByText('0.4 of 0.5 cores').waitFor(soon);
    expect(await focused().innerText()).toMatch(/^Logs/);
    await tabTo(/^Stop/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowLeft');
    await shown.getByText('cloned', { exact: true }).waitFor(soon);

    await page.locator('h2').first().focus();
    await tabTo(/^Stop/);
    await page.keyboard.press('Enter');
    expect(await focused().innerText()).toBe('Stop the session');
    await page.keyboard.press('Escape');
    expect(await focused().innerText()).toMatch(/^Stop/);
    expect(fake.requests.some(({ method }) => method === 'DELETE')).toBe(false);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await shown.getByText('Stopping', { exact: true }).waitFor(soon);
    expect(fake.requests.filter(({ method }) => method === 'DELETE')).toEqual([
      { method: 'DELETE', path: '/servers/a', body: undefined },
    ]);
    expect(await focused().innerText()).toBe('demo/first-light');
    fake.sessions.clear();
    await look(page);
    await page.getByText('No session yet').waitFor(soon);
    expect(await focused().innerText()).toBe('Your sessions');
  });

  it('does not touch what stays the same', async () => {
    add('old', { project: 'old', started: '2026-01-01T00:00:00+00:00' });
    const page = await open();
    await card(page, 'demo/old').waitFor(soon);
    await page.evaluate('window.before = document.querySelector("article")');
    await card(page, 'demo/old')
      .getByRole('button', { name: /^Details/ })
      .click();
    add('new', { project: 'new' });
    await look(page);
    await card(page, 'demo/new').waitFor(soon);
    expect(await page.getByRole('article').allInnerTexts()).toEqual([
      expect.stringMatching(/^demo\/new/),
      expect.stringMatching(/^demo\/old/),
    ]);
    expect(await page.evaluate('window.before === document.querySelectorAll("article")[1]')).toBe(true);
    expect(await card(page, 'demo/old').getByText('registry.example.org/images/jupyter:latest').isVisible()).toBe(true);
    expect(await page.evaluate('document.activeElement.textContent')).toMatch(/Details/);
  });

  it('starts a failed session again, waiting for the former one to be gone', async () => {
    const failed = add('a', { state: 'failed', branch: 'feature/x', commit: 'c0ffee', message: 'It died.' });
    const page = await open();
    await card(page, 'demo/first-light').getByText('It died.').waitFor(soon);
    let refused = 0;
    fake.intercept = (method) => {
      if (method !== 'POST') return undefined;
      refused += 1;
      if (refused === 1) {
        const body = { error: { code: 3409, message: 'Still being deleted.', detail: null, requestId: 'r' } };
        return { status: 409, body, headers: { 'Retry-After': '1' } };
      }
      Object.assign(failed, fakeSession('a', { state: 'starting' }));
      return { status: 201, body: failed };
    };
    await page.getByRole('button', { name: /^Start again/ }).click();
    await card(page, 'demo/first-light').getByText('Starting', { exact: true }).waitFor(soon);
    await expect.poll(() => refused, soon).toBe(2);
    expect(fake.requests.filter(({ method }) => method !== 'GET')).toEqual([
      { method: 'DELETE', path: '/servers/a', body: undefined },
      ...Array.from({ length: 2 }, () => ({
        method: 'POST',
        path: '/servers',
        body: expect.objectContaining({
          namespace: 'demo',
          project: 'first-light',
          branch: 'feature/x',
          commit_sha: 'c0ffee',
        }),
      })),
    ]);
  });

  it('says in words what is wrong with the service, and gets over it', async () => {
    add('a');
    const page = await open();
    await card(page, 'demo/first-light').waitFor(soon);
    fake.intercept = (_method, path) =>
      path === '/servers'
        ? {
            status: 500,
            body: {
              error: {
                code: 3000,
                message: 'The Kubernetes API server does not answer.',
                detail: 'Try again in a moment.',
                requestId: 'request-x',
              },
            },
          }
        : undefined;
    const alert = page.getByRole('alert');
    await alert.getByText('The Kubernetes API server does not answer.').waitFor(soon);
    await alert.getByText('request-x').waitFor();
    await page.getByText(/^Not updated since/).waitFor();
    expect(await card(page, 'demo/first-light').isVisible()).toBe(true);
    fake.intercept = undefined;
    await alert.waitFor({ state: 'detached', ...soon });

    fake.intercept = () => ({ status: 200, body: 'not what was asked for' });
    await alert.getByText('This page made a mistake.').waitFor(soon);
    expect(mistakes.splice(0).join()).toMatch(/TypeError/);
    fake.intercept = () => ({
      status: 401,
      body: { error: { code: 1401, message: 'Nobody is signed in.', detail: null, requestId: 'r' } },
    });
    await alert.getByText('Nobody is signed in.').waitFor(soon);
    expect(await page.getByRole('article').count()).toBe(0);
    fake.intercept = undefined;
    await alert.waitFor({ state: 'detached', timeout: 30_000 });
  });

  it('asks nothing while nobody looks', async () => {
    add('a', { state: 'starting' });
    const page = await open();
    await card(page, 'demo/first-light').waitFor(soon);
    await hide(page, true);
    const asked = fake.requests.length;
    await page.waitForTimeout(4_000);
    expect(fake.requests.length).toBeLessThanOrEqual(asked + 1);
    await hide(page, false);
    await expect.poll(() => fake.requests.length, soon).toBeGreaterThan(asked + 2);
  });

  it('follows a log as it is written, and three at a time', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      add(name, { project: `project-${name}` });
      fake.logs.set(name, { 'jupyter-server': `first of ${name}` });
    }
    const page = await open();
    const log = (name: string) => card(page, `demo/project-${name}`).locator('pre');
    for (const name of ['a', 'b', 'c']) {
      await card(page, `demo/project-${name}`).getByRole('button', { name: /^Logs/ }).click();
      await log(name).getByText(`first of ${name}`).waitFor(soon);
    }
    fake.logs.set('a', { 'jupyter-server': 'first of a\nsecond of a' });
    await expect.poll(() => log('a').innerText(), soon).toBe('first of a\nsecond of a');
    await hide(page, true);
    fake.logs.set('a', { 'jupyter-server': 'first of a\nsecond of a\nunseen' });
    await hide(page, false);
    await expect.poll(() => log('a').innerText(), soon).toBe('first of a\nsecond of a\nunseen');
    await card(page, 'demo/project-d').getByRole('button', { name: /^Logs/ }).click();
    await log('d').getByText('first of d').waitFor(soon);
    expect(await log('a').isVisible()).toBe(false);
    expect(await card(page, 'demo/project-a').getByRole('button', { expanded: true }).count()).toBe(0);
    fake.sessions.delete('d');
    await expect.poll(() => card(page, 'demo/project-d').count(), soon).toBe(0);
  });

  it('treats every text of a project, a session and a log as text', async () => {
    fake.projects = [fakeProject('evil/x', { name: hostile, description: hostile })];
    add('a', {
      project: hostile,
      namespace: hostile,
      branch: hostile,
      state: 'failed',
      message: hostile,
      image: hostile,
    });
    add('b', { project: 'link', url: 'javascript:window.hacked=true' });
    fake.logs.set('a', { [hostile]: hostile });
    const page = await open();
    await page.getByRole('heading', { name: hostile, exact: true }).waitFor(soon);
    await page.getByRole('article').nth(0).waitFor(soon);
    const first = page.getByRole('article').filter({ hasText: 'Failed' });
    await first.getByRole('button', { name: /Logs/ }).click();
    await first.locator('pre').getByText(hostile).waitFor(soon);
    expect(await card(page, 'demo/link').getByRole('link', { name: /Open/ }).isVisible()).toBe(false);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });

  it('finds projects, page by page, and launches one', async () => {
    fake.projects = Array.from({ length: 60 }, (_, index) => fakeProject(`group/sub/project-${index}`));
    fake.projects.push(fakeProject('other/empty', { defaultBranch: null }));
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
    await page.getByLabel('Branch, tag or commit of group/sub/project-17').fill('feature/x');
    await page.getByRole('button', { name: /^Launch/ }).click();
    await page.waitForURL('**/notebooks/launch/group/sub/project-17?ref=feature%2Fx');
    await page.getByRole('heading', { name: 'Starting your session' }).waitFor(soon);
    expect(fake.requests.find(({ method }) => method === 'POST')?.body).toMatchObject({
      namespace: 'group/sub',
      project: 'project-17',
      branch: 'feature/x',
      commit_sha: 'c9f0f895'.repeat(5),
    });
  });

  it.each([
    ['light', 'light' as const],
    ['dark', 'dark' as const],
  ])('fits a phone and has enough contrast (%s)', async (_name, colorScheme) => {
    fake.identity = anonymous;
    fake.projects = [
      fakeProject('a-rather/long/namespace/with/a-very-long-project-name-that-does-not-want-to-break', {
        description: 'x'.repeat(300),
      }),
    ];
    add('a', {
      state: 'failed',
      message: `Failed because of ${'y'.repeat(200)}`,
      namespace: 'some/deeply/nested/group',
      project: 'z'.repeat(80),
    });
    add('b', { warnings: [{ message: 'This session ends soon.', critical: true }], usage: { cpu: 1 } });
    add('c', { project: 'c', state: 'stopping' });
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme });
    await card(page, 'demo/first-light').waitFor(soon);
    await page.getByRole('button', { name: /^Launch/ }).waitFor(soon);
    await card(page, 'demo/first-light')
      .getByRole('button', { name: /^Details/ })
      .click();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await page.evaluate(smallTargets)).toEqual([]);
    expect(await page.evaluate(faintTexts)).toEqual([]);
  });
});

/** Buttons and fields that are too small for a finger. */
const smallTargets = `[...document.querySelectorAll('a.button, button, input, label.segment')]
  .filter((element) => element.getClientRects().length > 0 && !element.matches('.segment input'))
  .filter((element) => element.getBoundingClientRect().height < 36)
  .map((element) => element.outerHTML)`;

/** Texts whose contrast with what is behind them is below WCAG AA (4.5), as "ratio text". */
const faintTexts = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const pixel = (...colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(getComputedStyle(e).backgroundColor);
    return layers;
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!own || element.closest('.sr, .skip, [hidden]') || element.getClientRects().length === 0) continue;
    const layers = behind(element);
    const [a, b] = [luminance(pixel(...layers)), luminance(pixel(...layers, getComputedStyle(element).color))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(ratio.toFixed(2) + ' ' + element.textContent.trim().slice(0, 40));
  }
  return found;
})()`;
