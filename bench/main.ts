/**
 * `npm run bench`: ratios and counts, each with its baseline in the same run. A missed target is reported but is not a
 * failure; only errors are.
 */
import { parseArgs } from 'node:util';
import type { Figure, Report, Row } from './figure.ts';
import { calls } from './figures/calls.ts';
import { children } from './figures/children.ts';
import { events } from './figures/events.ts';
import { flood } from './figures/flood.ts';
import { logFollowers } from './figures/followers.ts';
import { launch } from './figures/launch.ts';
import { operatorMemory } from './figures/operator-memory.ts';
import { processor } from './figures/processor.ts';
import { get, list, list100 } from './figures/reads.ts';
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
  launch,
  logFollowers,
  events,
  processor,
  flood,
  scale,
  operatorMemory,
  children,
];
const defaultRounds = 7;

const say = (line: string) => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: { only: { type: 'string' }, rounds: { type: 'string' }, help: { type: 'boolean' } },
});
const rounds = Number(values.rounds ?? defaultRounds);
const wanted = values.only?.split(',');
const unknown = wanted?.find((name) => figures.every((figure) => figure.name !== name));
const usageError =
  unknown !== undefined
    ? `There is no figure "${unknown}".`
    : Number.isInteger(rounds) && rounds > 0
      ? undefined
      : '--rounds must be a number.';
if (values.help || usageError !== undefined) {
  if (usageError !== undefined) say(usageError);
  say(`npm run bench -- [--only FIGURE,...] [--rounds N]    (${defaultRounds} rounds by default)\n`);
  for (const { name, about } of figures) say(`  ${name.padEnd(12)}${about}`);
  process.exit(usageError === undefined ? 0 : 1);
}

const rows: Row[] = [];
const skipped: string[] = [];
for (const { name, about, run } of figures.filter((figure) => wanted?.includes(figure.name) ?? true)) {
  say(`\n${name}: ${about}`);
  const report: Report = {
    row(row) {
      rows.push(row);
      // Now, because a later error would lose it.
      say(table([row]).split('\n').at(-1) ?? '');
    },
    skip(what, why) {
      skipped.push(`NOT MEASURED: ${what}: ${why}`);
      say(`  NOT MEASURED: ${what}: ${why}`);
    },
    progress: (line) => say(`  ${line}`),
  };
  await run(report, rounds);
}
say(`\n${table(rows)}`);
for (const line of skipped) say(`\n${line}`);
