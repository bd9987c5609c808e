import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderChanges } from '../../machine/folder-changes.ts';
import { ifMissing } from '../../machine/private-files.ts';

/**
 * A file of a container's log. The shim writes files `log.<n>` and keeps the newest two. `n` is the number of the run's lines
 * before the file, so that a slow reader can count the lines that it has missed. Each line begins with its time in
 * RFC 3339 and a space.
 */
interface LogFile {
  readonly linesBefore: number;
  readonly file: FileHandle;
}

const fileName = /^log\.(\d+)$/;
const blockBytes = 64 * 1024;
/** Longest delay in milliseconds for new lines if the system's file events are lost. */
const pollMs = 1_000;
/** Time limit for counting the lines of one file. */
const countMs = 10_000;
const newline = 0x0a;

export interface LogOptions {
  timestamps: boolean;
  /** Only this many of the last lines. */
  tailLines?: number | undefined;
  /** Only lines at or after this time, in milliseconds since 1970. */
  sinceMs?: number | undefined;
  /** At most this many bytes; the last line may be cut. */
  limitBytes?: number | undefined;
  /** If set, the log is followed until this promise resolves, because the process has ended. */
  until?: Promise<unknown> | undefined;
}

/**
 * Yields the lines of the log in `folder`, each with its newline. If a file was replaced before it was read, a line without
 * a time reports the number of missing lines.
 */
export async function* readLog(folder: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<string> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const { stamped, missed } of splitLines(blocks(folder, options, signal))) {
    if (left <= 0) return;
    let line = `${missed} lines were written faster than they could be read, and were lost\n`;
    if (stamped !== undefined) {
      const space = stamped.indexOf(' ');
      if (options.sinceMs !== undefined && Date.parse(stamped.slice(0, space)) < options.sinceMs) continue;
      line = `${options.timestamps ? stamped : stamped.slice(space + 1)}\n`;
    }
    const bytes = Buffer.byteLength(line);
    yield bytes <= left ? line : Buffer.from(line).subarray(0, left).toString('utf8');
    left -= bytes;
  }
}

/** The maximum number of lines in a status, as in Kubernetes. */
const tailLines = 80;

/** Returns the end of the log for a status: the last lines without their times, at most `maxLength` characters. */
export async function readTail(folder: string | undefined, maxLength: number): Promise<string> {
  if (folder === undefined) return '';
  let text = '';
  for await (const line of readLog(folder, { timestamps: false, tailLines }, AbortSignal.timeout(5_000))) {
    text = (text + line).slice(-maxLength - 1);
  }
  return text.trimEnd();
}

