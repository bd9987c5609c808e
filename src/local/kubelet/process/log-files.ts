import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * A container's log as its shim writes it: `log`, and `log.1` with what came before, each line beginning with its time
 * in RFC 3339 and a space.
 */
const oldest = 'log.1';
const newest = 'log';
const blockBytes = 64 * 1024;
/** Where the system's file events are lost, new lines are noticed this late. */
const lookEveryMs = 1_000;
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

/** The lines of the log in `folder`, each with its newline. */
export async function* readLog(folder: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<string> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const stamped of splitLines(blocks(folder, options, signal))) {
    if (left <= 0) return;
    const space = stamped.indexOf(' ');
    if (options.sinceMs !== undefined && Date.parse(stamped.slice(0, space)) < options.sinceMs) continue;
    const line = `${options.timestamps ? stamped : stamped.slice(space + 1)}\n`;
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

async function* blocks(folder: string, { tailLines, until }: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  // Both are opened before anything is read: a rotation meanwhile changes neither what is read nor its order.
  const before = await openIfThere(join(folder, oldest));
  const current = await openIfThere(join(folder, newest));
  const files = [before, current].filter((file) => file !== undefined);
  try {
    const starts = tailLines === undefined ? [] : await findTail(files, tailLines);
    for (const [index, file] of files.entries()) {
      const end = yield* readFrom(file, starts[index] ?? 0, signal);
      if (file === current && until) yield* follow(folder, file, end, until, signal);
    }
  } finally {
    await Promise.all(files.map((file) => file.close()));
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
  first: FileHandle,
  start: number,
  until: Promise<unknown>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let file = first;
  let at = start;
  let ended = false;
  const end = until.then(() => {
    ended = true;
  });
  const changes = new FolderChanges(folder);
  try {
    for (;;) {
      const last = ended;
      const next = changes.next();
      const rotated = await isRotated(folder, file);
      at = yield* readFrom(file, at, signal);
      if (rotated) {
        if (file !== first) await file.close();
        file = await open(join(folder, newest));
        at = 0;
      } else if (last) {
        return;
      } else {
        await Promise.race([next, end, wait(lookEveryMs, undefined, { signal })]);
      }
    }
  } finally {
    changes.close();
    if (file !== first) await file.close();
  }
}

async function isRotated(folder: string, file: FileHandle): Promise<boolean> {
  const now = await stat(join(folder, newest)).catch(missing);
  return now !== undefined && now.ino !== (await file.stat()).ino;
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
async function findTail(files: readonly FileHandle[], count: number): Promise<number[]> {
  const starts: number[] = [];
  let wanted = count;
  for (const file of [...files].reverse()) {
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

async function* splitLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const block of source) {
    let from = 0;
    for (let index = block.indexOf(newline); index >= 0; index = block.indexOf(newline, from)) {
      rest.push(block.subarray(from, index));
      yield Buffer.concat(rest).toString('utf8');
      rest = [];
      from = index + 1;
    }
    if (from < block.length) rest.push(block.subarray(from));
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8');
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return await open(path).catch(missing);
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
