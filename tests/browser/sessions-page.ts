import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterEach, beforeEach, expect } from 'vitest';
import type { FreshProfile } from './chromium.ts';
import { type FakeApi, type FakeSession, type FakeSessionOptions, fakeSession, startFakeApi } from './fake-api.ts';

/** Time limit for the page to show a change. A busy machine needs much of it. */
export const soon = { timeout: 60_000 };
/** A name that runs a script if a page takes it for HTML. */
export const hostile = '<img src=x onerror="window.hacked = true">';

export const card = (page: Page, project: string) => page.getByRole('article', { name: project });

/** Hides the page, as the browser does for a tab in the background, or shows it. */
export const hide = (page: Page, hidden: boolean) =>
  page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'))`);

export interface SessionsPage {
  /** The API of the running test. */
  readonly fake: FakeApi;
  /** Errors in the page. A test fails if there are any at its end. */
  readonly pageErrors: string[];
  open(options?: BrowserContextOptions): Promise<Page>;
  add(name: string, options?: FakeSessionOptions): FakeSession;
}

/** Starts a new API for each test of a suite, and opens the sessions page on it. */
export function sessionsPage(browser: FreshProfile): SessionsPage {
  let fake: FakeApi;
  const pageErrors: string[] = [];

  beforeEach(async () => {
    fake = await startFakeApi();
    pageErrors.length = 0;
  });
  afterEach(async () => {
    await fake.close();
    expect(pageErrors, 'errors in the page').toEqual([]);
  });

  return {
    get fake() {
      return fake;
    },
    pageErrors,
    async open(options = {}) {
      const page = await (await browser.profile(options)).newPage();
      page.on('pageerror', (error) => pageErrors.push(String(error)));
      page.on('console', (message) => {
        if (/content security policy|refused to/i.test(message.text())) pageErrors.push(message.text());
      });
      await page.goto(`${fake.origin}/notebooks/`);
      return page;
    },
    add(name, options = {}) {
      const session = fakeSession(name, { url: `${fake.sessionOrigin}/sessions/${name}`, ...options });
      fake.sessions.set(name, session);
      return session;
    },
  };
}
