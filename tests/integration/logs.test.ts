import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { LogLine } from '../../src/generated/openapi.ts';
import { LogStream } from '../support/logs/log-stream.ts';
import { cookieFrom, type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, openSession, type SessionResponse, waitForState } from '../support/session.ts';

/** Logs of a real Jupyter, through the gateway. Tests that must control the log are in src/logs/follow*.test.ts. */

const patience = { timeout: 120_000, interval: 100 };

let platform: Platform;
const open: LogStream[] = [];
beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
});
afterAll(() => platform?.dispose());
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});

async function follow(name: string, query = '', headers: Record<string, string> = {}): Promise<LogStream> {
  const cookie = cookieFrom(join(platform.stateDir, 'cookies.txt'));
  const url = `${platform.origin}/notebooks/logs/${name}?follow=true${query}`;
  const stream = await LogStream.open(url, { cookie, ...headers });
  open.push(stream);
  return stream.read();
}

it('the logs of a session can be followed by many from its launch to its end, and resumed', async () => {
  const launched = await platform.api('/notebooks/servers', launchBody(await demoCommit(platform)));
  const { name } = (await launched.json()) as SessionResponse;
  const streams = await Promise.all(Array.from({ length: 20 }, () => follow(name, '&max_lines=100000')));
  const [first, ...others] = streams as [LogStream, ...LogStream[]];
  expect(first.message.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
  });

  const { url } = await waitForState(platform, name, ['running']);
  await expect.poll(() => first.lines('git-clone').length, patience).toBeGreaterThan(0);
  await expect.poll(() => first.lines('jupyter-server').join('\n'), patience).toContain('is running at');
  const session = await openSession(platform, url);
  const kernel = await session.startKernel();
  await expect.poll(() => first.lines('jupyter-server').join('\n'), patience).toContain(kernel);
  for (const { event, data } of first.events.filter((each) => each.event === 'message')) {
    expect((data as LogLine).time, `${event} ${JSON.stringify(data)}`).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  }
  await expect
    .poll(() => others.every((stream) => stream.lines().length === first.lines().length), patience)
    .toBe(true);
  for (const stream of others) {
    for (const container of ['git-clone', 'jupyter-server'])
      expect(stream.lines(container)).toEqual(first.lines(container));
  }

  const half = Math.floor(first.events.length / 2);
  const resumed = await follow(name, '', { 'last-event-id': first.events[half]?.id ?? '' });
  const rest = (container: string): string[] =>
    first.events
      .slice(half + 1)
      .map(({ data }) => data as LogLine)
      .filter((line) => line.container === container)
      .map(({ line }) => line);
  // Jupyter keeps writing: each stream resumes after the lines that were received so far.
  for (const container of ['git-clone', 'jupyter-server']) {
    const expected = rest(container);
    await expect.poll(() => resumed.lines(container).slice(0, expected.length), patience).toEqual(expected);
  }

  const text = (await (await platform.api(`/notebooks/logs/${name}`)).json()) as Record<string, string>;
  const shown = text['jupyter-server']
    ?.trimEnd()
    .split('\n')
    .map((line) => line.slice(line.indexOf(' ') + 1));
  expect(shown?.length).toBeGreaterThan(0);
  await expect.poll(() => first.lines('jupyter-server').join('\n'), patience).toContain(shown?.join('\n'));

  const response = await platform.api(`/notebooks/servers/${name}?forced=true`, { method: 'DELETE' });
  expect(response.status).toBe(204);
  await expect.poll(() => [...streams, resumed].every(({ isOver }) => isOver), patience).toBe(true);
  expect(new Set([...streams, resumed].map(({ ending }) => ending))).toEqual(new Set(['deleted']));
  expect((await follow(name)).message.statusCode).toBe(404);
});

it('a follower of a fast log gets every line, or the number of lines that it did not get', async () => {
  const launched = await platform.api('/notebooks/servers', launchBody(await demoCommit(platform)));
  const { name } = (await launched.json()) as SessionResponse;
  const { url } = await waitForState(platform, name, ['running']);
  const stream = await follow(name, '&container=jupyter-server&max_lines=0');
  const session = await openSession(platform, url);
  const kernel = await session.startKernel();
  // Writes to the output of Jupyter, which is the container's log: 21 MB, more than two log files can hold.
  const count = 60_000;
  await session.execute(
    kernel,
    `import os
with open(f"/proc/{os.getppid()}/fd/1", "wb") as log:
    for number in range(${count}):
        log.write(b"flood %06d %s\\n" % (number, b"x" * 340))
    log.write(b"flood is over\\n")`,
  );
  await expect.poll(() => stream.lines(), patience).toContain('flood is over');

  const numbers = stream.lines().flatMap((line) => /^flood (\d+) x/.exec(line)?.[1] ?? []);
  const skipped = stream.named<{ lines: number }>('skipped').map(({ lines }) => lines);
  const missed = stream.lines().flatMap((line) => /^(\d+) lines were written faster/.exec(line)?.[1] ?? []);
  const missedCount = [...skipped, ...missed.map(Number)].reduce((sum, lines) => sum + lines, 0);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numbers).toEqual([...numbers].sort());
  // The skipped lines may include lines of Jupyter itself.
  expect(numbers.length + missedCount).toBeGreaterThanOrEqual(count);
  expect(numbers.length + missedCount).toBeLessThan(count + 50);
  expect((await platform.api(`/notebooks/servers/${name}?forced=true`, { method: 'DELETE' })).status).toBe(204);
});
