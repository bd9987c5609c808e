import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isAlive, type ProcessId, readProcess, sendSignal } from './machine/processes.ts';
import { readKept, writePrivate } from './state-files.ts';

/** A killed platform leaves its programs behind, still serving the old cluster: there must be one of each. */
async function endFormer(former: ProcessId | undefined): Promise<void> {
  // Another program's child: nothing tells when it is gone.
  while (former && isAlive(former) && sendSignal(former.pid, 'SIGKILL')) await wait(10);
}

/** undefined for a file that is missing or damaged: the machine lost power while it was written, and with it the process. */
function readFormer(processFile: string): ProcessId | undefined {
  try {
    return (JSON.parse(readKept(processFile) ?? 'null') as ProcessId | null) ?? undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Bytes after which a program's log is put aside at its next start. */
const maxLogBytes = 10 * 1024 * 1024;
const firstBackoffMs = 250;
const maxBackoffMs = 30_000;
/** A program that ran this long was fine: its next crash starts the back-off anew. */
const healthyAfterMs = 60_000;
const stopGraceMs = 10_000;

export interface Program {
  readonly pid: number | undefined;
  stop(): Promise<void>;
  /** The last lines of its log, for a message to the person at the terminal. */
  logTail(lines: number): string;
}

/**
 * Keeps one program running: a process of its own, its output in a log file, started again with a growing pause when
 * it ends by itself, until `stop`. Throws UnusableFile where the note of its process cannot be read.
 */
export function keepRunning(options: {
  name: string;
  entry: string;
  env: Record<string, string>;
  logFile: string;
  /** Notes which process it is, so that the next start finds one that outlived a killed platform. */
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
    // In a process group of its own: a Ctrl-C at the terminal is for the platform, which ends its programs in order.
    child = spawn(process.execPath, [entry], { env, stdio: ['ignore', output, output], detached: true });
    closeSync(output);
    const started = child;
    note(started.pid);
    const [code, signal] = (await once(started, 'exit')) as [number | null, string | null];
    child = undefined;
    if (!stopping.signal.aborted)
      log.error({ program: name, code, signal }, 'program ended by itself; starting it again');
  }

  /** On a full disk it stays what it was: that is no reason to start the program a second time. */
  function note(pid: number | undefined): void {
    const identified = pid === undefined ? undefined : readProcess(pid);
    if (!identified) return;
    try {
      writePrivate(processFile, JSON.stringify({ pid: identified.pid, startTicks: identified.startTicks }));
    } catch (error) {
      log.error({ program: name, err: error }, 'the process could not be noted for the next start');
    }
  }

  const running = (async () => {
    await endFormer(former);
    let backoff = firstBackoffMs;
    while (!stopping.signal.aborted) {
      const since = performance.now();
      try {
        await runOnce();
      } catch (error) {
        log.error({ program: name, err: error }, 'program could not be started');
      }
      if (stopping.signal.aborted) return;
      backoff = performance.now() - since > healthyAfterMs ? firstBackoffMs : Math.min(backoff * 2, maxBackoffMs);
      await wait(backoff, undefined, { signal: stopping.signal }).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      });
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
