import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deadline } from '../../src/lib/deadline.ts';
import { freePort } from '../../tests/support/free-ports.ts';
import { defaultEnvironment, Jupyter } from '../../tests/support/jupyter.ts';
import { Supervised, writeConfig } from '../../tests/support/session-python/supervisor.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { inTurns, percentile } from '../rounds.ts';
import { untilAnswered } from '../until-answered.ts';

const startMs = 120_000;
const cells = 10;
/** Messages with output of one cell. ZeroMQ drops messages if more than 1,000 wait for a client. */
const messagesPerCell = 400;
/** Other programs of the machine only make a start longer: the fastest of many says what a start needs. */
const startsPerRound = 5;
/** As in a session. */
const syncingSeconds = 5;
/** By default, Jupyter drops messages above a rate. */
const unlimited = '--ZMQChannelsWebsocketConnection.limit_rate=False';

export const kernels: Figure = {
  name: 'kernels',
  about: 'start and output of a kernel under the supervisor, and of one that Jupyter starts itself',
  run: measure,
};

async function measure(report: Report, { rounds, part }: Size): Promise<void> {
  await using ours = await Supervised.start({ args: [unlimited], syncingSeconds });
  await using stock = await startStock();
  const count = part(cells);
  const servers = { ours: ours.jupyter, stock: stock.jupyter };
  const perSecond = (milliseconds: readonly number[]) =>
    (count * messagesPerCell) / (percentile(milliseconds, 0) / 1000);
  report.progress(`${rounds} rounds, after one warm-up`);
  await measureRounds(1, servers, count);
  const { starts, outputs } = await measureRounds(rounds, servers, count);
  report.row({
    what: 'POST of a kernel to the result of its first cell, the fastest start',
    measured: percentile(starts.ours, 0),
    unit: 'ms',
    baseline: { is: 'a kernel of Jupyter', measured: percentile(starts.stock, 0) },
    target: { of: 'ratio', atMost: 1.1 },
  });
  report.row({
    what: 'output of a kernel to a client of Jupyter, the fastest round',
    measured: perSecond(outputs.ours),
    unit: 'messages/s',
    baseline: { is: 'a kernel of Jupyter', measured: perSecond(outputs.stock) },
    target: { of: 'ratio', atLeast: 0.95 },
  });
}

/** Returns the milliseconds of starts, and of `count` cells with output. */
async function measureRounds(rounds: number, servers: { ours: Jupyter; stock: Jupyter }, count: number) {
  const starts = await inTurns(rounds * startsPerRound, {
    ours: () => timeOfStart(servers.ours),
    stock: () => timeOfStart(servers.stock),
  });
  const outputs = await inTurns(rounds, {
    ours: () => timeOfOutput(servers.ours, count),
    stock: () => timeOfOutput(servers.stock, count),
  });
  return { starts, outputs };
}

async function timeOfStart(jupyter: Jupyter): Promise<number> {
  const begun = performance.now();
  const kernel = await startKernel(jupyter);
  const started = performance.now();
  await endKernel(jupyter, kernel);
  return started - begun;
}

async function timeOfOutput(jupyter: Jupyter, count: number): Promise<number> {
  const kernel = await startKernel(jupyter);
  const begun = performance.now();
  for (let cell = 0; cell < count; cell += 1) {
    const output = await jupyter.execute(kernel, `for i in range(${messagesPerCell}): display(i)`);
    const last = String(messagesPerCell - 1);
    if (!output.endsWith(last)) throw new Error(`the output ends with ${output.slice(-20)}, not with ${last}`);
  }
  const printed = performance.now();
  await endKernel(jupyter, kernel);
  return printed - begun;
}

async function startKernel(jupyter: Jupyter): Promise<string> {
  const kernel = await jupyter.startKernel();
  await jupyter.execute(kernel, '1 + 1');
  return kernel;
}

async function endKernel(jupyter: Jupyter, kernel: string): Promise<void> {
  const response = await jupyter.fetch(`/api/kernels/${kernel}`, { method: 'DELETE' });
  if (response.status !== 204) throw new Error(`the response to the end of a kernel was ${response.status}`);
}

/** Starts a Jupyter server as the supervisor does, without the supervisor and its extension. */
async function startStock(): Promise<{ jupyter: Jupyter } & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'notebook-sessions-bench-'));
  const [{ python }, port] = [await defaultEnvironment(), await freePort()];
  const root = join(folder, 'work');
  mkdirSync(root);
  writeConfig(join(folder, 'config'));
  const token = 'token-of-the-benchmark';
  const server = spawn(
    python,
    [
      ...['-m', 'jupyter_server', '--no-browser', '--allow-root', `--port=${port}`, '--ServerApp.port_retries=0'],
      ...[`--IdentityProvider.token=${token}`, `--ServerApp.root_dir=${root}`, unlimited],
    ],
    {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        JUPYTER_PLATFORM_DIRS: '1',
        JUPYTER_CONFIG_DIR: join(folder, 'config'),
        JUPYTER_RUNTIME_DIR: join(folder, 'runtime'),
      },
      stdio: 'ignore',
    },
  );
  const ended = once(server, 'exit');
  const stop = async () => {
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const headers = { Authorization: `token ${token}` };
  try {
    await untilAnswered({ url: `${url}/api/status`, headers: () => headers, deadline: Deadline.after(startMs) });
  } catch (error) {
    await stop();
    throw error;
  }
  return { jupyter: new Jupyter(url, headers), [Symbol.asyncDispose]: stop };
}
