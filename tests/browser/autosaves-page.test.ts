import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type { AutosaveContent, AutosaveResponse } from '../../src/generated/openapi.ts';
import { describeInChromium } from './chromium.ts';
import { anonymous, fakeProject } from './fake-api.ts';
import { fakeWork } from './fake-work.ts';
import { faintTexts, smallTargets, unnamedControls } from './page-checks.ts';
import { hostile, sessionsPage, soon } from './sessions-page.ts';

const project = 'demo/first-light';
const launched = '8f14e45f'.repeat(5);
const commitOf = (short: string) => short.padEnd(40, '0');

/** Returns an autosave that is this number of hours old. */
function autosave(branch: string, commit: string, hours: number): AutosaveResponse {
  const date = new Date(Date.now() - hours * 3_600_000).toISOString();
  const name = `renku/autosave/ada/${branch}/${commit}/${String(hours).padStart(7, '0')}`;
  return { branch, commit, pvs: false, date, name };
}

const content = ({ name, branch, commit }: AutosaveResponse, more: Partial<AutosaveContent> = {}): AutosaveContent => ({
  ...{ name, branch, commit, others: 0 },
  files: { count: 2, names: ['notebook.ipynb', hostile], isComplete: true },
  commits: {
    count: 1,
    newest: [{ commit_sha: commitOf('abcdef01'), title: 'Count again', author_name: 'Ada', committed_at: null }],
    isComplete: true,
  },
  ...more,
});

