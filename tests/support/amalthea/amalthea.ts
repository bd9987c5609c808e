import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface RunningAmalthea {
  /** Returns the errors so far. */
  errors(): string[];
  stop(): Promise<void>;
}

const python = process.env['AMALTHEA_PYTHON'];
const source = process.env['AMALTHEA_SOURCE'];

/**
 * Whether the machine has Amalthea: AMALTHEA_PYTHON is a Python with the packages of its pyproject.toml, and AMALTHEA_SOURCE its
 * repository at the tag 0.24.0, or an older one.
 */
export const hasAmalthea = python !== undefined && source !== undefined;

/** Starts the real Amalthea for one namespace. Resolves when it watches the JupyterServers. */
export async function startAmalthea(kubeconfig: string, namespace: string): Promise<RunningAmalthea> {
  if (python === undefined || source === undefined) throw new Error('AMALTHEA_PYTHON and AMALTHEA_SOURCE are not set');
  const child = spawn(python, [join(import.meta.dirname, 'run.py')], {
    cwd: source,
    env: {
      PATH: process.env['PATH'] ?? '',
      PYTHONPATH: source,
      KUBECONFIG: kubeconfig,
      NAMESPACES: namespace,
      JUPYTER_SERVER_RESOURCE_CHECK_ENABLED: 'false',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exit = once(child, 'exit');
  const errors: string[] = [];
  const started = Promise.withResolvers<void>();
  createInterface(child.stderr).on('line', (line) => {
    if (line.includes('Initial authentication has finished')) started.resolve();
    // Kopf's own errors, about the cluster and not about a session, have no object.
    if (line.includes('"severity": "error"') && line.includes('"object"')) errors.push(line);
  });
  await Promise.race([
    started.promise,
    exit.then(([code]) => Promise.reject(new Error(`Amalthea ended with ${code}: ${errors.join('\n')}`))),
  ]);
  return {
    errors: () => errors,
    async stop() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
