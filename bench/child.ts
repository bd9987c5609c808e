import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface StartedProgram extends AsyncDisposable {
  readonly pid: number;
  /** The match in the line that says that the program is ready. */
  readonly match: RegExpExecArray;
}

/** Milliseconds; with 10,000 sessions on a busy machine. */
const startMs = 300_000;

/** Starts a program of this project and resolves when it prints a line that matches. Throws if the program ends or is too late. */
export async function startProgram(
  args: string[],
  options: { env?: Record<string, string>; input?: string; until: RegExp },
): Promise<StartedProgram> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NODE_ENV: 'production', ...options.env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit');
  const name = args.find((each) => !each.startsWith('-'));
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${name} was not ready after ${startMs / 1000} s`));
    }, startMs);
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready`)));
    lines.on('line', (line) => {
      const found = options.until.exec(line);
      if (!found) return;
      clearTimeout(late);
      resolve(found);
    });
    child.stdin.end(options.input ?? '');
  });
  return {
    pid: child.pid as number,
    match,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
