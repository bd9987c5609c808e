import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Pyproject } from './pyproject.ts';

const run = promisify(execFile);
const reader = fileURLToPath(new URL('./pyproject.py', import.meta.url));
const constraints = fileURLToPath(new URL('./kernel_constraints.py', import.meta.url));
const limitMs = 20_000;

/** Parses a pyproject.toml with the environment's Python. */
export async function readToml(
  python: string,
  content: string,
  signal: AbortSignal,
): Promise<Pyproject | { error: string }> {
  return JSON.parse(await runPython(python, reader, content, signal));
}

/** Returns the versions that the environment's kernel is compatible with, as constraints in pip's format. */
export async function kernelConstraints(python: string, signal: AbortSignal): Promise<string> {
  return await runPython(python, constraints, '', signal);
}

/** Runs a script with -I: the working directory, variables and the user's packages have no effect. Returns its output. */
async function runPython(python: string, script: string, input: string, signal: AbortSignal): Promise<string> {
  const running = run(python, ['-I', script], { signal, timeout: limitMs, killSignal: 'SIGKILL' });
  // A script that ends before it has read all input closes the pipe. Its exit code shows an error.
  running.child.stdin?.on('error', () => undefined).end(input);
  return (await running).stdout;
}
