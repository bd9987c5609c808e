import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { jupyterLab, runCell } from '../browser/jupyterlab.ts';
import { openBrowser } from './browser.ts';
import { anonymous } from './caller.ts';
import { inSession, objectsOf, publicProject, untilGone } from './platform.ts';

let browser: Browser;

beforeAll(async () => {
  if (inject('e2e') !== undefined) browser = await openBrowser();
});
afterAll(() => browser?.close());

it('opens JupyterLab in a browser, runs a cell, follows logs, reads the use of memory, and leaves nothing after its deletion', async () => {
  const caller = anonymous();
  const { name } = await caller.launch(publicProject());
  const session = await caller.until(name, 'running');

  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await page.goto(session.url);
  await jupyterLab(page);
  expect(await runCell(page, 'import os\nprint(os.getcwd(), 6 * 7)')).toBe('/home/jovyan/work/first-light 42');

  const { resources } = await caller.until(name, (each) => each.resources.usage?.memory !== undefined);
  expect(Number.parseFloat(String(resources.usage?.memory))).toBeGreaterThan(0);

  const logs = await caller.api(`/logs/${name}?follow=true&max_lines=0`, { timeoutMs: 120_000 });
  expect(logs.headers.get('content-type')).toContain('text/event-stream');
  const followed = logs.text();
  await inSession(name, 'echo a line of this test > /proc/1/fd/1');

  expect(await objectsOf(name)).not.toEqual([]);
  const deleted = await caller.api(`/servers/${name}`, { method: 'DELETE' });
  expect(deleted.status).toBe(204);
  await untilGone(name);
  expect(await followed).toContain('a line of this test');
});
