import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The number of output lines that are kept for the message of a failure. */
const keptLines = 60;
const lineLength = 2_000;

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Called with each line of stdout and stderr, cut to 2,000 characters. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly cwd?: string;
  /** The whole environment; by default the platform's. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program without a shell and waits for its end. When `signal` aborts, kills the program and its children, and throws
 * the signal's reason. `output` is the last 60 lines that the program printed.
 */
export async function runToEnd(
  program: string,
  args: readonly string[],
  { signal, onLine, ...where }: RunOptions,
): Promise<{ succeeded: boolean; output: string[] }> {
  signal.throwIfAborted();
  // A new process group, so that all its processes can be killed together.
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
      onLine?.(line.slice(0, lineLength));
    });
  }
  try {
    const [code] = await once(child, 'close');
    signal.throwIfAborted();
    return { succeeded: code === 0, output };
  } finally {
    signal.removeEventListener('abort', kill);
  }
}
