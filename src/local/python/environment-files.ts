import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./environment_files.py', import.meta.url));
/** A slow disk takes seconds at the first look, never this long. */
const timeoutMs = 60_000;

/** Notes the files of a built environment, for `changedFiles`, and makes them read-only. `python` is any Python 3. */
export async function recordFiles(python: string, folder: string, signal: AbortSignal): Promise<void> {
  await run(python, ['-I', '-S', script, 'record', folder], { signal, timeout: timeoutMs });
}

/**
 * How many files of the environment are no longer as they were recorded, and one of them; undefined when none is
 * different. An environment without a record counts as changed. A process of its own, because Node.js takes ten times as
 * long for so many files.
 */
export async function changedFiles(
  python: string,
  folder: string,
  signal: AbortSignal,
): Promise<{ count: number; example: string } | undefined> {
  try {
    const { stdout } = await run(python, ['-I', '-S', script, 'compare', folder], { signal, timeout: timeoutMs });
    const { changed, example } = JSON.parse(stdout) as { changed: number; example: string | null };
    return example === null ? undefined : { count: changed, example };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error) return { count: 1, example: 'files.txt' };
    throw error;
  }
}
