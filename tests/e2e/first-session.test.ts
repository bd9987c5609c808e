import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { jupyterLab, runCell } from '../browser/jupyterlab.ts';
import { openBrowser } from './browser.ts';
import { anonymous } from './caller.ts';
import { objectsOf, publicProject, untilGone } from './platform.ts';

let browser: Browser;

beforeAll(async () => {
  if (inject('e2e') !== undefined) browser = await openBrowser();
});
afterAll(() => browser?.close());

it('opens JupyterLab in a browser, runs a cell, streams logs, and leaves nothing after its deletion', async () => {
  const caller = anonymous();
  const { name } = await caller.launch(publicProject());
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
