import { readFile, stat } from 'node:fs/promises';
import { writePrivateFile } from '../machine/private-files.ts';
import type { PythonEnvironment } from './types.ts';

/**
 * What was found at an earlier start, so that a warm start asks no interpreter (a second or more) and no network. It
 * holds while the question is the same and no file that the answer rests on has changed.
 */
interface Remembered {
  question: string;
  environment: PythonEnvironment;
  evidence: Evidence[];
}

interface Evidence {
  path: string;
  size: number;
  modifiedMs: number;
}

async function look(path: string): Promise<Evidence> {
  const { size, mtimeMs } = await stat(path);
  return { path, size, modifiedMs: mtimeMs };
}

export async function recall(file: string, question: string): Promise<PythonEnvironment | undefined> {
  try {
    const remembered = JSON.parse(await readFile(file, 'utf8')) as Remembered;
    if (remembered.question !== question) return undefined;
    const now = await Promise.all(remembered.evidence.map(({ path }) => look(path)));
    const same = now.every((found, index) => {
      const before = remembered.evidence[index];
      return found.size === before?.size && found.modifiedMs === before.modifiedMs;
    });
    return same ? remembered.environment : undefined;
  } catch (error) {
    // Missing, half-written by a machine that lost power, or resting on a file that is gone: ask again.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

export async function remember(
  file: string,
  question: string,
  environment: PythonEnvironment,
  evidence: string[],
): Promise<void> {
  const remembered: Remembered = { question, environment, evidence: await Promise.all(evidence.map(look)) };
  await writePrivateFile(file, JSON.stringify(remembered, null, 2));
}
