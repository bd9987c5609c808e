import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** A command that runs tests. */
export interface Lane {
  readonly name: string;
  /** Program and arguments. With the exit code 77, nothing was tested. */
  readonly command: readonly string[];
  readonly limitMinutes: number;
  /** Programs without which the lane tests nothing. */
  readonly needs?: readonly string[];
}

export interface LaneResult {
  readonly name: string;
  /** A lane that did not run, or not to its end, is never `passed`. */
  readonly outcome: 'passed' | 'FAILED' | 'NOT RUN';
  /** Why the lane did not pass; else empty. */
  readonly reason: string;
  readonly ms: number;
  /** The end of the output of a failed lane, with the failures of its tests; else empty. */
  readonly lastLines: readonly string[];
  /** The lines of the output about tests that ran again after a failure. */
  readonly repeated: readonly string[];
}

export interface LaneOptions {
  /** A folder that gets the output of each lane, in the file `NAME.log`. */
  readonly logs: string;
  /** Gets each line of output, with the name of its lane. */
  readonly print: (line: string) => void;
  /** Ends all lanes. */
  readonly signal: AbortSignal;
  /** How long the processes of a lane may take to end, before they get SIGKILL. */
  readonly graceMs?: number;
}

const notRun = 77;
const maxLastLines = 60;
/** Milliseconds for the rest of the output after the end of a lane. */
const restMs = 2_000;

/** Runs streams of lanes at the same time, the lanes of a stream one after the other. Returns the results in the order of the lanes. */
export async function runLanes(streams: readonly (readonly Lane[])[], options: LaneOptions): Promise<LaneResult[]> {
  mkdirSync(options.logs, { recursive: true });
  const results = await Promise.all(
    streams.map(async (lanes) => {
      const ended: LaneResult[] = [];
      for (const lane of lanes) ended.push(await runLane(lane, options));
      return ended;
    }),
  );
  return results.flat();
}

async function runLane(lane: Lane, options: LaneOptions): Promise<LaneResult> {
  const { name, needs = [], limitMinutes } = lane;
  const started = performance.now();
  const lines: string[] = [];
  const result = (outcome: LaneResult['outcome'], reason = ''): LaneResult => {
    options.print(`${name}: ${outcome}${reason && `: ${reason}`}`);
    const lastLines = outcome === 'FAILED' ? lines.slice(-maxLastLines) : [];
    const repeated = lines.filter((line) => line.includes('(retry x'));
    return { name, outcome, reason, ms: performance.now() - started, lastLines, repeated };
  };
  if (options.signal.aborted) return result('NOT RUN', 'the run was ended');
  const missing = needs.filter((program) => spawnSync('which', [program]).status !== 0);
  if (missing.length > 0) return result('NOT RUN', `this machine does not have ${missing.join(', ')}`);

  const print = (line: string) => {
    lines.push(line);
    options.print(`[${name}] ${line}`);
  };
  const { code, failure, isTooLong } = await runCommand(lane, { ...options, print });
  if (options.signal.aborted) return result('NOT RUN', 'the run was ended before the end of the lane');
  if (isTooLong) return result('FAILED', `not finished after ${limitMinutes} minutes`);
  if (code === notRun) return result('NOT RUN', `${join(options.logs, name)}.log says what is missing`);
  if (code !== 0) return result('FAILED', failure);
  return result('passed');
}

interface Ended {
  /** The exit code; null if the command could not be started, or was ended by a signal. */
  readonly code: number | null;
  /** How the command ended. */
  readonly failure: string;
}

async function runCommand(
  { name, command, limitMinutes }: Lane,
  options: LaneOptions,
): Promise<Ended & { readonly isTooLong: boolean }> {
  const [program = '', ...args] = command;
  // In a process group of its own, so that one signal reaches all of its processes.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const exit = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) =>
      resolve({ code, failure: signal ? `ended by ${signal}` : `exit code ${code}` }),
    );
    child.once('error', ({ message }) => resolve({ code: null, failure: message }));
  });
  const reading = new AbortController();
  const output = forward(child, join(options.logs, `${name}.log`), options.print, reading.signal);
  const limit = AbortSignal.timeout(limitMinutes * 60_000);
  const stop = AbortSignal.any([limit, options.signal]);
  const end = () => void endGroup(child.pid, options.graceMs);
  stop.addEventListener('abort', end);
  if (stop.aborted) end();
  const ended = await exit;
  await endGroup(child.pid, options.graceMs);
  // A process that has left the group can keep the output open.
  const rest = setTimeout(() => reading.abort(), restMs);
  await output;
  clearTimeout(rest);
  stop.removeEventListener('abort', end);
  return { ...ended, isTooLong: limit.aborted };
}

/** Writes the output of a process to a file, and passes its lines on. Resolves at its end, or when `stop` aborts. */
async function forward(
  { stdout, stderr }: ChildProcess,
  file: string,
  print: (line: string) => void,
  stop: AbortSignal,
): Promise<void> {
  const log = createWriteStream(file);
  const ended = [stdout, stderr].map(async (stream) => {
    if (!stream) return;
    for await (const line of createInterface({ input: stream, signal: stop })) {
      log.write(`${line}\n`);
      print(line);
    }
    stream.destroy();
  });
  await Promise.all(ended);
  log.end();
  await once(log, 'close');
}

/** Ends a process group with SIGTERM, and after `graceMs` with SIGKILL. Resolves when no process is left. */
async function endGroup(id: number | undefined, graceMs = 60_000): Promise<void> {
  signalGroup(id, 'SIGTERM');
  const kill = performance.now() + graceMs;
  // In a container, the first process may not remove ended processes: these cannot be waited for.
  const giveUp = kill + 5_000;
  while (isRunning(id) && performance.now() < giveUp) {
    if (performance.now() > kill) signalGroup(id, 'SIGKILL');
    await delay(100);
  }
}

const isRunning = (id: number | undefined): boolean => signalGroup(id, 0);

/** Sends a signal to a process group. Returns whether the group has a process. */
function signalGroup(id: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (id === undefined) return false;
  try {
    return process.kill(-id, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

/** Returns the end of the output of each failed lane, and the tests that ran again, for people. Empty if there are none. */
export function failuresOf(results: readonly LaneResult[]): string {
  const failed = results.flatMap(({ name, lastLines }) =>
    lastLines.length === 0 ? [] : ['', `The end of the output of ${name}:`, ...lastLines],
  );
  const repeated = results.flatMap(({ name, repeated: lines }) => lines.map((line) => `[${name}] ${line.trim()}`));
  const title = repeated.length === 0 ? [] : ['', 'Tests that ran again after a failure:'];
  return [...failed, ...title, ...repeated].join('\n');
}

/** Returns a table of the results, for people. */
export function tableOf(results: readonly LaneResult[]): string {
  const row = (name: string, outcome: string, time: string, reason: string) =>
    `  ${name.padEnd(12)} ${outcome.padEnd(8)} ${time.padStart(6)}  ${reason}`.trimEnd();
  const rows = results.map(({ name, outcome, reason, ms }) => row(name, outcome, minutes(ms), reason));
  return [row('lane', 'result', 'min:s', ''), ...rows].join('\n');
}

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
