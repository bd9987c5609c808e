import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startBackEnds } from '../backends.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { load } from '../load.ts';
import { inTurns, median } from '../rounds.ts';
import { startService } from '../service.ts';
import { branchNames, launchSessions, pushBranches } from '../sessions.ts';

/** Requests of the flood at the same time; up to the limit of one user. */
const floodConnections = 64;
const seconds = 2;
/** For the start of the process that sends the flood. */
const startSeconds = 2;
const root = join(import.meta.dirname, '..', '..');

export const flood: Figure = {
  name: 'flood',
  about: 'p99 of the reads of one user while another user sends as many requests as possible',
  run: measure,
};

async function measure(report: Report, { rounds }: Size): Promise<void> {
  await using backEnds = await startBackEnds();
  await using service = await startService(backEnds);
  const branches = branchNames(10);
  const [name = ''] = await launchSessions(backEnds, service, branches, await pushBranches(backEnds, branches));
  const url = `${service.url}/servers/${name}`;
  const read = () => load(url, { headers: service.headers, connections: 1, seconds, everyMs: 5 });
  const results = await inTurns(rounds, {
    alone: read,
    flooded: async () => {
      const flooding = promisify(execFile)(process.execPath, [
        ...[join(root, 'bench/flooding.ts'), `${service.url}/servers`, 'anon-flood'],
        ...[String(floodConnections), String(seconds + startSeconds)],
      ]);
      await wait(startSeconds * 1000);
      const result = await read();
      await flooding;
      return result;
    },
  });
  const middle = (of: readonly { p99Ms: number }[]) => median(of.map(({ p99Ms }) => p99Ms));
  report.row({
    what: `p99 of a user’s reads during a flood of ${floodConnections} requests of another`,
    measured: middle(results.flooded),
    unit: 'ms',
    baseline: { is: 'without the flood', measured: middle(results.alone) },
    target: { of: 'ratio', atMost: 2 },
  });
}
