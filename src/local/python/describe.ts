import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PythonEnvironment } from './types.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./describe.py', import.meta.url));
const launcher = fileURLToPath(new URL('./jupyter_lab.py', import.meta.url));
/** The first import of JupyterLab from a slow disk takes some seconds. */
const timeoutMs = 60_000;

/** The oldest Python that the pinned packages support. */
export const oldestPython = [3, 9] as const;

export interface Interpreter {
  executable: string;
  base: string;
  version: [number, number, number];
  /** Options with which the interpreter finds JupyterLab and ignores other settings and packages of the user. */
  options: string[];
  programs?: string;
  sitePackages?: string[];
  packages: Partial<Record<'jupyterlab' | 'jupyter_server' | 'ipykernel', string>>;
  /** If one of these files changes, this description may be outdated. */
  evidence: string[];
  /** The error of the import of JupyterLab; null if the import succeeds or was not tried. */
  importError?: string | null;
}

/** Runs `python` and returns its description; undefined if it is not a Python 3 or does not run. */
export async function describeInterpreter(python: string, signal: AbortSignal): Promise<Interpreter | undefined> {
  try {
    // -E: sessions do not get PYTHONPATH and similar variables, so they must not affect the description.
    const { stdout } = await run(python, ['-E', script], { signal, timeout: timeoutMs, maxBuffer: 1024 * 1024 });
    return JSON.parse(stdout);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error) return undefined;
    throw error;
  }
}

export function isRecentEnough({ version: [major, minor] }: Interpreter): boolean {
  return major > oldestPython[0] || (major === oldestPython[0] && minor >= oldestPython[1]);
}

/** Returns the environment if the interpreter can import JupyterLab >= 4, jupyter_server >= 2 and ipykernel; else undefined. */
export function asEnvironment(interpreter: Interpreter, place: string): PythonEnvironment | undefined {
  const { options, programs, sitePackages, packages } = interpreter;
  const { jupyterlab, jupyter_server, ipykernel } = packages;
  if (!jupyterlab || !jupyter_server || !ipykernel || interpreter.importError) return;
  if (!programs || !sitePackages) return;
  if (Number.parseInt(jupyterlab, 10) < 4 || Number.parseInt(jupyter_server, 10) < 2) return;
  const python = interpreter.version.join('.');
  return {
    python: interpreter.executable,
    base: interpreter.base,
    jupyter: [interpreter.executable, ...options, launcher],
    programs: [programs],
    sitePackages,
    versions: { python, jupyterlab, jupyter_server, ipykernel },
    description: `Python ${python}, JupyterLab ${jupyterlab} (${place})`,
  };
}
