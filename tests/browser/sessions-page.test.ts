import { expect, it } from 'vitest';
import { describeInChromium } from './chromium.ts';
import { anonymous, fakeCommits, fakeProject, fakeSession } from './fake-api.ts';
import { faintTexts, recordCopyLabels, smallTargets, unnamedControls } from './page-checks.ts';
import { card, hide, hostile, sessionsPage, soon } from './sessions-page.ts';

describeInChromium('sessions page', (browser) => {
  const site = sessionsPage(browser);
  const { add, open } = site;

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
    await expect.poll(() => focused().innerText(), soon).toBe('Keep it');
    await page.keyboard.press('Enter');
    expect(await focused().innerText()).toMatch(/^Stop/);
    expect(site.fake.requests.some(({ method }) => method === 'DELETE')).toBe(false);
    await page.keyboard.press('Enter');
    const question = page.getByRole('dialog', { name: 'Stop demo/first-light at main?' });
    await question.getByText('This session has no agent that could show or save its work.').waitFor();
    await question.getByText('not saved: work that was not pushed is lost').waitFor();
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
