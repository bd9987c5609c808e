import { statfs } from 'node:fs/promises';
import { hasCode } from '../../lib/error-code.ts';

/** Returns the bytes that this user may still write on the file system of the directory. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Returns true if a write failed because the disk or the user's quota is full. */
export function isDiskFull(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT');
}
