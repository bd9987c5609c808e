import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * A container's log as its shim writes it: files `log.<n>`, of which the newest two are kept. `n` is how many lines of
 * the run came before the file, so a reader that is overtaken knows how much it has missed. Each line begins with its
 * time in RFC 3339 and a space.
 */
interface LogFile {
  readonly linesBefore: number;
  readonly file: FileHandle;
}

const fileName = /^log\.(\d+)$/;
const blockBytes = 64 * 1024;
/** Where the system's file events are lost, new lines are noticed this late. */
const lookEveryMs = 1_000;
/** What it may take to count the lines of one file. */
const countMs = 10_000;
const newline = 0x0a;

export interface LogOptions {
  timestamps: boolean;
  /** Only the last lines of those that there are. */
  tailLines?: number | undefined;
  /** Only lines at or after this time, in milliseconds since 1970. */
  sinceMs?: number | undefined;
  /** No more than these bytes of output; the last line may be cut. */
  limitBytes?: number | undefined;
  /** Go on with lines to come until this resolves (the process has ended). */
  until?: Promise<unknown> | undefined;
}

/**
 * The lines of the log in `folder`, each with its newline. Lines that were written so fast that their file was replaced
 * before it was read are counted in a line of their own, without a time.
 */
export async function* readLog(folder: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<string> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const { stamped, missed } of splitLines(blocks(folder, options, signal))) {
    if (left <= 0) return;
    let line = `${missed} lines were written faster than they could be read, and are no longer kept\n`;
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

/** As many lines as Kubernetes takes for a status. */
const tailLines = 80;

/** The end of the log for a status: its last lines, at most `maxLength` characters of them, without their times. */
export async function readTail(folder: string | undefined, maxLength: number): Promise<string> {
  if (folder === undefined) return '';
  let text = '';
  for await (const line of readLog(folder, { timestamps: false, tailLines }, AbortSignal.timeout(5_000))) {
    text = (text + line).slice(-maxLength - 1);
  }
  return text.trimEnd();
}

/** Removes the folder of a run that nobody asks for any more. */
export async function removeRun(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** A piece of the log, or how many lines are missing before the next piece. */
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

/** Yields what the file has from `start` on, and returns where it ended. */
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

/** What is written from `start` of the newest file on, through its rotations, until the process has ended. */
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
  const changes = new FolderChanges(folder);
  try {
    for (;;) {
      const last = ended;
      const change = changes.next();
      // Looked for first: once the next file is there, the one before is complete.
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
        await Promise.race([change, end, wait(lookEveryMs, undefined, { signal })]);
      }
    }
  } finally {
    changes.close();
    if (current !== first) await current.file.close();
  }
}

/** The numbers in the names of the log's files, lowest first. */
async function listFiles(folder: string): Promise<number[]> {
  const names = (await readdir(folder).catch(missing)) ?? [];
  return names
    .map((name) => Number(fileName.exec(name)?.[1] ?? Number.NaN))
    .filter(Number.isSafeInteger)
    .sort((one, other) => one - other);
}

/** The files that there are, the oldest first. They are opened before anything is read, so that a rotation changes nothing. */
async function openAll(folder: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  for (let next = await openNext(folder, -1); next; next = await openNext(folder, next.linesBefore)) files.push(next);
  return files;
}

/** The file after the one with `linesBefore`; undefined when that is the newest. */
async function openNext(folder: string, linesBefore: number): Promise<LogFile | undefined> {
  for (;;) {
    const number = (await listFiles(folder)).find((found) => found > linesBefore);
    if (number === undefined) return undefined;
    const file = await open(join(folder, `log.${number}`)).catch(missing);
    // Otherwise it was removed since the folder was read, and there is a newer one.
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

class FolderChanges {
  readonly #watcher: FSWatcher | undefined;
  #tell: () => void = () => undefined;

  constructor(folder: string) {
    try {
      this.#watcher = watch(folder, () => this.#tell());
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch (error) {
      // No watches left on this system: the caller looks every so often.
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  close(): void {
    this.#watcher?.close();
  }
}

/** Where to begin in each of the files (the oldest first) to have the last `count` lines of them all. */
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
      // The newline before a line is its beginning; the last byte of the file only ends the last line.
      if (found === count) return { start: begin + index + 1, found };
      found += 1;
    }
    end = begin;
  }
  return count === 0 ? { start: size, found: 0 } : { start: 0, found };
}

/** A line with its time, or how many are missing. */
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

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
