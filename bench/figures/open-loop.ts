import { startBackEnds } from '../backends.ts';
import { startProgram } from '../child.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { imageCommand } from '../image.ts';
import { load, openLoad } from '../load.ts';
import { inTurns, median } from '../rounds.ts';
import { startService } from '../service.ts';
import { addSessionsOfOthers, branchNames, launchSessions, pushBranches } from '../sessions.ts';

const own = 10;
const sessions = 1_000;
/** Fewer than the requests in progress that the service allows one user. */
const connections = 90;
const roundMs = 5_000;

export const openLoop: Figure = {
  name: 'open-loop',
  about: 'p99 of GET /servers of one user, at half of the rate that the bare route reaches',
  run: measure,
};

async function measure(report: Report, { rounds, part }: Size): Promise<void> {
  await using backEnds = await startBackEnds();
  await using service = await startService(backEnds);
  const branches = branchNames(own);
  const names = await launchSessions(backEnds, service, branches, await pushBranches(backEnds, branches));
  addSessionsOfOthers(backEnds, names[0] ?? '', part(sessions - own));
  const { text } = await service.call('GET', '/servers', [200]);
  const { options, env } = imageCommand('service');
  await using baseline = await startProgram([...options, 'bench/baseline.ts', '/servers'], {
    ...{ env, input: text, until: /^http:.*/ },
  });
  const { headers } = service;
  const urls = { ours: `${service.url}/servers`, bare: `${baseline.match[0]}/notebooks/servers` };

  const seconds = part(roundMs) / 1000;
  const rates: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    // The first round is a warm-up of both.
    await load(urls.ours, { headers, connections: 16, seconds: round === 0 ? seconds : 0.1 });
    const { requestsPerSecond } = await load(urls.bare, { headers, connections: 16, seconds });
    if (round > 0) rates.push(requestsPerSecond);
  }
  const perSecond = median(rates) / 2;
  report.progress(`${rounds} rounds at ${Math.round(perSecond)} requests/s`);
  const at = (url: string) => () => openLoad(url, { headers, connections, seconds, perSecond });
  const results = await inTurns(rounds, { ours: at(urls.ours), bare: at(urls.bare) });
  for (const [what, of, target] of [
    ['p99', (each: { p99Ms: number }) => each.p99Ms, 2],
    ['median', (each: { medianMs: number }) => each.medianMs, undefined],
  ] as const) {
    report.row({
      what: `${what} of GET /servers at ${Math.round(perSecond)} requests/s`,
      measured: median(results.ours.map(of)),
      unit: 'ms',
      baseline: { is: 'bare Express at the same rate', measured: median(results.bare.map(of)) },
      ...(target === undefined ? {} : { target: { of: 'ratio', atMost: target } }),
    });
  }
}
