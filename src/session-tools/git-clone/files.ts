import { lstat } from 'node:fs/promises';
import { hasCode } from '../../lib/error-code.ts';

/** Returns the type of a directory entry, without following a link; undefined if it does not exist. */
export async function kindOf(path: string): Promise<'file' | 'directory' | 'other' | undefined> {
  try {
    const entry = await lstat(path);
    return entry.isDirectory() ? 'directory' : entry.isFile() ? 'file' : 'other';
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
