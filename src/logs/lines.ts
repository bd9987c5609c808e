import { type Instant, parseInstant } from './instant.ts';

/** Longer lines are cut, so that one line cannot displace many others. */
export const lineLimitBytes = 16 * 1024;

const newline = 0x0a;
const carriageReturn = 0x0d;

export interface Line {
  /** RFC 3339, as in the log; null for a message of the kubelet about the log. */
  readonly time: string | null;
  readonly instant: Instant | undefined;
  readonly text: string;
  /** The line is longer than `text`. */
  readonly isCut: boolean;
}

/**
 * Yields the lines of a log with timestamps, one list for each chunk that completes a line. Chunks may begin and end
 * anywhere, even within a character. Stores at most `lineLimitBytes` of a line.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (bytes: Buffer): void => {
    const room = Math.max(0, lineLimitBytes - length);
    // A copy, so that the rest of the chunk can be freed.
    if (room > 0 && bytes.length > 0) parts.push(Buffer.from(bytes.subarray(0, room)));
    length += bytes.length;
  };
  const finish = (): Line => {
    const line = parse(parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts), length > lineLimitBytes);
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let from = 0;
    for (let index = chunk.indexOf(newline); index >= 0; index = chunk.indexOf(newline, from)) {
      if (length === 0 && index - from <= lineLimitBytes) {
        lines.push(parse(chunk.subarray(from, index), false));
      } else {
        add(chunk.subarray(from, index));
        lines.push(finish());
      }
      from = index + 1;
    }
    add(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (length > 0) yield [finish()];
}

function parse(bytes: Buffer, isCut: boolean): Line {
  const end = isCut ? wholeCharacters(bytes) : bytes.length - (bytes.at(-1) === carriageReturn ? 1 : 0);
  const whole = bytes.toString('utf8', 0, end);
  const space = whole.indexOf(' ');
  const time = space === -1 ? whole : whole.slice(0, space);
  const instant = parseInstant(time);
  if (instant === undefined) return { time: null, instant, text: whole, isCut };
  return { time, instant, text: space === -1 ? '' : whole.slice(space + 1), isCut };
}

/** Returns the number of bytes without an incomplete UTF-8 character at the end. */
function wholeCharacters(bytes: Buffer): number {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && start > 0 && ((bytes[start] ?? 0) & 0b1100_0000) === 0b1000_0000) start -= 1;
  const first = bytes[start] ?? 0;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return start + size > bytes.length ? start : bytes.length;
}
