import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Processes {
  start(name: string, program: string, args: readonly string[]): void;
  /** Resolves when `ready` returns true. Throws with the end of the log if the program exits first, or after the timeout. */
  untilReady(name: string, ready: () => Promise<boolean>, timeoutMs: number): Promise<void>;
  /** Ends all, in any order. */
  close(): Promise<void>;
}

/** Starts programs with their output in `folder`, one file for each. */
export function createProcesses(folder: string): Processes {
  const running = new Map<string, { child: ChildProcess; ended: Promise<unknown> }>();
  const logOf = (name: string) => join(folder, `${name}.log`);
  return {
    start(name, program, args) {
      const log = openSync(logOf(name), 'a', 0o600);
      const child = spawn(program, args, { stdio: ['ignore', log, log] });
      closeSync(log);
      running.set(name, { child, ended: once(child, 'exit') });
    },
    async untilReady(name, ready, timeoutMs) {
      const end = performance.now() + timeoutMs;
      const child = running.get(name)?.child;
      while (!(await ready())) {
        if (child?.exitCode !== null || child.signalCode !== null || performance.now() > end) {
          const log = readFileSync(logOf(name), 'utf8').split('\n').slice(-20).join('\n');
          throw new Error(`${name} is not ready:\n${log}`);
        }
        await delay(100);
      }
    },
    async close() {
      for (const { child } of running.values()) child.kill('SIGKILL');
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}
