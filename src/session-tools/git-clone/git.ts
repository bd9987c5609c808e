import { spawn } from 'node:child_process';
import type { Log } from './log.ts';

export interface GitResult {
  /** null when git was ended by a signal. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitRunOptions {
  /** Milliseconds after which git is ended; no limit where absent. */
  readonly limitMs?: number;
  /** Added to or taken out of (undefined) the environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Runs git. An exit code is an answer for the caller to judge; throws only when git cannot be run or the program stops. */
export type Git = (args: readonly string[], options?: GitRunOptions) => Promise<GitResult>;

const maxOutput = 16 * 1024 * 1024;
const maxErrors = 64 * 1024;
const killGraceMs = 2000;
const progressEveryMs = 5000;

/** `stop` ends the git that is running, and its children: each git is a process group of its own. */
export function createGit(environment: Readonly<Record<string, string>>, log: Log, stop: AbortSignal): Git {
  return async (args, options = {}) => {
    stop.throwIfAborted();
    const child = spawn('git', [...args], {
      env: { ...environment, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const end = () => endGroup(child.pid);
    const limit = options.limitMs === undefined ? undefined : setTimeout(end, options.limitMs);
    stop.addEventListener('abort', end);
    let stdout = '';
    let stderr = '';
    const progress = progressReporter(log);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (stdout.length < maxOutput) stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-maxErrors);
      progress(chunk);
    });
    try {
      const exitCode = await new Promise<number | null>((resolve, reject) => {
        child.on('error', reject).on('close', resolve);
      });
      stop.throwIfAborted();
      return { exitCode, stdout, stderr };
    } finally {
      clearTimeout(limit);
      stop.removeEventListener('abort', end);
    }
  };
}

/** Says how far a long transfer is, every few seconds: git itself redraws one line many times a second. */
function progressReporter(log: Log): (chunk: string) => void {
  let nextAt = performance.now() + progressEveryMs;
  return (chunk) => {
    if (performance.now() < nextAt) return;
    const line = chunk.split(/[\r\n]+/).findLast((text) => /\d+% \(/.test(text));
    if (!line) return;
    log(`  ${line.replace(/^remote: /, '').trim()}`);
    nextAt = performance.now() + progressEveryMs;
  };
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  setTimeout(() => signalGroup(pid, 'SIGKILL'), killGraceMs).unref();
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: all of the group have ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
