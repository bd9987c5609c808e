import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Enough for the write-ahead log (4 MiB between two checkpoints) and for the pages that a checkpoint adds. */
const reserveBytes = 8 * 1024 * 1024;
/** It is taken only where this much more is free: a reserve that fills the disk is none. */
const spareBytes = 4 * reserveBytes;
const lookAgainMs = 30_000;

/**
 * A file whose only use is its size: when the disk is full it is deleted, and what deletes sessions can be written. Only
 * then is there a way out that needs no other program.
 */
export class DiskReserve {
  readonly #file: string;
  #isHeld: boolean;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(file: string) {
    this.#file = file;
    this.#isHeld = statSync(file, { throwIfNoEntry: false })?.size === reserveBytes;
  }

  /**
   * Takes the space when there is enough of it, and looks for that only once in a while. It is a precaution: where it
   * cannot be taken, everything works until the disk is full.
   */
  hold(now = performance.now()): void {
    if (this.#isHeld || now - this.#lookedAt < lookAgainMs) return;
    this.#lookedAt = now;
    let descriptor: number | undefined;
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#file));
      if (bavail * bsize < spareBytes) return;
      descriptor = openSync(this.#file, 'w', 0o600);
      // Random: zeros take no space on a file system that compresses.
      this.#isHeld = writeSync(descriptor, randomBytes(reserveBytes)) === reserveBytes;
      fsyncSync(descriptor);
    } catch (error) {
      this.#isHeld = false;
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
      if (descriptor !== undefined && !this.#isHeld) rmSync(this.#file, { force: true });
    }
  }

  /** Gives the space back; false where there was none. */
  release(): boolean {
    if (!this.#isHeld) return false;
    rmSync(this.#file, { force: true });
    this.#isHeld = false;
    // What deletes needs it first.
    this.#lookedAt = performance.now();
    return true;
  }
}
