import { readFile, stat } from 'node:fs/promises';
import { writePrivateFile } from '../machine/private-files.ts';
import type { PythonEnvironment } from './types.ts';

/**
 * The environment that an earlier start has found, so that a later start does not have to run an interpreter, which takes a
 * second or more. It is valid while the key is the same and none of the files in `evidence` has changed.
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

/** Returns the environment in `file`; undefined if there is none that is valid. */
export async function recall(file: string, key: string): Promise<PythonEnvironment | undefined> {
  try {
    const remembered = JSON.parse(await readFile(file, 'utf8')) as Remembered;
    if (remembered.key !== key) return undefined;
    const now = await Promise.all(remembered.evidence.map(({ path }) => evidenceOf(path)));
    const same = now.every((found, index) => {
      const before = remembered.evidence[index];
      return found.size === before?.size && found.modifiedMs === before.modifiedMs;
    });
    return same ? remembered.environment : undefined;
  } catch (error) {
    // The file is missing, damaged by a power cut, or refers to a file that was removed.
    if (error instanceof Error) return undefined;
    throw error;
  }
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
