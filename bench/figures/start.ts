import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Deadline } from '../../src/lib/deadline.ts';
import { freePort } from '../../tests/support/free-ports.ts';
import { cookieFrom } from '../../tests/support/platform.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { startProgram } from '../child.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { inTurns, median } from '../rounds.ts';
import { untilAnswered } from '../until-answered.ts';

const root = join(import.meta.dirname, '..', '..');
/** A first start may have to install Python packages. */
const coldStartMs = 600_000;
const warmStartMs = 300_000;
const stopMs = 60_000;

export const start: Figure = {
  name: 'start',
  about: 'a warm npm start, to the first successful request',
  run: measure,
};

async function measure(report: Report, { rounds }: Size): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'notebook-sessions-bench-'));
  try {
    const port = await freePort();
    report.progress('a first start (not measured)');
    await npmStart(stateDir, port, coldStartMs);
    report.progress(`${rounds} rounds`);
    const seconds = await inTurns(rounds, {
      ours: () => npmStart(stateDir, port, warmStartMs),
      bare: bareStart,
    });
    report.row({
      what: 'warm npm start to the first response',
      measured: median(seconds.ours),
      unit: 's',
      baseline: { is: 'bare Express', measured: median(seconds.bare) },
      target: { of: 'value', atMost: 3 },
    });
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/**
 * Returns the seconds until `GET /notebooks/servers` is a 200, with the cookie file that the platform writes. Meanwhile the demo
 * session of the previous start continues.
 */
async function npmStart(stateDir: string, port: number, withinMs: number): Promise<number> {
  const begun = performance.now();
  // A separate process group, like that of a terminal; the signal below is Ctrl-C.
  const child = spawn('npm', ['start', '--', '--port', String(port), '--state', stateDir], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(child, 'exit');
  const link = printed(child, /\/auth\/sign-in/);
  try {
    const gone = new AbortController();
    child.once('exit', () => gone.abort());
    const deadline = Deadline.after(withinMs, gone.signal);
    const cookies = join(stateDir, 'cookies.txt');
    const headers = () => (existsSync(cookies) ? { cookie: cookieFrom(cookies) } : {});
    await untilAnswered({ url: `http://127.0.0.1:${port}/notebooks/servers`, headers, deadline });
    const seconds = (performance.now() - begun) / 1000;
    // Only now has everything started, so that stopping is like for a user.
    await link;
    return seconds;
  } finally {
    if (child.exitCode === null) process.kill(-(child.pid as number), 'SIGINT');
    await waitFor(ended, 'the platform to stop', { limitMs: stopMs }).catch((error: unknown) => {
      process.kill(-(child.pid as number), 'SIGKILL');
      throw error;
    });
  }
}

function printed(child: ChildProcess, pattern: RegExp): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => pattern.test(line) && resolve());
  return promise;
}

async function bareStart(): Promise<number> {
  const begun = performance.now();
  await using bare = await startProgram([join(root, 'bench/baseline.ts'), '/servers'], {
    input: '{}',
    until: /^http:.*/,
  });
  await untilAnswered({ url: `${bare.match[0]}/notebooks/servers`, deadline: Deadline.after(warmStartMs) });
  return (performance.now() - begun) / 1000;
}
