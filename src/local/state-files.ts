import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { hasCode } from '../lib/error-code.ts';
import { UserError } from './user-error.ts';

/** A file of the state folder that cannot be used. The message names the file and the remedy. */
export class UnusableFile extends UserError {
  override readonly name = 'UnusableFile';
  constructor(file: string, why: string, remedy: string, options?: { cause?: unknown }) {
    super(`${file} ${why}. ${remedy}`, options);
  }
}

/**
 * Replaces the file atomically, readable by the owner only. When it returns, the content survives a power cut; if the machine
 * stops before, the file has its former content. Throws UnusableFile if the path is not a file.
 */
export function writePrivate(file: string, content: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content, { mode: 0o600, flush: true });
    renameSync(temporary, file);
    flushDirectory(dirname(file));
  } catch (error) {
    throw asUnusableFile(file, error);
  }
}

/** Makes a renamed file survive a power cut: its name is content of the folder. */
function flushDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Returns the content; undefined if there is no such file. Throws UnusableFile if it cannot be read. */
export function readKept(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw asUnusableFile(file, error);
  }
}

export interface SecretOptions {
  /** Number of random bytes, 32 by default. The file has two hexadecimal digits for each byte. */
  bytes?: number;
  /**
   * A sentence about the loss without the secret. If it is set, a damaged file is an error; otherwise the file is replaced,
   * with a warning in the log.
   */
  loss?: string;
  log?: Logger;
}

/**
 * Returns a random secret of the state folder, as hexadecimal digits. The secret is created at the first call. An empty,
 * truncated or otherwise damaged file is never used as a secret.
 */
export function keptSecret(file: string, { bytes = 32, loss, log }: SecretOptions = {}): string {
  const kept = readKept(file)?.trim();
  if (kept !== undefined) {
    if (new RegExp(`^[0-9a-f]{${bytes * 2}}$`).test(kept)) return kept;
    const why = `is damaged: it should contain ${bytes * 2} hexadecimal digits and has ${kept.length} characters`;
    if (loss !== undefined) {
      throw new UnusableFile(file, why, `Restore it from a copy, or delete it and start again. ${loss}`);
    }
    log?.warn({ file }, 'a secret is damaged and was replaced');
  }
  const created = randomBytes(bytes).toString('hex');
  writePrivate(file, `${created}\n`);
  return created;
}

const reasons: Record<string, [why: string, remedy: string]> = {
  EACCES: ['cannot be opened by your user', 'Change its owner to your user, or start with another --state.'],
  EPERM: ['cannot be opened by your user', 'Change its owner to your user, or start with another --state.'],
  EISDIR: ['is a directory instead of a file', 'Move it away and start again.'],
  ENOTEMPTY: ['is a directory instead of a file', 'Move it away and start again.'],
  ENOTDIR: ['has a parent that is a file instead of a folder', 'Move that file away and start again.'],
  EIO: ['cannot be read or written', 'Check the disk.'],
  EROFS: ['is on a read-only file system', 'Make it writable, or start with another --state.'],
};

/** Converts an error of the file system to UnusableFile with a remedy; returns any other error unchanged. */
export function asUnusableFile(file: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [why, remedy] = reasons[code] ?? [];
  return why === undefined || remedy === undefined ? error : new UnusableFile(file, why, remedy, { cause: error });
}
