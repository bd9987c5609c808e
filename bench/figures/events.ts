import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { annotation } from '../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { namespace } from '../../src/local/environment.ts';
import { waitFor } from '../../tests/support/wait-for.ts';
import { type Answer, type Arrivals, clock, type Task } from '../arrivals.ts';
import { startBackEnds } from '../backends.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { percentile } from '../rounds.ts';
import { startService } from '../service.ts';
import { addSessionsOfOthers, branchNames, launchSessions, pushBranches } from '../sessions.ts';

const own = 10;
const sessions = 1_000;
const changesPerSecond = 100;
const roundMs = 3_000;
/** The number of a change before the measurement. */
const warmUp = 1_000_000;
const answerMs = 90_000;

export const events: Figure = {
  name: 'events',
  about: `the lag of a stream of ${own} own of ${sessions} sessions while ${changesPerSecond} sessions change per second`,
  run: measure,
};

async function measure(report: Report, { rounds, part }: Size): Promise<void> {
  await using backEnds = await startBackEnds();
  await using service = await startService(backEnds);
  const others = part(sessions - own);
  report.progress(`creating ${own} own and ${others} other sessions`);
  const branches = branchNames(own);
  const names = await launchSessions(backEnds, service, branches, await pushBranches(backEnds, branches));
  addSessionsOfOthers(backEnds, names[0] ?? '', others);

  const change = (name: string, number: number) =>
    backEnds.cluster.mergePatch<JupyterServer>(jupyterServers, namespace, name, {
      metadata: { annotations: { [annotation.repository]: `change-${number}` } },
    });
  const environment = { ...process.env, KUBECONFIG: join(backEnds.directory, 'kubeconfig') };
  await using reader = startReader(environment);
  await reader.ask({ open: { url: `${service.url}/servers`, headers: service.headers, warmUp } });
  // The service reads the created sessions first.
  change(names[0] ?? '', warmUp);
  await reader.answer('the reader to have the first change');

  const count = (rounds * part(roundMs) * changesPerSecond) / 1000;
  report.progress(`${Math.ceil(count)} changes`);
  const sent: Arrivals = {};
  const ownNumbers: number[] = [];
  for (let number = 0; number < count; number += 1) {
    const isOwn = number % (changesPerSecond / own) === 0;
    const name = isOwn ? names[ownNumbers.length % own] : `other-${number % others}`;
    if (isOwn) ownNumbers.push(number);
    sent[number] = clock();
    change(name ?? '', number);
    await wait(1_000 / changesPerSecond);
  }
  const arrivals = await reader.ask({ close: { changes: ownNumbers } });
  if (arrivals === 'opened') throw new Error('the reader sent no times');
  const lost = ownNumbers.filter((number) => arrivals.stream[number] === undefined).length;
  // A stream may skip states that a newer state of the same session has replaced.
  if (lost > 0) report.progress(`${lost} of ${ownNumbers.length} states were replaced before they were sent`);

  const lags = (at: Arrivals): number[] =>
    ownNumbers.flatMap((number) => {
      const [from, to] = [sent[number], at[number]];
      return from === undefined || to === undefined ? [] : [to - from];
    });
  for (const [name, share, target] of [
    ['median', 0.5, 1.5],
    ['99th percentile', 0.99, undefined],
  ] as const) {
    report.row({
      what: `lag from a change to the client's stream, ${name}`,
      measured: percentile(lags(arrivals.stream), share),
      unit: 'ms',
      baseline: { is: 'a watch of the API server', measured: percentile(lags(arrivals.watch), share) },
      ...(target === undefined ? {} : { target: { of: 'ratio', atMost: target } }),
    });
  }
}

/** Starts `event-reader.ts`. */
function startReader(env: NodeJS.ProcessEnv) {
  const child = fork(join(import.meta.dirname, '..', 'event-reader.ts'), { env });
  return {
    answer: (what: string) => answerOf(child, what),
    ask(task: Task): Promise<Answer> {
      child.send(task);
      return answerOf(child, 'the reader of events to answer');
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function answerOf(child: ChildProcess, what: string): Promise<Answer> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the reader of events ended with ${code}`);
  });
  const [answer] = await waitFor(Promise.race([once(child, 'message'), ended]), what, { limitMs: answerMs });
  return answer as Answer;
}
