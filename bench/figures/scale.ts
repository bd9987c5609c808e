import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type BackEnds, startBackEnds } from '../backends.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { imageCommand } from '../image.ts';
import { load } from '../load.ts';
import { processorMs, residentBytes } from '../processor-time.ts';
import { type ServiceUnderTest, startService } from '../service.ts';
import { addSessionsOfOthers, branchNames, launchSessions, pushBranches } from '../sessions.ts';
import { until } from '../until.ts';

const root = join(import.meta.dirname, '..', '..');
const own = 10;
const few = 100;
const allSmall = 1_100;
const allLarge = 10_000;
const users = 5_000;
const mebibyte = 1024 * 1024;
/** Of reads at full rate. */
const busyMs = 60_000;
/** Time without requests before the memory of an idle service is read. */
const idleMs = 10_000;
const syncMs = 120_000;

export const scale: Figure = {
  name: 'scale',
  about: `memory at ${allSmall} and ${allLarge} sessions of ${users} users, and the cold start of the cache`,
  run: measure,
};

async function measure(report: Report, { rounds, part }: Size): Promise<void> {
  const small = few + part(allSmall - few);
  const large = small + part(allLarge - allSmall);
  await using backEnds = await startBackEnds();
  const branches = branchNames(own);
  const names: string[] = [];
  let costOfFew = Number.NaN;
  {
    await using service = await startService(backEnds);
    names.push(...(await launchSessions(backEnds, service, branches, await pushBranches(backEnds, branches))));
    addSessionsOfOthers(backEnds, names[0] as string, few - own, users, 'first');
    costOfFew = await costOfList(service, rounds);
    addSessionsOfOthers(backEnds, names[0] as string, small - few, users);
  }
  {
    await using service = await startService(backEnds);
    await wait(part(idleMs));
    memory(report, service, `memory at ${small} sessions, idle`, 120);
    const seconds = part(busyMs) / 1000;
    report.progress(`${seconds} s of reads at full rate`);
    for (const path of [`/servers/${names[0]}`, '/servers']) {
      await load(service.url + path, { headers: service.headers, connections: 16, seconds: seconds / 2 });
    }
    memory(report, service, `memory at ${small} sessions, after a minute of reads at full rate`, 200);
  }
  report.progress(`creating ${large - small} more sessions`);
  addSessionsOfOthers(backEnds, names[0] as string, large - small, users, 'more');
  const raw = await drain(backEnds, large);
  {
    await using service = await startService(backEnds);
    const synced = await untilSynced(backEnds);
    const stall = await longestStall(service);
    report.row({
      ...{ what: `cold start of the cache with ${large} sessions`, measured: synced, unit: 'ms' },
      baseline: { is: 'raw pages', measured: raw.ms },
      target: { of: 'ratio', atMost: 1.3 },
    });
    report.row({
      ...{ what: '  longest stall of the event loop', measured: stall, unit: 'ms' },
      baseline: { is: 'raw pages', measured: raw.stallMs },
      target: { of: 'ratio', atMost: 2 },
    });
    await wait(part(idleMs));
    memory(report, service, `memory at ${large} sessions, after a restart`, 200);
    report.row({
      ...{
        what: `processor time of GET /servers, ${own} own of ${large}`,
        measured: await costOfList(service, rounds),
        unit: 'ms',
      },
      baseline: { is: `${own} own of ${few}`, measured: costOfFew },
      target: { of: 'ratio', atMost: 1.2 },
    });
  }
}

/** Returns the processor time of the service per request, in milliseconds. */
async function costOfList({ url, headers, pid }: ServiceUnderTest, rounds: number): Promise<number> {
  const costs: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const before = processorMs(pid);
    const seconds = round === 0 && rounds > 1 ? 5 : 1;
    const { requests } = await load(`${url}/servers`, { headers, connections: 16, seconds });
    // The first round is a warm-up. Other programs only add to the time, so the minimum is the best estimate.
    if (round > 0) costs.push((processorMs(pid) - before) / requests);
  }
  return Math.min(...costs);
}

function memory(report: Report, { pid }: ServiceUnderTest, what: string, mebibytes: number): void {
  report.row({
    what,
    measured: residentBytes(pid) / mebibyte,
    unit: 'MiB',
    target: { of: 'value', atMost: mebibytes },
  });
}

/** Reads the pages of the list in a process that keeps nothing. */
async function drain({ serviceEnvironment }: BackEnds, sessions: number): Promise<{ ms: number; stallMs: number }> {
  const { options, env } = imageCommand('service');
  const { stdout } = await promisify(execFile)(process.execPath, [...options, join(root, 'bench/raw-drain.ts')], {
    env: { ...serviceEnvironment, ...env },
  });
  const [, read, ms, stallMs] = /^drained (\d+) (\S+) (\S+)$/m.exec(stdout) ?? [];
  if (Number(read) !== sessions) throw new Error(`the raw drain read ${read} sessions`);
  return { ms: Number(ms), stallMs: Number(stallMs) };
}

interface LogLine {
  readonly time: string;
  readonly msg: string;
  readonly metrics?: { readonly port: number };
}

const linesOf = (directory: string): LogLine[] =>
  readFileSync(join(directory, 'service.log'), 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));

/** Returns the milliseconds from the start of the listener, when the first list begins, until the cache has synced. */
function untilSynced({ directory }: BackEnds): Promise<number> {
  const synced = (): number | undefined => {
    const lines = linesOf(directory);
    const [begun, ended] = ['listening', 'all sessions are known'].map((wanted) => {
      const line = lines.findLast(({ msg }) => msg === wanted);
      return Date.parse(line?.time ?? '');
    });
    const ms = Number(ended) - Number(begun);
    return ms >= 0 ? ms : undefined;
  };
  return until('the cache to have all sessions', synced, { withinMs: syncMs, everyMs: 100 });
}

/** Returns the longest stall since the start, in milliseconds. */
async function longestStall({ directory }: ServiceUnderTest): Promise<number> {
  const port = linesOf(directory).findLast(({ metrics }) => metrics)?.metrics?.port;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1]) * 1000;
}
