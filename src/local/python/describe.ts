import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { PythonEnvironment } from './types.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./describe.py', import.meta.url));
const launcher = fileURLToPath(new URL('./jupyter_lab.py', import.meta.url));
/** A cold import of JupyterLab from a slow disk takes seconds, never this long. */
const timeoutMs = 60_000;

/** Oldest Python that the pinned packages have. */
export const oldestPython = [3, 9] as const;

export interface Interpreter {
  executable: string;
  base: string;
  version: [number, number, number];
  /** Options with which it finds JupyterLab, and nothing else of the user's. */
  options?: string[];
  programs?: string;
  sitePackages?: string[];
  packages: Partial<Record<'jupyterlab' | 'jupyter_server' | 'ipykernel', string>>;
  /** Files whose change means that this answer may no longer hold. */
  evidence: string[];
  /** Why its JupyterLab cannot be imported, where it cannot. */
  trouble: string | null;
}

/** Runs `python` to learn what it is; undefined when it is no Python 3 that runs. */
export async function describeInterpreter(python: string, signal: AbortSignal): Promise<Interpreter | undefined> {
  try {
    // -E: the server gets no PYTHONPATH and its like, so they must not make the answer better than the session.
    const { stdout } = await run(python, ['-E', script], { signal, timeout: timeoutMs, maxBuffer: 1024 * 1024 });
    return JSON.parse(stdout) as Interpreter;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error) return undefined;
    throw error;
  }
}

export function isRecentEnough({ version: [major, minor] }: Interpreter): boolean {
  return major > oldestPython[0] || (major === oldestPython[0] && minor >= oldestPython[1]);
}

/** The environment, when the interpreter has JupyterLab >= 4, jupyter_server >= 2 and ipykernel, and they import. */
export function asEnvironment(interpreter: Interpreter, place: string): PythonEnvironment | undefined {
  const { options, programs, sitePackages, packages } = interpreter;
  const { jupyterlab, jupyter_server, ipykernel } = packages;
  // Missing in what an earlier version of this program has noted: such an environment is described again.
  if (!options || !programs || !sitePackages) return;
  if (!jupyterlab || !jupyter_server || !ipykernel || interpreter.trouble !== null) return;
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
