import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { describeInChromium } from './chromium.ts';
import { jupyterLab, runCell } from './jupyterlab.ts';

const patience = { timeout: 120_000 };

describeInChromium('a tab of a session that was stopped', (browser) => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(() => platform?.dispose());

  it('says so, asks nothing any more, and keeps what is open in it', async () => {
    const page = await (await browser.profile()).newPage();
    // So that minutes of JupyterLab's polling pass in a moment.
    await page.clock.install();
    await page.goto(platform.signInLink);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, patience);
    await jupyterLab(page);
    expect(await runCell(page, '"still" + " here"')).toBe("'still here'");
    const name = new URL(page.url()).pathname.split('/')[2];
    expect((await platform.api(`/notebooks/servers/${name}?forced=true`, { method: 'DELETE' })).status).toBe(204);

    const dialog = page.getByRole('dialog', { name: 'This session was stopped' });
    await dialog.waitFor(patience);
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('websocket', (socket) => requests.push(socket.url()));
    await page.clock.runFor('05:00');
    expect(requests).toEqual([]);

    await dialog.getByRole('button', { name: 'Stay on this page' }).click();
    expect(await page.locator('.jp-OutputArea-output').first().innerText()).toContain('still here');
    page.on('dialog', (question) => void question.accept());
    await page.goto(`${platform.sessionOrigin}/sessions/${name}/lab`);
    await page
      .getByRole('heading', { name: 'This session does not exist. It may have been stopped.' })
      .waitFor(patience);
    await page.getByRole('link', { name: 'Projects and sessions' }).click();
    await page.waitForURL(`${platform.origin}/notebooks/`);
  });
});
