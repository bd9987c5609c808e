import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';

/** A file of the state folder that cannot be used as it is. Shown without a stack: it names the file and the remedy. */
export class UnusableFile extends Error {
  override readonly name = 'UnusableFile';
  constructor(file: string, why: string, remedy: string, options?: { cause?: unknown }) {
    super(`${file} ${why}. ${remedy}`, options);
  }
}

/**
 * Replaces the file as a whole, readable by the owner only. When it returns, the content survives a power cut; when the
 * machine stops before, the former content is still there. Throws UnusableFile where something else has that name.
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

/** The new name of a file is content of its folder. */
function flushDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The content; undefined where there is no such file. Throws UnusableFile where it cannot be read. */
export function readKept(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asUnusableFile(file, error);
  }
}

export interface SecretOptions {
  /** Random bytes; the file has two hexadecimal digits for each. 32 unless told. */
  bytes?: number;
  /**
   * What is lost with the secret, as a sentence: a damaged file then ends the start. Without it a damaged file is
   * replaced, with a line in the log.
   */
  loss?: string;
  log?: Logger;
}

/**
 * A random secret of the state folder, as hexadecimal digits, made when it is asked for the first time. A file that is
 * empty, cut off or something else is never taken for a secret.
 */
export function keptSecret(file: string, { bytes = 32, loss, log }: SecretOptions = {}): string {
  const kept = readKept(file)?.trim();
  if (kept !== undefined) {
    if (new RegExp(`^[0-9a-f]{${bytes * 2}}$`).test(kept)) return kept;
    const why = `is damaged: it should hold ${bytes * 2} hexadecimal digits and has ${kept.length} characters`;
    if (loss !== undefined) {
      throw new UnusableFile(file, why, `Restore it from a copy, or delete it and start again. ${loss}`);
    }
    log?.warn({ file }, 'a secret is damaged and is replaced');
  }
  const made = randomBytes(bytes).toString('hex');
  writePrivate(file, `${made}\n`);
  return made;
}

const reasons: Record<string, [why: string, remedy: string]> = {
  EACCES: ['cannot be opened by you', 'Give it back to your user, or start with another --state.'],
  EPERM: ['cannot be opened by you', 'Give it back to your user, or start with another --state.'],
  EISDIR: ['is a directory, where a file belongs', 'Move it away and start again.'],
  ENOTEMPTY: ['is a directory, where a file belongs', 'Move it away and start again.'],
  ENOTDIR: ['is in a folder that is a file', 'Move that file away and start again.'],
  EIO: ['cannot be read or written', 'Check the disk.'],
  EROFS: ['is on a file system that is read-only', 'Make it writable, or start with another --state.'],
};

/** An error of the file system as what a person can do about the file; any other error as it is. */
export function asUnusableFile(file: string, error: unknown): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  const [why, remedy] = reasons[code] ?? [];
  return why === undefined || remedy === undefined ? error : new UnusableFile(file, why, remedy, { cause: error });
}
