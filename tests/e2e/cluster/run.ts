import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Runs a program and returns what it printed. Throws an error with its error output if the program fails.
 * @param input what the program reads; nothing by default
 */
export async function run(
  program: string,
  args: readonly string[],
  { input, ...options }: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number; input?: string } = {},
): Promise<string> {
  const running = promisify(execFile)(program, args, { maxBuffer: 1 << 26, timeout: 60_000, ...options });
  // A program that ends before it has read everything fails, or needs no more.
  if (input !== undefined) running.child.stdin?.on('error', () => undefined).end(input);
  return (await running).stdout;
}
