import { afterAll, beforeAll, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { describeInChromium } from './chromium.ts';

const slow = { timeout: 120_000 };

describeInChromium('the first start', (browser) => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(() => platform?.dispose());

  it('opens the notebook of the demo project, and not an empty launcher', async () => {
    const page = await (await browser.profile()).newPage();
    await page.goto(platform.signInLink);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, slow);
    await page.locator('.jp-NotebookPanel').filter({ visible: true }).locator('.jp-Cell').first().waitFor(slow);
    await page.locator('.lm-TabBar-tab.lm-mod-current', { hasText: 'first-light.ipynb' }).waitFor(slow);
  });
});
