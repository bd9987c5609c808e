import { accessSync, constants, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Returns a new folder in memory, or on the disk where that is not possible: for tests that write many small files with git, which
 * waits for the disk at each of them. A container may have only 64 MB there.
 */
export function memoryFolder(prefix: string): string {
  const memory = '/dev/shm';
  try {
    accessSync(memory, constants.W_OK);
  } catch {
    return mkdtempSync(join(tmpdir(), prefix));
  }
  return mkdtempSync(join(memory, prefix));
}
