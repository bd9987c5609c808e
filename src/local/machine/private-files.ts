import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { hasCode } from '../../lib/error-code.ts';

/** Creates the folder and missing parents, for the owner only. */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/**
 * Replaces the file as a whole, readable by the owner only. After a power cut, the file may be missing or empty. For files that
 * must survive a power cut, use `writePrivate` of state-files.ts.
 */
export async function writePrivateFile(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, file);
}

/** Returns the file's JSON; undefined if the file is missing or is not JSON, as after a power cut during a write. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Returns undefined if the file is missing. */
export async function readText(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(ifMissing);
}

/** Use with `catch`: returns undefined if a file does not exist, and throws any other error. */
export function ifMissing(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error;
}
