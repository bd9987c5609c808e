import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { waitFor } from './wait-for.ts';

export interface ServiceProgram {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  exit: Promise<number | null>;
  /** Resolves with the line of the log with this message. Throws with the output if the program ends, or after 100 s. */
  says(message: string): Promise<Record<string, unknown>>;
}

const running = new Set<ChildProcess>();

/** Starts `node src/main.ts` with only `env` as its environment, its metrics on any free port, and no delay at the stop. */
export function startServiceProgram(env: Record<string, string>): ServiceProgram {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/main.ts')], {
    env: { NB_METRICS__PORT: '0', NB_SERVER__SHUTDOWN_DELAY_MS: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const exit = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  const lineWith = async (message: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const line = out.split('\n').find((each) => each.endsWith('}') && each.includes(`"msg":"${message}"`));
      if (line) return JSON.parse(line) as Record<string, unknown>;
      const more = await Promise.race([once(child.stdout, 'data'), exit]);
      if (!Array.isArray(more)) throw new Error(`the program ended before it logged "${message}": ${out}${err}`);
    }
  };
  const says = (message: string) =>
    waitFor(lineWith(message), `the program to log "${message}"`, { limitMs: 100_000, seen: () => out + err });
  return { child, stdout: () => out, stderr: () => err, exit, says };
}

/** Ends the programs that still run. */
export function stopServicePrograms(): void {
  for (const child of running) child.kill('SIGKILL');
}
