import { randomBytes } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findChromium, launchChromium } from '../browser/chromium.ts';
import { jupyterLab, runCell } from '../browser/jupyterlab.ts';
import { anonymous, objectsOf, platform, untilGone } from './platform.ts';

let browser: Browser;

beforeAll(async () => {
  const executable = findChromium();
  if (executable === undefined) throw new Error('Chromium is missing (apt-get install chromium)');
  browser = await launchChromium(executable);
});
afterAll(() => browser?.close());

it('opens JupyterLab in a browser, runs a cell, streams logs, and leaves nothing after its deletion', async () => {
  const caller = anonymous(randomBytes(8).toString('hex'));
  const { commits } = platform().backends;
  const { name } = await caller.launch({ namespace: 'demo', project: 'first-light', commit_sha: commits.public });
  const session = await caller.until(name, 'running');

  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await page.goto(session.url);
  await jupyterLab(page);
  expect(await runCell(page, 'import os\nprint(os.getcwd(), 6 * 7)')).toBe('/home/jovyan/work/first-light 42');

  const logs = await (await caller.api(`/logs/${name}?max_lines=1000`)).json();
  expect(Object.keys(logs as object)).toContain('jupyter-server');

  expect(await objectsOf(name)).not.toEqual([]);
  const deleted = await caller.api(`/servers/${name}`, { method: 'DELETE' });
  expect(deleted.status).toBe(204);
  await untilGone(name);
});
