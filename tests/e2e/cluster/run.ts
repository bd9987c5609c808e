import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program and returns what it printed. Throws an error with its error output if the program fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number } = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 1 << 26, timeout: 60_000, ...options });
  return stdout;
}
