import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createBackOff } from '../lib/back-off.ts';
import { asObject, parseJson } from '../lib/json.ts';
import { isAlive, type ProcessId, readProcess, sendSignal } from './machine/processes.ts';
import { readKept, writePrivate } from './state-files.ts';

/** Ends the program that a killed platform has left running. */
async function endFormer(former: ProcessId | undefined): Promise<void> {
  // The program is not a child process, so there is no event for its end.
  while (former && isAlive(former) && sendSignal(former.pid, 'SIGKILL')) await delay(10);
}

/** Returns undefined if the file is missing or damaged. Only a power cut damages the file, and also ends the process. */
function readFormer(processFile: string): ProcessId | undefined {
  const { pid, startTicks } = asObject(parseJson(readKept(processFile) ?? '')) ?? {};
  return typeof pid === 'number' && typeof startTicks === 'number' ? { pid, startTicks } : undefined;
}

/** Size in bytes from which the log of a program is rotated at its next start. */
const maxLogBytes = 10 * 1024 * 1024;
const firstBackOffMs = 250;
const maxBackOffMs = 30_000;
/** A program that ran this long was healthy: the back-off is reset. */
const healthyAfterMs = 60_000;
const stopGraceMs = 10_000;

export interface Program {
  readonly pid: number | undefined;
  stop(): Promise<void>;
  /** Returns the last lines of its log, for a message at the terminal. */
  logTail(lines: number): string;
}

/**
 * Runs a program as a process with its output in a log file. If it ends, it is started again with an exponential back-off,
 * until `stop`. Throws UnusableFile if `processFile` cannot be read.
 */
export function keepRunning(options: {
  name: string;
  entry: string;
  env: Record<string, string>;
  logFile: string;
  /** Stores the process id, so that the next start finds a program that a killed platform left running. */
  processFile: string;
  log: Logger;
}): Program {
  const { name, entry, env, logFile, processFile, log } = options;
  const former = readFormer(processFile);
  const stopping = new AbortController();
  let child: ChildProcess | undefined;

  async function runOnce(): Promise<void> {
    if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(logFile, `${logFile}.1`);
    const output = openSync(logFile, 'a', 0o600);
    // In another process group, so that Ctrl-C reaches the platform only, which stops its programs in order.
    child = spawn(process.execPath, [entry], { env, stdio: ['ignore', output, output], detached: true });
    closeSync(output);
    const started = child;
    storeProcess(started.pid);
    const [code, signal]: unknown[] = await once(started, 'exit');
    child = undefined;
    if (!stopping.signal.aborted) log.error({ program: name, code, signal }, 'a program ended; it is started again');
  }

  /** An error, for example a full disk, is logged only: the program runs without this file. */
  function storeProcess(pid: number | undefined): void {
    const identified = pid === undefined ? undefined : readProcess(pid);
    if (!identified) return;
    try {
      writePrivate(processFile, JSON.stringify({ pid: identified.pid, startTicks: identified.startTicks }));
    } catch (error) {
      log.error({ program: name, err: error }, 'the process id could not be stored for the next start');
    }
  }

  const running = (async () => {
    await endFormer(former);
    const backOff = createBackOff({ firstMs: firstBackOffMs, maxMs: maxBackOffMs, jitter: 0 });
    while (!stopping.signal.aborted) {
      const since = performance.now();
      try {
        await runOnce();
      } catch (error) {
        log.error({ program: name, err: error }, 'a program could not be started');
      }
      if (stopping.signal.aborted) return;
      if (performance.now() - since > healthyAfterMs) backOff.reset();
      await backOff.pause(stopping.signal);
    }
  })();

  return {
    get pid() {
      return child?.pid;
    },
    async stop() {
      stopping.abort();
      const ending = child;
      if (ending) {
        ending.kill('SIGTERM');
        const force = setTimeout(() => ending.kill('SIGKILL'), stopGraceMs);
        await running.finally(() => clearTimeout(force));
      }
      await running;
    },
    logTail(lines) {
      return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    },
  };
}
