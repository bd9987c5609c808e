import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { annotation } from '../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { Deadline } from '../../src/lib/deadline.ts';
import { namespace } from '../../src/local/environment.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { loadKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import { type BackEnds, startBackEnds } from '../backends.ts';
import type { Figure, Report } from '../figure.ts';
import { percentile } from '../rounds.ts';
import { type ServiceUnderTest, startService } from '../service.ts';
import { addSessionsOfOthers, branchNames, launchSessions, pushBranches } from '../sessions.ts';

const own = 10;
const sessions = 1_000;
const changesPerSecond = 100;
const secondsPerRound = 3;
/** The number of a change before the measurement. */
const warmUp = 1_000_000;
/** Milliseconds for the last events of a round. */
const lateMs = 10_000;

export const events: Figure = {
  name: 'events',
  about: `the lag of a stream of ${own} own of ${sessions} sessions while ${changesPerSecond} sessions change per second`,
  run: measure,
};

/** The change that an object or an event has: its number is in an annotation that responses show. */
const changed = /"renku\.io\/repository":\s*"change-(\d+)"/g;

/** When each change arrived, by its number. */
type Arrivals = Map<number, number>;

async function measure(report: Report, rounds: number): Promise<void> {
  await using backEnds = await startBackEnds();
  await using service = await startService(backEnds);
  report.progress(`creating ${own} own of ${sessions} sessions`);
  const branches = branchNames(own);
  const names = await launchSessions(backEnds, service, branches, await pushBranches(backEnds, branches));
  addSessionsOfOthers(backEnds, names[0] ?? '', sessions - own);

  const stream: Arrivals = new Map();
  const watch: Arrivals = new Map();
  const sent: Arrivals = new Map();
  await using readers = new AsyncDisposableStack();
  readers.defer(await follow(service, stream));
  readers.defer(await watchDirectly(backEnds, watch));

  const change = (name: string, number: number) =>
    backEnds.cluster.mergePatch<JupyterServer>(jupyterServers, namespace, name, {
      metadata: { annotations: { [annotation.repository]: `change-${number}` } },
    });
  // The service reads the created sessions first.
  change(names[0] ?? '', warmUp);
  while (!stream.has(warmUp)) await wait(20);

  report.progress(`${rounds} rounds of ${secondsPerRound} s`);
  const ownNumbers: number[] = [];
  for (let number = 0; number < rounds * secondsPerRound * changesPerSecond; number += 1) {
    const isOwn = number % (changesPerSecond / own) === 0;
    const name = isOwn ? names[ownNumbers.length % own] : `other-${number % (sessions - own)}`;
    if (isOwn) ownNumbers.push(number);
    sent.set(number, performance.now());
    change(name ?? '', number);
    await wait(1_000 / changesPerSecond);
  }
  const deadline = performance.now() + lateMs;
  const isComplete = () => ownNumbers.every((number) => stream.has(number) && watch.has(number));
  while (!isComplete() && performance.now() < deadline) await wait(20);
  const lost = ownNumbers.filter((number) => !stream.has(number)).length;
  // A stream may skip states that a newer state of the same session has replaced.
  if (lost > 0) report.progress(`${lost} of ${ownNumbers.length} states were replaced before they were sent`);

  const lags = (arrivals: Arrivals): number[] =>
    ownNumbers.flatMap((number) => {
      const [from, to] = [sent.get(number), arrivals.get(number)];
      return from === undefined || to === undefined ? [] : [to - from];
    });
  for (const [name, share, target] of [
    ['median', 0.5, 1.5],
    ['99th percentile', 0.99, undefined],
  ] as const) {
    report.row({
      what: `lag from a change to the client's stream, ${name}`,
      measured: percentile(lags(stream), share),
      unit: 'ms',
      baseline: { is: 'a watch of the API server', measured: percentile(lags(watch), share) },
      ...(target === undefined ? {} : { target: { of: 'ratio', atMost: target } }),
    });
  }
}

function note(arrivals: Arrivals, text: string): void {
  for (const [, number] of text.matchAll(changed)) arrivals.set(Number(number), performance.now());
}

/** Opens a stream of events and resolves when it has begun. Returns the function that closes it. */
function follow(service: ServiceUnderTest, arrivals: Arrivals): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const headers = { ...service.headers, accept: 'text/event-stream' };
    const call = request(`${service.url}/servers`, { headers, agent: false });
    call.on('error', reject);
    call.on('response', (response: IncomingMessage) => {
      const end = onLines(response, (line) => note(arrivals, line));
      response.once('data', () =>
        resolve(() => {
          end();
          call.destroy();
        }),
      );
    });
    call.end();
  });
}

/** Watches the sessions as the service does. Returns the function that ends the watch. */
async function watchDirectly(backEnds: BackEnds, arrivals: Arrivals): Promise<() => Promise<void>> {
  process.env['KUBECONFIG'] = join(backEnds.directory, 'kubeconfig');
  const client = createKubernetesClient({ kubeconfig: await loadKubeConfig(), log: pino({ level: 'silent' }) });
  const ending = new AbortController();
  const opened = Promise.withResolvers<void>();
  const list = await client.listPage(jupyterServers, namespace, { limit: 1 }, Deadline.after(10_000));
  const { resourceVersion } = list;
  const options = { resourceVersion, timeoutSeconds: 3_600, limitMs: 3_600_000, onOpen: opened.resolve };
  const reading = (async () => {
    for await (const { object } of client.watch(jupyterServers, namespace, options, ending.signal)) {
      const { annotations = {} } = (object as JupyterServer).metadata;
      note(arrivals, `"renku.io/repository":"${annotations[annotation.repository] ?? ''}"`);
    }
  })().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });
  await opened.promise;
  return async () => {
    ending.abort();
    await reading;
    await client.close();
  };
}

/** Calls `take` with each complete line. Returns a function that ends the calls. */
function onLines(response: IncomingMessage, take: (line: string) => void): () => void {
  let rest = '';
  const onData = (chunk: string): void => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  };
  response.setEncoding('utf8').on('data', onData);
  response.on('error', () => undefined);
  return () => response.off('data', onData);
}
