import { type Instant, parseInstant } from './instant.ts';

/** A longer line is cut: one line must not take the place of a thousand others. */
export const lineLimitBytes = 16 * 1024;

const newline = 0x0a;
const carriageReturn = 0x0d;

export interface Line {
  /** RFC 3339, as the cluster wrote it; null for what the kubelet says itself ("cannot read this log"). */
  readonly time: string | null;
  readonly instant: Instant | undefined;
  readonly text: string;
  /** Its end is missing. */
  readonly isCut: boolean;
}

/**
 * The lines of a log with times, a list for each chunk that ends some. Chunks may begin and end anywhere, within a
 * character too. No more than `lineLimitBytes` of a line are ever held.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line[]> {
  let parts: Buffer[] = [];
  let length = 0;
  const add = (bytes: Buffer): void => {
    const room = Math.max(0, lineLimitBytes - length);
    // A copy of what is kept: the rest of a chunk is not held for it.
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

/** How many bytes there are without a character at the end that was cut in the middle. */
function wholeCharacters(bytes: Buffer): number {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && start > 0 && ((bytes[start] ?? 0) & 0b1100_0000) === 0b1000_0000) start -= 1;
  const first = bytes[start] ?? 0;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return start + size > bytes.length ? start : bytes.length;
}
