import { stat } from 'node:fs/promises';
import { readJson, writePrivateFile } from '../machine/private-files.ts';
import type { PythonEnvironment } from './types.ts';

/**
 * The environment that an earlier start has found. With it, a later start does not have to run an interpreter, which takes a
 * second or more. The environment is valid while the key is the same and the files in `evidence` have not changed.
 */
interface Remembered {
  key: string;
  environment: PythonEnvironment;
  evidence: Evidence[];
}

interface Evidence {
  path: string;
  size: number;
  modifiedMs: number;
}

async function evidenceOf(path: string): Promise<Evidence> {
  const { size, mtimeMs } = await stat(path);
  return { path, size, modifiedMs: mtimeMs };
}

/** Returns the environment in `file`; undefined if there is no valid one. */
export async function recall(file: string, key: string): Promise<PythonEnvironment | undefined> {
  const remembered = await readJson<Partial<Remembered>>(file);
  if (remembered?.key !== key) return undefined;
  for (const { path, size, modifiedMs } of remembered.evidence ?? []) {
    // A file that cannot be read counts as changed.
    const now = await stat(path).catch(() => undefined);
    if (now?.size !== size || now.mtimeMs !== modifiedMs) return undefined;
  }
  return remembered.environment;
}

export async function remember(
  file: string,
  key: string,
  environment: PythonEnvironment,
  evidence: string[],
): Promise<void> {
  const remembered: Remembered = { key, environment, evidence: await Promise.all(evidence.map(evidenceOf)) };
  await writePrivateFile(file, JSON.stringify(remembered, null, 2));
}
