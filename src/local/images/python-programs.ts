import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Pyproject } from './pyproject.ts';

const reader = fileURLToPath(new URL('./pyproject.py', import.meta.url));
const constraints = fileURLToPath(new URL('./kernel_constraints.py', import.meta.url));
const limitMs = 20_000;

/** Parses a pyproject.toml with the environment's Python. */
export async function readToml(
  python: string,
  content: string,
  signal: AbortSignal,
): Promise<Pyproject | { error: string }> {
  return JSON.parse(await runPython(python, reader, content, signal)) as Pyproject | { error: string };
}

/** Returns the versions that the environment's kernel is compatible with, as constraints in pip's format. */
export async function kernelConstraints(python: string, signal: AbortSignal): Promise<string> {
  return await runPython(python, constraints, '', signal);
}

/** Runs a script with -I: the working directory, variables and the user's packages have no effect. Returns its output. */
async function runPython(python: string, script: string, input: string, signal: AbortSignal): Promise<string> {
  const child = spawn(python, ['-I', script], {
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    killSignal: 'SIGKILL',
  });
  // A script that ends before it has read everything closes the pipe; its exit code is checked below.
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(input);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
  return output;
}
