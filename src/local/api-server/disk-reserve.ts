import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Enough for the write-ahead log (4 MiB between two checkpoints) and for the pages that a checkpoint writes. */
const reserveBytes = 8 * 1024 * 1024;
/** The reserve is allocated only if this much space is free, so that the reserve itself does not fill the disk. */
const spareBytes = 4 * reserveBytes;
const retryMs = 30_000;

/**
 * A file that only reserves disk space. When the disk is full, the file is deleted, so that sessions can still be deleted
 * without another program.
 */
export class DiskReserve {
  readonly #file: string;
  #isHeld: boolean;
  #checkedAt = Number.NEGATIVE_INFINITY;

  constructor(file: string) {
    this.#file = file;
    this.#isHeld = statSync(file, { throwIfNoEntry: false })?.size === reserveBytes;
  }

  /**
   * Allocates the file if enough space is free. Calls within 30 s after an attempt do nothing. A failure has no effect until
   * the disk is full.
   */
  hold(now = performance.now()): void {
    if (this.#isHeld || now - this.#checkedAt < retryMs) return;
    this.#checkedAt = now;
    let descriptor: number | undefined;
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#file));
      if (bavail * bsize < spareBytes) return;
      descriptor = openSync(this.#file, 'w', 0o600);
      // Random bytes, because a compressing file system stores zeros without space.
      this.#isHeld = writeSync(descriptor, randomBytes(reserveBytes)) === reserveBytes;
      fsyncSync(descriptor);
    } catch (error) {
      this.#isHeld = false;
      if (!(error instanceof Error && 'code' in error)) throw error;
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
      if (descriptor !== undefined && !this.#isHeld) rmSync(this.#file, { force: true });
    }
  }

  /** Deletes the file. Returns false if there was none. */
  release(): boolean {
    if (!this.#isHeld) return false;
    rmSync(this.#file, { force: true });
    this.#isHeld = false;
    // Deletions need the space, so `hold` must not allocate the file again immediately.
    this.#checkedAt = performance.now();
    return true;
  }
}
