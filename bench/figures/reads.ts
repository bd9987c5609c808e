import { startBackEnds } from '../backends.ts';
import { startProgram } from '../child.ts';
import type { Figure, Report, Row, Size } from '../figure.ts';
import { imageCommand } from '../image.ts';
import { type Load, load } from '../load.ts';
import { processorMs } from '../processor-time.ts';
import { inTurns, median } from '../rounds.ts';
import { startService } from '../service.ts';
import { addSessionsOfOthers, branchNames, launchSessions, pushBranches } from '../sessions.ts';

/** Short, so that other programs disturb both; much longer than the steps of the processor time. */
const secondsPerRound = 1;
const connections = 16;

interface Read {
  readonly what: string;
  /** The path in the OpenAPI document. */
  readonly route: string;
  readonly own: number;
  readonly path: (names: readonly string[]) => string;
  /** `processorRatio`: of the processor time per request. */
  readonly targets: { readonly ratio?: number; readonly requestsPerSecond?: number; readonly processorRatio?: number };
}

function figure(name: string, about: string, read: Read): Figure {
  return { name, about, run: (report, size) => measure(read, report, size) };
}

export const list = figure('list', 'GET /servers with 10 own of 1,000 sessions', {
  what: 'GET /servers, 10 own of 1,000',
  route: '/servers',
  own: 10,
  path: () => '/servers',
  targets: { ratio: 0.4, processorRatio: 2 },
});

export const get = figure('get', 'GET /servers/{name} with 10 own of 1,000 sessions', {
  what: 'GET /servers/{name}',
  route: '/servers/{server_name}',
  own: 10,
  path: ([name]) => `/servers/${name}`,
  targets: { ratio: 0.6, processorRatio: 1.25 },
});

export const list100 = figure('list100', 'GET /servers with 100 own of 1,000 sessions', {
  what: 'GET /servers, 100 own of 1,000',
  route: '/servers',
  own: 100,
  path: () => '/servers',
  targets: { requestsPerSecond: 1_000 },
});

async function measure(
  { what, route, own, path, targets }: Read,
  report: Report,
  { rounds, part }: Size,
): Promise<void> {
  await using backEnds = await startBackEnds();
  await using service = await startService(backEnds);
  report.progress(`creating ${own} own of 1,000 sessions`);
  const branches = branchNames(own);
  const names = await launchSessions(backEnds, service, branches, await pushBranches(backEnds, branches));
  addSessionsOfOthers(backEnds, names[0] as string, part(1_000 - own));
  const { text } = await service.call('GET', path(names), [200]);
  // With the options of the image, too, because they exchange processor time for memory.
  const { options, env } = imageCommand('service');
  await using baseline = await startProgram([...options, 'bench/baseline.ts', route], {
    ...{ env, input: text, until: /^http:.*/ },
  });

  report.progress(`${what}: ${2 * rounds} rounds, ${Buffer.byteLength(text)} bytes per response`);
  const of = (url: string, pid: number, headers: Record<string, string>) => () => oneRound(url, pid, headers);
  const results = await inTurns(2 * rounds, {
    ours: of(service.url + path(names), service.pid, service.headers),
    bare: of(`${baseline.match[0]}/notebooks${path(names)}`, baseline.pid, service.headers),
  });

  const middle = (of: readonly Round[]) => median(of.map(({ requestsPerSecond }) => requestsPerSecond));
  const row = (target: NonNullable<Row['target']>): Row => ({
    what,
    measured: middle(results.ours),
    unit: 'requests/s',
    baseline: { is: 'bare Express', measured: middle(results.bare) },
    target,
  });
  const { ratio, requestsPerSecond, processorRatio } = targets;
  if (ratio !== undefined) report.row(row({ of: 'ratio', atLeast: ratio }));
  if (requestsPerSecond !== undefined) report.row(row({ of: 'value', atLeast: requestsPerSecond }));
  // Other programs only add to it, so the minimum is the best estimate.
  const least = (of: readonly Round[]) => Math.min(...of.map((round) => round.processorMs));
  report.row({
    what: '  processor time per request',
    measured: least(results.ours),
    unit: 'ms',
    baseline: { is: 'bare Express', measured: least(results.bare) },
    ...(processorRatio === undefined ? {} : { target: { of: 'ratio', atMost: processorRatio } }),
  });
  const busy = median([...results.ours, ...results.bare].map(({ generatorBusy }) => generatorBusy));
  if (busy > 0.9)
    report.progress(`the sender used ${Math.round(busy * 100)} % of its processor: the ratio may be too good`);
}

interface Round extends Load {
  /** Processor time of the server per request. */
  processorMs: number;
}

async function oneRound(url: string, pid: number, headers: Record<string, string>): Promise<Round> {
  await load(url, { headers, connections, seconds: 0.3 });
  const before = processorMs(pid);
  const result = await load(url, { headers, connections, seconds: secondsPerRound });
  return { ...result, processorMs: (processorMs(pid) - before) / result.requests };
}
