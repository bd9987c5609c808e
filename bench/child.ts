import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface StartedProgram extends AsyncDisposable {
  readonly pid: number;
  /** The match in the line that says that the program is ready. */
  readonly match: RegExpExecArray;
}

/** Starts a program of this project and resolves when it prints a line that matches. */
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
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code} before it was ready`)));
    lines.on('line', (line) => {
      const found = options.until.exec(line);
      if (found) resolve(found);
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
