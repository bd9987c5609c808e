import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { describeInChromium } from './chromium.ts';

const patience = { timeout: 120_000 };

describeInChromium('the first start', (browser) => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(() => platform?.dispose());

  it('leads to the notebook of the demo, and not to an empty launcher', async () => {
    const page = await (await browser.profile()).newPage();
    await page.goto(platform.signInLink);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, patience);
    await page.locator('.jp-NotebookPanel').filter({ visible: true }).locator('.jp-Cell').first().waitFor(patience);
    expect(await page.locator('.lm-TabBar-tab.lm-mod-current', { hasText: 'first-light.ipynb' }).count()).toBe(1);
  });
});
