import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { describeInChromium } from './chromium.ts';
import { jupyterLab, runCell } from './jupyterlab.ts';

/** Time limit for a step with a real session: some seconds, and more on a busy machine. */
const slow = { timeout: 120_000 };

interface Session {
  name: string;
  url: string;
  annotations: Record<string, string>;
}

describeInChromium('first light', (browser) => {
  let platform: Platform;
  let scratch: string;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'first-light-'));
    platform = await startPlatform({ args: ['--project', makeRepository(join(scratch, 'second-light'))] });
  });
  afterAll(async () => {
    await platform?.dispose();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function sessions(): Promise<Session[]> {
    const response = await platform.api('/notebooks/servers');
    const { servers } = (await response.json()) as { servers: Record<string, Session> };
    return Object.values(servers);
  }

  /** Returns a new profile that has followed a sign-in link. */
  async function signedIn(options?: BrowserContextOptions): Promise<{ profile: BrowserContext; page: Page }> {
    const { link } = (await (await platform.api('/auth/links', { method: 'POST' })).json()) as { link: string };
    const profile = await browser.profile(options);
    const page = await profile.newPage();
    await page.goto(link);
    return { profile, page };
  }

  it('opens JupyterLab with the user’s own project from the first link, at the requested commit', async () => {
    const page = await (await browser.profile()).newPage();
    await page.goto(platform.signInLink);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, slow);
    await jupyterLab(page);
    const [own] = await sessions();
    expect(own?.annotations['renku.io/projectName']).toBe('second-light');
    await page.locator('.jp-DirListing-item', { hasText: 'only-here.txt' }).waitFor(slow);
    expect(await runCell(page, '!git rev-parse HEAD')).toBe(own?.annotations['renku.io/commit-sha']);
    expect(await sessions()).toHaveLength(1);
    expect(platform.output()).toMatch(/launching \S+\/second-light/);
    expect(platform.output()).not.toContain('launching demo/');
  });

  it('has a link from JupyterLab to the sessions page', async () => {
    const { page, profile } = await signedIn();
    const [own] = await sessions();
    await page.goto(own?.url ?? '');
    await jupyterLab(page);
    await page.getByRole('menuitem', { name: 'File', exact: true }).click(slow);
    const opened = profile.waitForEvent('page', slow);
    await page.getByRole('menuitem', { name: 'Your Sessions and Projects' }).click(slow);
    const pages = await opened;
    await pages.waitForURL(`${platform.origin}/notebooks/`, slow);
    await pages.getByRole('article', { name: /second-light/ }).waitFor(slow);
    expect(await page.locator('.jp-DirListing-content').isVisible()).toBe(true);
  });

  it('shows the line of the log with the reason why a session does not start', async () => {
    makeLongFileName(join(scratch, 'second-light'), 'long-name');
    const { page } = await signedIn();
    const [own] = await sessions();
    const path = `${own?.annotations['renku.io/namespace']}/second-light`;
    await page.goto(`${platform.origin}/notebooks/launch/${path}?ref=long-name`);
    await page.getByText('The reason in the log of git-clone:').waitFor(slow);
    await page.locator('mark', { hasText: /long-long-.*File name too long/ }).waitFor(slow);
    const message = await page.locator('.message').innerText();
    expect(message).toContain('could not be cloned');
    expect(message).not.toContain('Dockerfile');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByRole('button', { name: 'Stop and delete' }).click();
    await page.getByRole('heading', { name: 'The session no longer exists' }).waitFor(slow);
  });

  it('does not let a script in a notebook call the API as its user', async () => {
    const { page } = await signedIn();
    const [demo] = await sessions();
    await page.goto(demo?.url ?? '');
    await jupyterLab(page);
    const statuses = new Map<string, number>();
    page.on('response', (response) => {
      if (response.url().startsWith(platform.origin))
        statuses.set(`${response.request().method()} ${response.url()}`, response.status());
    });
    const api = `${platform.origin}/notebooks/servers`;
    const launch = JSON.stringify({ namespace: 'demo', project: 'first-light', commit_sha: 'main', branch: 'stolen' });
    const attempts = (await page.evaluate(`(async () => {
      const seen = [];
      const attempt = async (method, url, mode, type) => {
        const body = method === 'POST' ? ${JSON.stringify(launch)} : undefined;
        const headers = type ? { 'Content-Type': type } : {};
        try {
          const response = await fetch(url, { method, mode, headers, body, credentials: 'include' });
          seen.push({ method, mode, type: response.type, status: response.status, text: await response.text() });
        } catch (error) {
          seen.push({ method, mode, failed: true });
        }
      };
      await attempt('GET', '${api}', 'cors');
      await attempt('GET', '${api}', 'no-cors');
      await attempt('POST', '${api}', 'cors', 'application/json');
      await attempt('POST', '${api}', 'no-cors', 'text/plain');
      await attempt('DELETE', '${api}/${demo?.name}', 'cors');
      return seen;
    })()`)) as { failed?: boolean; type?: string; text?: string }[];
    expect(attempts).toHaveLength(5);
    // The script can read nothing: either the request failed, or its response is opaque.
    for (const attempt of attempts)
      expect(attempt.failed || (attempt.type === 'opaque' && attempt.text === '')).toBe(true);
    expect(statuses.size).toBeGreaterThan(0);
    for (const [request, status] of statuses) expect(status, request).toBe(403);

    // A form is a navigation, with which the browser would send the cookie without SameSite.
    await page.evaluate(`(() => {
      const form = Object.assign(document.createElement('form'), { method: 'POST', action: '${api}', enctype: 'text/plain' });
      document.body.append(form);
      form.submit();
    })()`);
    await page.waitForURL(api, slow);
    expect(statuses.get(`POST ${api}`)).toBe(403);
    expect((await sessions()).map(({ name }) => name)).toEqual([demo?.name]);
  });

  it('launches, opens and stops a session by the keyboard, with its steps and logs', async () => {
    const { page } = await signedIn();
    await page.goto(`${platform.origin}/notebooks/`);
    const tabTo = async (name: RegExp) => {
      for (let presses = 0; presses < 60; presses += 1) {
        await page.keyboard.press('Tab');
        const text = await page.locator(':focus').evaluate((element) => element.textContent ?? '');
        if (name.test(text.replaceAll(/\s+/g, ' ').trim())) return;
      }
      expect.fail(`Tab never reached ${name}`);
    };
    await page.getByRole('link', { name: /^Launch .*first-light/ }).waitFor(slow);
    await tabTo(/^Launch .*first-light/);
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'Steps' }).getByText('Cloning and configuring the repository').waitFor(slow);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, slow);
    await jupyterLab(page);
    await page.locator('.jp-DirListing-item', { hasText: 'first-light.ipynb' }).waitFor(slow);
    await runCell(page, '!echo precious > unpushed.txt && git add . && git commit --message unpushed');

    const address = page.url();
    await page.goto(`${platform.origin}/notebooks/`);
    const card = page.getByRole('article', { name: /first-light/ });
    await card.getByText('Running', { exact: true }).waitFor(slow);
    await card.getByText(/ of .* cores?$/).waitFor(slow);
    await tabTo(/^Logs .*first-light/);
    await page.keyboard.press('Enter');
    await card
      .getByRole('region', { name: 'Log', exact: true })
      .getByText(/ServerApp/)
      .first()
      .waitFor(slow);
    await tabTo(/^Stop .*first-light/);
    await page.keyboard.press('Enter');
    const question = page.getByRole('dialog', { name: /^Stop .*first-light/ });
    await question.getByText('Its work is saved first, as an autosave in the repository.').waitFor(slow);
    await question.getByText('1 commit not pushed, branch main').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await card.waitFor({ state: 'detached', ...slow });
    expect((await page.goto(address))?.status()).toBe(404);
    // As the question said.
    const autosaves = await (await platform.api('/notebooks/demo/first-light/autosave')).json();
    expect(autosaves).toMatchObject({ autosaves: [{ branch: 'main' }] });
    const { branches } = (await (await platform.api('/notebooks/projects/demo/first-light/branches')).json()) as {
      branches: { name: string }[];
    };
    expect(branches.map(({ name }) => name)).toEqual([
      'main',
      expect.stringMatching(/^renku\/autosave\//),
      'solar-minima',
    ]);
  });

  it('loads the docs page without another host', async () => {
    const { page } = await signedIn();
    const pageErrors: string[] = [];
    page.on('pageerror', (error) => pageErrors.push(String(error)));
    await page.goto(`${platform.origin}/notebooks/docs`);
    await page.locator('.swagger-ui .info .title').waitFor(slow);
    await expect.poll(() => page.locator('.opblock').count(), slow).toBeGreaterThan(6);
    await page
      .getByRole('button', { name: /GET ?\/servers/ })
      .first()
      .click();
    await page.getByText('200', { exact: true }).first().waitFor(slow);
    expect(pageErrors).toEqual([]);
  });

  it('fits a phone, and has a dark colour scheme', async () => {
    const { page } = await signedIn({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    await page.goto(`${platform.origin}/notebooks/`);
    await page.getByRole('article', { name: /second-light/ }).waitFor(slow);
    await page.getByRole('link', { name: 'Switch user' }).waitFor(slow);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(19, 21, 25)');
  });

  it('shows an anonymous user the public projects, and only their own sessions', async () => {
    const unknown = await (await browser.profile()).newPage();
    await unknown.goto(`${platform.origin}/notebooks/`);
    await unknown.getByText('Sign in first.').waitFor(slow);
    const { page } = await signedIn();
    await page.getByRole('link', { name: 'Switch user' }).click(slow);
    await page.getByRole('button', { name: 'Switch to an anonymous visitor' }).click(slow);
    await page.getByRole('link', { name: 'Projects and sessions' }).click(slow);
    await page.getByText('You are not signed in').waitFor(slow);
    await page.getByText('No session yet').waitFor(slow);
    await page.getByRole('link', { name: /^Launch demo\/first-light/ }).click(slow);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, slow);
    await jupyterLab(page);
    expect(await runCell(page, 'print(6 * 7)')).toBe('42');
    expect((await sessions()).map(({ annotations }) => annotations['renku.io/projectName'])).toEqual(['second-light']);
    await page.goto(`${platform.origin}/notebooks/launch/local/second-light`);
    await page.getByText('You are not signed in, so only public projects can be found.').waitFor(slow);
  });
});

function makeRepository(directory: string): string {
  mkdirSync(directory);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], { cwd: directory });
  git('init', '--quiet', '--initial-branch=main');
  writeFileSync(join(directory, 'only-here.txt'), 'second light\n');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'first');
  return directory;
}

/** Makes a branch with a file name in its newest commit that is too long for the file system. */
function makeLongFileName(directory: string, branch: string): void {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], {
      cwd: directory,
      encoding: 'utf8',
    }).trim();
  const content = git('hash-object', '-w', 'only-here.txt');
  git('update-index', '--add', '--cacheinfo', `100644,${content},${'long-'.repeat(60)}`);
  const commit = git('commit-tree', '-p', 'HEAD', '-m', 'Add a long name', git('write-tree'));
  git('update-ref', `refs/heads/${branch}`, commit);
  git('reset', '--quiet');
}
