import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterEach, beforeEach, expect } from 'vitest';
import type { FreshProfile } from './chromium.ts';
import { type FakeApi, type FakeSession, type FakeSessionOptions, fakeSession, startFakeApi } from './fake-api.ts';

/** How long the page may take to show a change: its slowest turn is 5 s. */
export const soon = { timeout: 15_000 };
/** A name that would do harm if it were taken for anything but text. */
export const hostile = '<img src=x onerror="window.hacked = true">';

/** Makes the page look at once, as it does when its tab is shown again. */
export const look = (page: Page): Promise<unknown> =>
  page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);

export const card = (page: Page, project: string) => page.getByRole('article', { name: project });

export interface SessionsPage {
  /** Of the running test. */
  readonly fake: FakeApi;
  /** Errors in the page; a test that leaves one fails. */
  readonly mistakes: string[];
  open(options?: BrowserContextOptions): Promise<Page>;
  add(name: string, options?: FakeSessionOptions): FakeSession;
}

/** A fresh API for each test of a suite, and the sessions page over it. */
export function sessionsPage(browser: FreshProfile): SessionsPage {
  let fake: FakeApi;
  const mistakes: string[] = [];

  beforeEach(async () => {
    fake = await startFakeApi();
    mistakes.length = 0;
  });
  afterEach(async () => {
    await fake.close();
    expect(mistakes, 'errors in the page').toEqual([]);
  });

  return {
    get fake() {
      return fake;
    },
    mistakes,
    async open(options = {}) {
      const page = await (await browser.profile(options)).newPage();
      page.on('pageerror', (error) => mistakes.push(String(error)));
      page.on('console', (message) => {
        if (/content security policy|refused to/i.test(message.text())) mistakes.push(message.text());
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
