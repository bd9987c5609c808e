import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type BackEnds, person, startBackEnds } from '../backends.ts';
import { CallLog, depth, type RecordedCall } from '../call-log.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { inTurns, median } from '../rounds.ts';
import { type ServiceUnderTest, startService } from '../service.ts';
import { branchNames, launchOf, pushBranches } from '../sessions.ts';
import { ask } from '../until-answered.ts';

const answerAfterMs = 20;
const mostDeep = 4;
/** The number in the measurement of the original. */
const manyAutosaves = 57;

export const launch: Figure = {
  name: 'launch',
  about: `a launch with back ends that respond in ${answerAfterMs} ms, with and without autosaves and an image`,
  run: measure,
};

async function measure(report: Report, { rounds }: Size): Promise<void> {
  await measureOne({ autosaves: 0, namesImage: false }, report, rounds);
  await measureOne({ autosaves: manyAutosaves, namesImage: false }, report, rounds);
  await measureOne({ autosaves: manyAutosaves, namesImage: true }, report, rounds);
}

interface Situation {
  readonly autosaves: number;
  /** The caller names an image, which needs more requests to the registry than the image of the project. */
  readonly namesImage: boolean;
}

async function measureOne({ autosaves, namesImage }: Situation, report: Report, rounds: number): Promise<void> {
  await using backEnds = await startBackEnds();
  await using service = await startService(backEnds);
  const image = namesImage ? { image: backEnds.serviceEnvironment['NB_SESSIONS__DEFAULT_IMAGE'] } : {};
  const branches = branchNames(2 * rounds);
  const saved = Array.from({ length: autosaves }, (_none, index) => autosaveOf(index));
  const commit = await pushBranches(backEnds, [...branches, ...saved]);
  await untilQuiet(backEnds.log);
  backEnds.log.delayMs = answerAfterMs;
  await using row = await startRow();

  report.progress(`${2 * rounds} launches with ${autosaves} autosaves`);
  let deepest = 0;
  let seen: readonly RecordedCall[] = [];
  const { ours, inARow } = await inTurns(2 * rounds, {
    async ours() {
      const { ms, calls } = await oneLaunch(backEnds, service, { ...launchOf(branches.pop() ?? '', commit), ...image });
      if (depth(calls) >= deepest) seen = calls;
      deepest = Math.max(deepest, depth(calls));
      return ms;
    },
    inARow: () => row.ask(),
  });
  report.progress(`calls before the create: ${seen.map(described).join(', ')}`);
  const what = `POST of a new session, ${autosaves} autosaves${namesImage ? ' and an image' : ''}`;
  report.row({
    what,
    measured: median(ours),
    unit: 'ms',
    baseline: { is: `${mostDeep} calls in a row`, measured: median(inARow) },
    target: { of: 'value', atMost: 150 },
  });
  report.row({
    what: '  sequential calls before the create',
    measured: deepest,
    unit: 'deep',
    target: { of: 'value', atMost: mostDeep },
  });
}

const hex = (number: number): string => number.toString(16).padStart(7, '0');
/** See session-contract: user, branch, commit of the launch, commit of the save. */
const autosaveOf = (index: number): string =>
  `renku/autosave/${person.username}/main/${hex(0xabc0000 + index)}/${hex(0xdef0000 + index)}`;
const described = ({ backEnd, method, path }: RecordedCall): string =>
  `${method} ${backEnd} ${path.split('/').slice(-2).join('/').slice(0, 60)}`;

async function oneLaunch(
  { log }: BackEnds,
  service: ServiceUnderTest,
  body: object,
): Promise<{ ms: number; calls: readonly RecordedCall[] }> {
  await untilQuiet(log);
  const from = log.calls.length;
  const begun = performance.now();
  await service.call('POST', '/servers', [201], body);
  const ms = performance.now() - begun;
  const calls = log.calls.slice(from);
  const create = calls.findIndex(({ method, path }) => method === 'POST' && path.endsWith('/jupyterservers'));
  if (create < 0) throw new Error('no create call was recorded for a launched session');
  return { ms, calls: calls.slice(0, create) };
}

/** Waits for the background work of a launch, so that it is not counted for the next one. */
async function untilQuiet({ calls }: CallLog): Promise<void> {
  for (let before = -1; before !== calls.length; await wait(5 * answerAfterMs)) before = calls.length;
}

/** The baseline: the maximum number of sequential requests of a launch, to a server with the same delay. */
async function startRow(): Promise<AsyncDisposable & { ask(): Promise<number> }> {
  const log = new CallLog();
  log.delayMs = answerAfterMs;
  const handler = log.around('row', (_req, res) => void res.end('{}'));
  const server = createServer((req, res) => void handler(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    async ask() {
      const begun = performance.now();
      for (let call = 0; call < mostDeep; call += 1) await ask(url, {});
      return performance.now() - begun;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}
