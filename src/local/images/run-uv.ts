import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { markerVariable } from '../kubelet/process/processes.ts';

/** Lines that are kept for the reason of a failure. */
const keptLines = 60;
const lineLength = 2_000;

export interface UvRun {
  program: string;
  args: readonly string[];
  directory: string;
  variables: Record<string, string>;
  /** In the process's environment, so that a platform that starts after a crash finds and ends it. */
  marker: string;
  progress: (line: string) => void;
  signal: AbortSignal;
}

/** Runs uv to its end, or kills it when `signal` aborts (and then throws its reason). `output` is the end of what it printed. */
export async function runUv(run: UvRun): Promise<{ succeeded: boolean; output: string[] }> {
  const { program, args, directory, variables, marker, progress, signal } = run;
  signal.throwIfAborted();
  const child = spawn(program, [...args], {
    cwd: directory,
    env: { ...variables, [markerVariable]: marker },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: the end of uv is the end of what it started.
    detached: true,
  });
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL');
  };
  signal.addEventListener('abort', kill, { once: true });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output.push(line.slice(0, lineLength));
      if (output.length > keptLines) output.shift();
      progress(line.slice(0, lineLength));
    });
  }
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    return { succeeded: code === 0, output };
  } finally {
    signal.removeEventListener('abort', kill);
  }
}
