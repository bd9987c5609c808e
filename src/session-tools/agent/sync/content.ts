import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { sleep } from '../../../lib/sleep.ts';
import type { HashAlgorithm, TransferOptions } from './remote.ts';

/** Reading and copying of files of any size: only one piece is in memory. */

const pieceBytes = 256 * 1024;

/** Returns the hashes of the first `bytes` of a file, by default of all, in the form `<algorithm>:<hexadecimal>`. */
export async function hashFile(
  path: string,
  algorithms: readonly HashAlgorithm[],
  signal: AbortSignal,
  bytes = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const hashes = algorithms.map((algorithm) => [algorithm, createHash(algorithm)] as const);
  for await (const piece of piecesOf(path, signal, bytes)) for (const [, hash] of hashes) hash.update(piece);
  return hashes.map(([algorithm, hash]) => `${algorithm}:${hash.digest('hex')}`);
}

/** Copies a file to a path at which no file exists, and writes it to the disk. Returns the bytes. */
export async function copyFile(from: string, to: string, options: TransferOptions): Promise<number> {
  const { signal, bytesPerSecond, onProgress } = options;
  const start = performance.now();
  let bytes = 0;
  const target = await open(to, 'wx', 0o600);
  try {
    for await (const piece of piecesOf(from, signal)) {
      await target.writeFile(piece);
      bytes += piece.length;
      onProgress?.(bytes);
      const aheadMs = bytesPerSecond ? (bytes / bytesPerSecond) * 1000 - (performance.now() - start) : 0;
      if (aheadMs > 0) await sleep(aheadMs, signal);
    }
    await target.sync();
  } finally {
    await target.close();
  }
  return bytes;
}

/** Yields the first `bytes` of a file. A piece is valid until the next one. */
async function* piecesOf(path: string, signal: AbortSignal, bytes = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(pieceBytes);
    for (let left = bytes; left > 0; ) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, Math.min(pieceBytes, left), null);
      if (bytesRead === 0) return;
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
