import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Lines that are kept for the reason of a failure. */
const keptLines = 60;
const lineLength = 2_000;

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Gets each line of stdout and stderr, cut to 2,000 characters. */
  readonly tell?: ((line: string) => void) | undefined;
  readonly cwd?: string;
  /** The whole environment; the platform's own where it is left out. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program to its end without a shell, or kills it and what it started when `signal` aborts, and then throws the
 * signal's reason. `output` is the last 60 lines that it printed.
 */
export async function runToEnd(
  program: string,
  args: readonly string[],
  { signal, tell, ...where }: RunOptions,
): Promise<{ succeeded: boolean; output: string[] }> {
  signal.throwIfAborted();
  // A group of its own, which can be killed as a whole.
  const child = spawn(program, [...args], { ...where, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
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
      tell?.(line.slice(0, lineLength));
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
