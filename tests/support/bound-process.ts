import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { isMainThread } from 'node:worker_threads';

/** The program of util-linux with which the kernel ends a child when its parent ends; missing on other systems. */
const canBind = spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;

/**
 * Starts a program that cannot outlive this process, also if this process is killed: then the kernel ends the program. Without
 * setpriv, only the caller can end the program. Throws in a worker thread: the kernel ends the program with the thread that has
 * started it, and a pool of threads ends its threads between files.
 */
export function spawnBound(path: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  if (!isMainThread) throw new Error('A program that ends with this process must be started by its main thread.');
  return canBind ? spawn('setpriv', ['--pdeathsig', 'KILL', path, ...args], options) : spawn(path, args, options);
}
