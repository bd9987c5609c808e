import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { describeInChromium } from './chromium.ts';
import { jupyterLab, runCell } from './jupyterlab.ts';

const slow = { timeout: 120_000 };

describeInChromium('the tab of a stopped session', (browser) => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await startPlatform();
  });
  afterAll(() => platform?.dispose());

  it('shows that the session was stopped, sends no requests, and keeps its content', async () => {
    const page = await (await browser.profile()).newPage();
    // A fake clock, so that the polls of some minutes run at once.
    await page.clock.install();
    await page.goto(platform.signInLink);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, slow);
    await jupyterLab(page);
    expect(await runCell(page, '"still" + " here"')).toBe("'still here'");
    const name = new URL(page.url()).pathname.split('/')[2];
    expect((await platform.api(`/notebooks/servers/${name}?forced=true`, { method: 'DELETE' })).status).toBe(204);

    const dialog = page.getByRole('dialog', { name: 'This session was stopped' });
    await dialog.waitFor(slow);
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('websocket', (socket) => requests.push(socket.url()));
    await page.clock.runFor('05:00');
    expect(requests).toEqual([]);

    await dialog.getByRole('button', { name: 'Stay on this page' }).click();
    expect(await page.locator('.jp-OutputArea-output').first().innerText()).toContain('still here');
    page.on('dialog', (question) => void question.accept());
    await page.goto(`${platform.sessionOrigin}/sessions/${name}/lab`);
    await page.getByRole('heading', { name: 'This session does not exist. It may have been stopped.' }).waitFor(slow);
    await page.getByRole('link', { name: 'Projects and sessions' }).click();
    await page.waitForURL(`${platform.origin}/notebooks/`);
  });
});
