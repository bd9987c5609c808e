import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Pyproject } from './pyproject.ts';

const reader = fileURLToPath(new URL('./pyproject.py', import.meta.url));
const constraints = fileURLToPath(new URL('./kernel_constraints.py', import.meta.url));
const limitMs = 20_000;

/** What a pyproject.toml says, read by the environment's Python. */
export async function readToml(
  python: string,
  content: string,
  signal: AbortSignal,
): Promise<Pyproject | { error: string }> {
  return JSON.parse(await runPython(python, reader, content, signal)) as Pyproject | { error: string };
}

/** Constraints of pip's format: what the kernel of the environment works with. */
export async function kernelConstraints(python: string, signal: AbortSignal): Promise<string> {
  return await runPython(python, constraints, '', signal);
}

/** -I: neither the folder that it runs in nor variables nor the user's own packages change what it does. */
async function runPython(python: string, script: string, input: string, signal: AbortSignal): Promise<string> {
  const child = spawn(python, ['-I', script], {
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    killSignal: 'SIGKILL',
  });
  // One that ends before it has read everything closes the pipe; its exit code tells.
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(input);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  if (code !== 0) throw new Error(`${script} ended with ${code}`);
  return output;
}
