/**
 * Runs all lanes of the tests (`.ci/run`), and prints their failures and a table of their results. The output of each lane is printed while it runs, and is
 * in `.ci/logs/LANE.log`. Exits with 1 if a lane failed. At SIGINT, SIGTERM and SIGHUP, ends all lanes with their processes first.
 */
import { constants } from 'node:os';
import { join, relative } from 'node:path';
import { streams } from './lanes.ts';
import { failuresOf, runLanes, tableOf } from './run-lanes.ts';

const logs = join(import.meta.dirname, '..', '..', '.ci', 'logs');
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    process.exitCode = 128 + constants.signals[signal];
    stop.abort();
  });
}

const started = performance.now();
const print = (line: string) => void process.stdout.write(`${line}\n`);
const results = await runLanes(streams, { logs, print, signal: stop.signal });
print(failuresOf(results));
print(`\n${tableOf(results)}\n\nThe output of each lane is in ${relative(process.cwd(), logs)}.`);
const notRun = results.filter(({ outcome }) => outcome === 'NOT RUN');
if (notRun.length > 0) print(`ATTENTION: NOT RUN: ${notRun.map(({ name }) => name).join(', ')}`);
print(`${Math.round((performance.now() - started) / 1000)} seconds`);
if (results.some(({ outcome }) => outcome === 'FAILED')) process.exitCode ??= 1;
