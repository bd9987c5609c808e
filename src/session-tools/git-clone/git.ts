import { spawn } from 'node:child_process';
import { hasCode } from '../../lib/error-code.ts';
import type { Log } from './log.ts';

export interface GitResult {
  /** null if a signal ended git. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitRunOptions {
  /** Time limit in milliseconds; none by default. */
  readonly limitMs?: number;
  /** Variables to add to the environment, or to remove (undefined). */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The standard input; none by default. */
  readonly input?: string | Buffer;
  /** Encoding of `input` and `stdout`; `utf8` by default. With `latin1`, each character is a byte: names of files can be any bytes. */
  readonly encoding?: 'utf8' | 'latin1';
}

/**
 * Runs git and returns its exit code, even after a failure. Throws if git cannot be started, if the output is too long, or when
 * the program is stopped.
 */
export type Git = (args: readonly string[], options?: GitRunOptions) => Promise<GitResult>;

/** More than the names of a million files. */
const maxOutput = 256 * 1024 * 1024;
const maxErrors = 64 * 1024;
const killGraceMs = 2000;
const progressEveryMs = 5000;

/** When `stop` aborts, the running git and its children are ended: each git process has a separate process group. */
export function createGit(environment: Readonly<Record<string, string>>, log: Log, stop: AbortSignal): Git {
  return async (args, options = {}) => {
    stop.throwIfAborted();
    const child = spawn('git', [...args], {
      env: { ...environment, ...options.environment },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const encoding = options.encoding ?? 'utf8';
    const end = () => endGroup(child.pid);
    const limit = options.limitMs === undefined ? undefined : setTimeout(end, options.limitMs);
    stop.addEventListener('abort', end);
    const stdout: string[] = [];
    let length = 0;
    let stderr = '';
    const progress = progressReporter(log);
    child.stdout?.setEncoding(encoding).on('data', (chunk: string) => {
      length += chunk.length;
      if (length <= maxOutput) stdout.push(chunk);
      else end();
    });
    // A git that fails reads no more of its input; its exit code and messages have the reason.
    child.stdin?.on('error', () => undefined).end(options.input, encoding);
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-maxErrors);
      progress(chunk);
    });
    try {
      const exitCode = await new Promise<number | null>((resolve, reject) => {
        child.on('error', reject).on('close', resolve);
      });
      stop.throwIfAborted();
      if (length > maxOutput) throw new Error(`git ${args[0] ?? ''} printed more than ${maxOutput} characters`);
      return { exitCode, stdout: stdout.join(''), stderr };
    } finally {
      clearTimeout(limit);
      stop.removeEventListener('abort', end);
    }
  };
}

/** Logs git's progress every few seconds: git itself prints it many times per second. */
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
    // All processes of the group have ended.
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
