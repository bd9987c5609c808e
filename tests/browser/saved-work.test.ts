import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { volumeOf } from '../support/session-work.ts';
import { describeInChromium } from './chromium.ts';
import { jupyterLab, runCell } from './jupyterlab.ts';

/** Time limit for a step with a real session, on a busy machine. */
const slow = { timeout: 120_000 };

describeInChromium('the work of a real session', (browser) => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(() => platform?.dispose());

  it('is shown, saved, saved again by a stop, listed as an autosave, and back after a launch from that', async () => {
    const page = await (await browser.profile()).newPage();
    const pageErrors: string[] = [];
    page.on('pageerror', (error) => pageErrors.push(String(error)));
    await page.goto(platform.signInLink);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, slow);
    await jupyterLab(page);
    await runCell(page, '!echo precious > precious.txt && git add precious.txt && git commit --message "Keep it"');
    const name = new URL(page.url()).pathname.split('/')[2] ?? '';

    await page.goto(`${platform.origin}/notebooks/`);
    const card = page.getByRole('article', { name: /first-light/ });
    await card.getByText(/^Not saved: .*1 commit\.$/).waitFor(slow);
    await card.getByText(/^Files and commits/).click();
    await card.getByText('1 commit not pushed, branch main').waitFor(slow);
    await card.getByRole('button', { name: /^Save the work of demo.first-light/ }).click();
    await card.getByText(/^Saved as an autosave in the repository: .*1 commit\.$/).waitFor(slow);
    await card.getByText(/^All work is saved: /).waitFor(slow);

    const file = join(volumeOf(platform, name), 'first-light', 'later.txt');
    writeFileSync(file, 'later\n');
    await page.reload();
    await card.getByText(/^Not saved: /).waitFor(slow);
    await card.getByRole('button', { name: /^Stop/ }).click();
    const question = page.getByRole('dialog', { name: /^Stop demo.first-light/ });
    await question.getByText('Its work is saved first, as an autosave in the repository.').waitFor(slow);
    await question.getByText('later.txt', { exact: true }).waitFor();
    await question.getByRole('button', { name: 'Save and stop' }).click();
    await card.waitFor({ state: 'detached', ...slow });

    await page.getByRole('link', { name: 'Autosaves of demo/first-light' }).click(slow);
    await expect.poll(() => page.getByRole('article').count(), slow).toBe(1);
    const autosave = page.getByRole('article');
    await autosave.getByText(/^\d files changed and 1 commit\.$/).waitFor(slow);
    await autosave.getByText(/^Files and commits/).click();
    for (const text of ['precious.txt', 'later.txt']) await autosave.getByText(text, { exact: true }).waitFor();
    await autosave.getByText(/^[0-9a-f]{8} Keep it$/).waitFor();
    await autosave.getByRole('link', { name: /^Launch from this autosave/ }).click();
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, slow);
    await jupyterLab(page);
    for (const text of ['precious.txt', 'later.txt'])
      await page.locator('.jp-DirListing-item', { hasText: text }).waitFor(slow);
    expect(await runCell(page, '!cat precious.txt later.txt && git log -1 --format=%s')).toBe(
      ['precious', 'later', 'Keep it'].join('\n'),
    );

    expect(pageErrors).toEqual([]);
  });
});
