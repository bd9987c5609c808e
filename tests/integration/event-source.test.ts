import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Agent, EventSource } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EventsEnd, LogLine, NotebookResponse } from '../../src/generated/openapi.ts';
import { cookieFrom, type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, openSession, type SessionResponse, waitForState } from '../support/session.ts';

const patience = { timeout: 120_000, interval: 100 };

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
});
afterAll(() => platform?.dispose());

/** Returns a client like those of browsers: it reconnects automatically, and gives up at a response other than 200. */
function eventSource(url: string): EventSource {
  const cookie = cookieFrom(join(platform.stateDir, 'cookies.txt'));
  const dispatcher = new Agent().compose(
    (dispatch) => (options, handler) => dispatch({ ...options, headers: { ...options.headers, cookie } }, handler),
  );
  return new EventSource(url, { node: { dispatcher } });
}

/** Returns the data of an event that has a type of its own. */
const dataOf = <Data>(event: Event): Data => JSON.parse(String((event as Event & { data?: unknown }).data)) as Data;

function servicePid(): number {
  const found = platform.programs().find((pid) => /src\/main\.ts/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
  if (found === undefined) throw new Error('the service does not run');
  return found;
}

async function jupyterLog(name: string): Promise<string[]> {
  const response = await platform.api(`/notebooks/logs/${name}?max_lines=100000`);
  const text = ((await response.json()) as Record<string, string>)['jupyter-server'] ?? '';
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(line.indexOf(' ') + 1));
}

it('an EventSource stays open over restarts of the service, and gets each line and each state once', async () => {
  const launched = await platform.api('/notebooks/servers', launchBody(await demoCommit(platform)));
  const { name } = (await launched.json()) as SessionResponse;
  const { url } = await waitForState(platform, name, ['running']);
  const session = await openSession(platform, url);

  const lines: string[] = [];
  let opened = 0;
  const wasClosed: boolean[] = [];
  const source = eventSource(`${platform.origin}/notebooks/logs/${name}?follow=true&max_lines=100000`);
  source.addEventListener('open', () => (opened += 1));
  source.addEventListener('error', () => wasClosed.push(source.readyState === EventSource.CLOSED));
  source.addEventListener('message', ({ data }) => {
    const { container, line } = JSON.parse(String(data)) as LogLine;
    if (container === 'jupyter-server') lines.push(line);
  });
  const states: string[] = [];
  const endings: string[] = [];
  let eventsOpened = 0;
  const events = eventSource(`${platform.origin}/notebooks/servers/${name}/events`);
  events.addEventListener('open', () => (eventsOpened += 1));
  events.addEventListener('error', () => wasClosed.push(events.readyState === EventSource.CLOSED));
  events.addEventListener('session', (event) => states.push(dataOf<NotebookResponse>(event).status.state));
  events.addEventListener('end', (event) => endings.push(dataOf<EventsEnd>(event).reason));
  const isSeen = (kernel: string) => lines.some((line) => line.includes(kernel));
  await expect.poll(() => isSeen('is running at'), patience).toBe(true);

  for (const [round, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
    const before = servicePid();
    process.kill(before, signal);
    // This line is written while no connection is open: the client gets it only if it resumes at its last line.
    const kernel = await session.startKernel();
    await expect.poll(() => opened, patience).toBe(round + 2);
    await expect.poll(() => eventsOpened, patience).toBe(round + 2);
    await expect.poll(() => isSeen(kernel), patience).toBe(true);
    expect(servicePid()).not.toBe(before);
  }
  // Jupyter may write more lines meanwhile.
  await expect
    .poll(async () => {
      const shown = await jupyterLog(name);
      return isDeepStrictEqual(lines, shown) ? 'equal' : { lines: [...lines], shown };
    }, patience)
    .toBe('equal');
  expect(wasClosed).not.toContain(true);
  source.close();

  expect(endings).toEqual(['shutdown']);
  expect(new Set(states)).toEqual(new Set(['running']));
  await platform.api(`/notebooks/servers/${name}`, { method: 'DELETE' });
  await expect.poll(() => endings, patience).toEqual(['shutdown', 'deleted']);
  expect(states.at(-1)).toBe('stopping');
  events.close();
});