describeInChromium('the page of autosaves', (browser) => {
  const site = sessionsPage(browser);
  const row = (page: Page, name: string) => page.getByRole('article', { name, exact: true });

  async function openFromProject(options?: Parameters<typeof site.open>[0]): Promise<Page> {
    site.fake.projects = [fakeProject(project, { name: 'First light' })];
    const page = await site.open(options);
    await page.getByRole('link', { name: `Autosaves of ${project}` }).click(soon);
    await page.getByRole('heading', { name: 'Autosaves of First light' }).waitFor(soon);
    return page;
  }

  function set(...autosaves: AutosaveResponse[]): void {
    site.fake.saves.autosaves.set(project, autosaves);
    for (const each of autosaves) site.fake.saves.contents.set(each.name, content(each));
  }

  it('shows what is in each, and launches a session from the newest of a branch and commit', async () => {
    const [newest, older, other] = [
      autosave('main', launched.slice(0, 7), 2),
      autosave('main', launched.slice(0, 7), 5),
      autosave('feature/x', 'c9f0f89', 48),
    ] as const;
    set(newest, older, other);
    site.fake.saves.contents.set(
      other.name,
      content(other, {
        files: { count: 1_000, names: ['a'], isComplete: false },
        commits: { count: 0, newest: [], isComplete: true },
        others: 2,
      }),
    );
    const page = await openFromProject();
    const first = row(page, 'the autosave of main, 2 h ago');
    await first.getByText('2 files changed and 1 commit.').waitFor(soon);
    await first.getByText(/^Files and commits/).click();
    await first.getByText('abcdef01 Count again').waitFor();
    await first.getByText(hostile).waitFor();
    await row(page, 'the autosave of feature/x, 2 days ago')
      .getByText('at least 1000 files changed and 2 commits of other branches and stashes.')
      .waitFor(soon);
    const second = row(page, 'the autosave of main, 5 h ago');
    await second.getByText('A new session restores a newer autosave of the same branch and commit.').waitFor();
    expect(await second.getByRole('link', { name: /^Launch/ }).isVisible()).toBe(false);
    await first.getByRole('link', { name: 'Launch from this autosave of main, 2 h ago' }).click();
    await page.getByRole('heading', { name: 'Starting your session' }).waitFor(soon);
    const [launch] = site.fake.requests.filter(({ method, path }) => method === 'POST' && path === '/servers');
    expect(launch?.body).toMatchObject({ branch: 'main', commit_sha: launched });
  });

  it('marks those whose content is in a running session, which is to be stopped before a launch from them', async () => {
    const [own, other] = [
      autosave('main', launched.slice(0, 7), 2),
      autosave('main', launched.slice(0, 7), 3),
    ] as const;
    set(own, other);
    // A session that does not answer has no effect on the marks of the others.
    site.add('0');
    site.add('a');
    const error = { code: 3000, message: 'The agent does not respond.', detail: null, requestId: 'r' };
    site.fake.intercept = (_method, path) =>
      path === '/servers/0/work' ? { status: 500, body: { error } } : undefined;
    site.fake.saves.work.set('a', fakeWork({ autosaves: [own.name] }));
    const page = await openFromProject();
    await row(page, 'the autosave of main, 2 h ago').getByText('Restored in a running session').waitFor(soon);
    expect(await page.getByRole('alert').count()).toBe(0);
    const second = row(page, 'the autosave of main, 3 h ago');
    await second.getByText('You have a session of this branch and commit.').waitFor(soon);
    expect(await page.getByRole('link', { name: /^Launch from/ }).count()).toBe(0);
  });

  it('deletes one after a question that names what is in it', async () => {
    set(autosave('main', '1111111', 2), autosave('side', '2222222', 3));
    const page = await openFromProject();
    await row(page, 'the autosave of main, 2 h ago').getByText('2 files changed and 1 commit.').waitFor(soon);
    await page.getByRole('button', { name: 'Delete of main, 2 h ago' }).press('Enter');
    const question = page.getByRole('dialog', { name: 'Delete the autosave of main, 2 h ago?' });
    await question.getByText('It has: 2 files changed and 1 commit.').waitFor(soon);
    await question.getByText('notebook.ipynb').waitFor();
    await question.getByRole('button', { name: 'Delete the autosave' }).click();
    await row(page, 'the autosave of main, 2 h ago').waitFor({ state: 'detached', ...soon });
    expect(site.fake.saves.autosaves.get(project)?.map(({ branch }) => branch)).toEqual(['side']);
    expect(await page.locator(':focus').innerText()).toBe('Autosaves of First light');
    // The service rejects the deletion of the other one.
    const error = { code: 1403, message: 'GitLab does not allow it.', detail: 'It is protected.', requestId: 'r' };
    site.fake.intercept = (method) => (method === 'DELETE' ? { status: 403, body: { error } } : undefined);
    await page.getByRole('button', { name: /^Delete of side/ }).click();
    await page.getByRole('button', { name: 'Delete the autosave' }).click();
    await page.getByRole('alert').getByText('GitLab does not allow it.').waitFor(soon);
    expect(await page.getByRole('article').count()).toBe(1);
  });

  it('reads the content of ten at a time, and says what could not be read', async () => {
    const all = Array.from({ length: 12 }, (_, index) => autosave('main', `${1_000_000 + index}`, index + 2));
    set(...all);
    site.fake.saves.contents.delete(all[0]?.name ?? '');
    const page = await openFromProject();
    await page.getByText('What is in it could not be read: There is no such autosave.').waitFor(soon);
    const reads = () => site.fake.requests.filter(({ path }) => /\/autosave\/renku/.test(decodeURIComponent(path)));
    await expect.poll(() => reads().length, soon).toBe(10);
    expect(await page.getByRole('article').count()).toBe(10);
    await page.getByRole('button', { name: 'Show older autosaves' }).click();
    await expect.poll(() => page.getByText('2 files changed and 1 commit.').count(), soon).toBe(11);
  });

  it('says that there are none, and why an anonymous user has none', async () => {
    const page = await openFromProject();
    await page.getByText('No autosaves').waitFor(soon);
    site.fake.identity = anonymous;
    await page.reload();
    await page.getByText('The work of your sessions cannot be saved').waitFor(soon);
    await page.goto(`${site.fake.origin}/notebooks/`);
    await page.getByRole('link', { name: `Launch ${project}` }).waitFor(soon);
    expect(await page.getByRole('link', { name: /Autosaves/ }).count()).toBe(0);
    const missing = await page.goto(`${site.fake.origin}/notebooks/projects/demo/nope/autosaves`);
    expect(missing?.status()).toBe(404);
    await page.getByText('The project demo/nope does not exist, or you do not have access.').waitFor();
  });

  it.each(['light', 'dark'] as const)('fits a phone and has enough contrast (%s)', async (colorScheme) => {
    set(autosave(`feature/${'long-'.repeat(20)}`, '1111111', 2), autosave('main', '2222222', 3));
    const page = await openFromProject({ viewport: { width: 360, height: 740 }, colorScheme });
    await page.getByText('2 files changed and 1 commit.').nth(1).waitFor(soon);
    await page
      .getByText(/^Files and commits/)
      .first()
      .click();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await page.evaluate(smallTargets)).toEqual([]);
    expect(await page.evaluate(faintTexts)).toEqual([]);
    expect(await page.evaluate(unnamedControls)).toEqual([]);
  });
});