/** Removes the folder of an old run. */
export async function removeRun(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** A part of the log, or the number of lines that are missing before the next part. */
type Piece = Buffer | { readonly missed: number };

async function* blocks(folder: string, { tailLines, until }: LogOptions, signal: AbortSignal): AsyncGenerator<Piece> {
  const files = await openAll(folder);
  try {
    const starts = tailLines === undefined ? [] : await findTail(files, tailLines);
    for (const [index, current] of files.entries()) {
      const end = yield* readFrom(current.file, starts[index] ?? 0, signal);
      if (current === files.at(-1) && until) yield* follow(folder, current, end, until, signal);
    }
  } finally {
    await Promise.all(files.map(({ file }) => file.close()));
  }
}

/** Yields the content of the file from `start` on. Returns the position of its end. */
async function* readFrom(file: FileHandle, start: number, signal: AbortSignal): AsyncGenerator<Buffer, number> {
  let at = start;
  for (;;) {
    signal.throwIfAborted();
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(blockBytes), 0, blockBytes, at);
    if (bytesRead === 0) return at;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Yields the data after `start` of the newest file and of later files, until the process has ended. */
async function* follow(
  folder: string,
  first: LogFile,
  start: number,
  until: Promise<unknown>,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  let current = first;
  let at = start;
  let ended = false;
  const end = until.then(() => {
    ended = true;
  });
  const changes = new FolderChanges(folder, pollMs, signal);
  try {
    for (;;) {
      const last = ended;
      const change = changes.next();
      // Checked before the read: a file is complete as soon as the next file exists.
      const next = await openNext(folder, current.linesBefore);
      at = yield* readFrom(current.file, at, signal);
      if (next) {
        const missed = next.linesBefore - current.linesBefore - (await countLines(current.file));
        if (current !== first) await current.file.close();
        current = next;
        at = 0;
        if (missed > 0) yield { missed };
      } else if (last) {
        return;
      } else {
        await Promise.race([change, end]);
      }
    }
  } finally {
    changes.close();
    if (current !== first) await current.file.close();
  }
}

/** Returns the numbers in the names of the log's files, lowest first. */
async function listFiles(folder: string): Promise<number[]> {
  const names = (await readdir(folder).catch(ifMissing)) ?? [];
  return names
    .map((name) => Number(fileName.exec(name)?.[1] ?? Number.NaN))
    .filter(Number.isSafeInteger)
    .sort((one, other) => one - other);
}

/** Opens all files, the oldest first, before one of them is read: a later rotation has no effect. */
async function openAll(folder: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  for (let next = await openNext(folder, -1); next; next = await openNext(folder, next.linesBefore)) files.push(next);
  return files;
}

/** Opens the file after the one with `linesBefore`; undefined if that is the newest one. */
async function openNext(folder: string, linesBefore: number): Promise<LogFile | undefined> {
  for (;;) {
    const number = (await listFiles(folder)).find((found) => found > linesBefore);
    if (number === undefined) return undefined;
    const file = await open(join(folder, `log.${number}`)).catch(ifMissing);
    // If the file was removed after the folder was read, there is a newer one.
    if (file) return { linesBefore: number, file };
  }
}

async function countLines(file: FileHandle): Promise<number> {
  let count = 0;
  for await (const block of readFrom(file, 0, AbortSignal.timeout(countMs))) {
    for (let index = block.indexOf(newline); index >= 0; index = block.indexOf(newline, index + 1)) count += 1;
  }
  return count;
}

/** Returns where the last `count` lines of all files begin, for each file, the oldest first. */
async function findTail(files: readonly LogFile[], count: number): Promise<number[]> {
  const starts: number[] = [];
  let wanted = count;
  for (const { file } of [...files].reverse()) {
    const { start, found } = await tailStart(file, wanted);
    starts.unshift(start);
    wanted -= found;
  }
  return starts;
}

async function tailStart(file: FileHandle, count: number): Promise<{ start: number; found: number }> {
  const { size } = await file.stat();
  let found = 0;
  for (let end = size; end > 0; ) {
    const begin = Math.max(0, end - blockBytes);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(end - begin), 0, end - begin, begin);
    for (let index = bytesRead - 1; index >= 0; index -= 1) {
      if (buffer[index] !== newline) continue;
      // A line begins after the newline of the previous line.
      if (found === count) return { start: begin + index + 1, found };
      found += 1;
    }
    end = begin;
  }
  return count === 0 ? { start: size, found: 0 } : { start: 0, found };
}

/** A line with its time, or the number of missing lines. */
type Item =
  | { readonly stamped: string; readonly missed?: never }
  | { readonly stamped?: never; readonly missed: number };

async function* splitLines(source: AsyncIterable<Piece>): AsyncGenerator<Item> {
  let rest: Buffer[] = [];
  const line = (): Item => {
    const stamped = Buffer.concat(rest).toString('utf8');
    rest = [];
    return { stamped };
  };
  for await (const piece of source) {
    if (!Buffer.isBuffer(piece)) {
      if (rest.length > 0) yield line();
      yield piece;
      continue;
    }
    let from = 0;
    for (let index = piece.indexOf(newline); index >= 0; index = piece.indexOf(newline, from)) {
      rest.push(piece.subarray(from, index));
      yield line();
      from = index + 1;
    }
    if (from < piece.length) rest.push(piece.subarray(from));
  }
  if (rest.length > 0) yield line();
}
