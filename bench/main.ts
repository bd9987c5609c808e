/**
 * `npm run bench`: ratios and counts, each with its baseline in the same run. A missed target is reported but is not a
 * failure. A figure that fails is reported with its reason, the others are still measured, and the exit code is 1.
 */
import { parseArgs } from 'node:util';
import type { Figure, Report, Row, Size } from './figure.ts';
import { calls } from './figures/calls.ts';
import { children } from './figures/children.ts';
import { events } from './figures/events.ts';
import { fairness } from './figures/fairness.ts';
import { flood } from './figures/flood.ts';
import { logFollowers } from './figures/followers.ts';
import { kernels } from './figures/kernels.ts';
import { launch } from './figures/launch.ts';
import { openLoop } from './figures/open-loop.ts';
import { operatorMemory } from './figures/operator-memory.ts';
import { processor } from './figures/processor.ts';
import { get, list, list100 } from './figures/reads.ts';
import { save } from './figures/save.ts';
import { scale } from './figures/scale.ts';
import { session } from './figures/session.ts';
import { start } from './figures/start.ts';
import { table } from './table.ts';

const figures: readonly Figure[] = [
  start,
  session,
  calls,
  list,
  get,
  list100,
  openLoop,
  launch,
  logFollowers,
  events,
  processor,
  flood,
  scale,
  operatorMemory,
  children,
  fairness,
  save,
  kernels,
];
const defaultRounds = 7;

const say = (line: string) => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    part: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const rounds = Number(values.rounds ?? defaultRounds);
const share = Number(values.part ?? 1);
const size: Size = { rounds, part: (whole) => Math.max(1, Math.round(whole * share)) };
const wanted = values.only?.split(',');
const unknown = wanted?.find((name) => figures.every((figure) => figure.name !== name));
const usageError =
  (unknown === undefined ? undefined : `There is no figure "${unknown}".`) ??
  (Number.isInteger(rounds) && rounds > 0 ? undefined : '--rounds must be a number.') ??
  (share > 0 && share <= 1 ? undefined : '--part must be more than 0 and at most 1.');
if (values.help || usageError !== undefined) {
  if (usageError !== undefined) say(usageError);
  say(`npm run bench -- [--only FIGURE,...] [--rounds N] [--part P]\n`);
  say(`  --rounds  ${defaultRounds} by default`);
  say(`  --part    of the sessions and times of each figure, such as 0.1: to try a figure. All by default\n`);
  for (const { name, about } of figures) say(`  ${name.padEnd(16)}${about}`);
  process.exit(usageError === undefined ? 0 : 1);
}

const rows: Row[] = [];
const unmeasured: string[] = [];
function missing(line: string): void {
  unmeasured.push(line);
  say(line);
}
for (const { name, about, run } of figures.filter((figure) => wanted?.includes(figure.name) ?? true)) {
  say(`\n${name}: ${about}`);
  const report: Report = {
    row(row) {
      rows.push(row);
      // Now, because a later error would lose it.
      say(table([row]).split('\n').at(-1) ?? '');
    },
    skip: (what, why) => missing(`NOT MEASURED: ${what}: ${why}`),
    progress: (line) => say(`  ${line}`),
  };
  try {
    await run(report, size);
  } catch (error) {
    process.exitCode = 1;
    missing(`FAILED: ${name}: ${error instanceof Error ? error.stack : error}`);
  }
}
if (rows.length > 0) say(`\n${table(rows)}`);
for (const line of unmeasured) say(`\n${line}`);
// A figure that failed may have left a connection open.
process.exit();
