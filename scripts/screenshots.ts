/**
 * Takes the screenshots of the README (docs/screenshots) from a running platform: `npm run screenshots`. Needs a Chromium,
 * like the browser tests. Install the font Inter so that the pictures look like those on most machines.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Page } from 'playwright-core';
import { blockOtherHosts, findChromium, launchChromium } from '../tests/browser/chromium.ts';
import { jupyterLab } from '../tests/browser/jupyterlab.ts';
import { startPlatform } from '../tests/support/platform.ts';

const directory = join(import.meta.dirname, '..', 'docs', 'screenshots');
const maxBytes = 300 * 1000;
const patience = { timeout: 120_000 };

async function shoot(page: Page, name: string, { fullPage = false } = {}): Promise<void> {
  const file = join(directory, `${name}.png`);
  await page.screenshot({ path: file, animations: 'disabled', caret: 'hide', fullPage });
  const { size } = statSync(file);
  process.stdout.write(`${relative(process.cwd(), file)}  ${Math.round(size / 1000)} kB\n`);
  if (size > maxBytes) throw new Error(`${name}.png is larger than ${maxBytes / 1000} kB`);
}

/** Creates a repository to serve beside the demo project. */
function makeProject(parent: string, name: string, description: string): string {
  const path = join(parent, name);
  mkdirSync(path);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], { cwd: path });
  git('init', '--quiet', '--initial-branch=main');
  writeFileSync(join(path, 'README.md'), `# ${name}\n\n${description}\n`);
  git('add', '--all');
  git('commit', '--quiet', '--message', description);
  return path;
}

async function main(): Promise<void> {
  const executable = findChromium();
  if (!executable) throw new Error('No Chromium found. Install it, or name it in the variable CHROMIUM.');
  mkdirSync(directory, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'screenshots-'));
  const projects = [
    makeProject(scratch, 'glacier-mass-balance', 'What 38 Alpine glaciers gained and lost'),
    makeProject(scratch, 'bird-counts', 'Forty winters at the feeder'),
  ];
  const platform = await startPlatform({ args: projects.flatMap((path) => ['--project', path]) });
  const browser = await launchChromium(executable);
  try {
    const context = await browser.newContext({ viewport: { width: 1120, height: 760 }, colorScheme: 'light' });
    const otherAddresses: string[] = [];
    await blockOtherHosts(context, (address) => otherAddresses.push(address));
    const page = await context.newPage();

    // The sign-in opens the session of the first project, which the sessions page then lists.
    await page.goto(platform.signInLink);
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, patience);

    await page.goto(`${platform.origin}/notebooks/launch/demo/first-light?default_url=/lab/tree/first-light.ipynb`);
    await page.getByRole('radio', { checked: true }).waitFor(patience);
    await page.getByRole('button', { name: 'Add a variable' }).click();
    await page.keyboard.type('SMOOTHING');
    await page.keyboard.press('Tab');
    await page.keyboard.type('13');
    await shoot(page, 'options', { fullPage: true });
    await page.getByRole('button', { name: 'Launch', exact: true }).click();
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, patience);
    await jupyterLab(page);
    await page.locator('.jp-NotebookPanel').waitFor(patience);
    // JupyterLab ignores commands until the kernel is ready.
    await page.locator('#jp-main-statusbar').getByText('| Idle').waitFor(patience);
    const chart = page.locator('.jp-RenderedImage').first();
    await page.getByRole('menuitem', { name: 'Run', exact: true }).click();
    await page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click();
    await page.locator('.jp-NotebookPanel .jp-InputPrompt', { hasText: '[4]' }).waitFor(patience);
    // JupyterLab has scrolled to the last cell and draws only visible cells: scroll back to the first chart.
    await page.locator('.jp-NotebookPanel .jp-WindowedPanel-outer').evaluate((panel) => panel.scrollTo(0, 0));
    await chart.scrollIntoViewIfNeeded(patience);
    await shoot(page, 'jupyterlab');

    await page.goto(`${platform.origin}/notebooks/`);
    await page.getByRole('link', { name: /^Launch .*bird-counts/ }).click();
    await page.locator('.step[data-status="executing"]').first().waitFor(patience);
    await shoot(page, 'launch');
    await page.waitForURL(`${platform.sessionOrigin}/sessions/**`, patience);

    await page.goto(`${platform.origin}/notebooks/`);
    await page
      .getByText(/ of .* cores?$/)
      .first()
      .waitFor(patience);
    await page
      .getByRole('link', { name: /^Launch/ })
      .first()
      .waitFor(patience);
    await shoot(page, 'sessions');

    await page.goto(`${platform.origin}/notebooks/docs`);
    await page.locator('.opblock').first().waitFor(patience);
    await shoot(page, 'api-docs');
    if (otherAddresses.length > 0) throw new Error(`The pages requested other hosts: ${otherAddresses.join(', ')}`);
  } finally {
    await browser.close();
    await platform.dispose();
    rmSync(scratch, { recursive: true, force: true });
  }
}

await main();
