import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const limitMs = 120_000;

/**
 * Writes everything on the file system of the folder to its disk: a copy elsewhere may be deleted only after that, because a machine can
 * fail at any time. Throws if the program `sync` fails.
 */
export async function flushToDisk(directory: string): Promise<void> {
  await promisify(execFile)('sync', ['-f', '--', directory], { timeout: limitMs });
}
