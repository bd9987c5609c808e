import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns all files of a folder that programs use, with their contents as latin1. Files and folders that a program removes meanwhile are
 * left out, such as temporary files of a cache.
 */
export function filesIn(folder: string): { path: string; content: string }[] {
  return filesOf(folder, readdirSync(folder, { withFileTypes: true }));
}

function filesOf(folder: string, entries: readonly Dirent[]): { path: string; content: string }[] {
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesOf(path, ifThere(() => readdirSync(path, { withFileTypes: true })) ?? []);
    const content = entry.isFile() ? ifThere(() => readFileSync(path, 'latin1')) : undefined;
    return content === undefined ? [] : [{ path, content }];
  });
}

function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
