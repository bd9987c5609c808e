import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { password, type RcloneServer, startRcloneServer } from '../support/rclone/servers.ts';
import { volumeOf } from '../support/session-work.ts';
import { patience } from '../support/wait-for.ts';
import { describeInChromium } from './chromium.ts';

/** Time limit for a step with a real session, on a busy machine. */
const slow = { timeout: 120_000 };

describeInChromium('a synchronized folder of a real session', (browser) => {
  let platform: Platform;
  let server: RcloneServer;
  beforeAll(async () => {
    [platform, server] = await Promise.all([startPlatform(), startRcloneServer('webdav', '1s')]);
  });
  afterAll(async () => {
    await platform?.dispose();
    await server?.[Symbol.asyncDispose]();
  });

  it('is created on the page, says that the password is wrong and what to do, and then has its files on the server', async () => {
    const page = await (await browser.profile()).newPage();
    const pageErrors: string[] = [];
    page.on('pageerror', (error) => pageErrors.push(String(error)));
    await page.goto(platform.signInLink);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, slow);
    const name = new URL(page.url()).pathname.split('/')[2] ?? '';

    await page.goto(`${platform.origin}/notebooks/`);
    const card = page.getByRole('article', { name: /first-light/ });
    await card.getByRole('button', { name: /^Synchronize a folder of / }).click(slow);
    const form = card.getByRole('form', { name: 'Synchronize a folder' });
    await form.getByLabel('Folder in the session', { exact: true }).fill('data');
    await form.getByLabel('Kind of server', { exact: true }).selectOption('Another server');
    await form.getByLabel('Address', { exact: true }).fill(server.remote.options['url'] ?? '');
    await form.getByLabel('User', { exact: true }).fill(server.remote.options['user'] ?? '');
    await form.getByLabel('Password', { exact: true }).fill('a wrong password');
    await form.getByRole('button', { name: 'Synchronize' }).click();
    await card
      .getByText(/^The remote rejects the credentials: .*Enter the user and the password again\./)
      .waitFor(slow);

    await card.getByRole('button', { name: 'Change the folder data' }).click();
    const change = card.getByRole('form', { name: 'Change the folder data' });
    await change.getByLabel('Password (optional)', { exact: true }).fill(password);
    await change.getByRole('button', { name: 'Save' }).click();
    await card.getByText(/^data and 127\.0\.0\.1:\d+: synchronized just now\.$/).waitFor(slow);

    writeFileSync(join(volumeOf(platform, name), 'first-light/data/result.csv'), 'a,b\n1,2\n');
    await expect.poll(() => existsSync(join(server.folder, 'result.csv')), patience).toBe(true);
    expect(readFileSync(join(server.folder, 'result.csv'), 'utf8')).toBe('a,b\n1,2\n');
    expect(pageErrors).toEqual([]);
  });
});
