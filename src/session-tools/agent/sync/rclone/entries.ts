import { isObject, type JsonObject, parseJson } from '../../../../lib/json.ts';
import { RemoteError } from '../remote.ts';

const quote = 0x22;
const backslash = 0x5c;
const open = 0x7b;
const close = 0x7d;
/** Bytes of one entry at most: a path of 4,096 bytes in the longest notation, and hashes. */
const maxEntryBytes = 64 * 1024;

/**
 * Returns the entries of a listing of rclone, `{"list": [{...}, ...]}`, in groups as they arrive: a listing of 50,000 files is never in memory as
 * a whole. Throws if the text ends before the listing is complete, and RemoteError `too-many` if the text is longer than `maxBytes`.
 */
export async function* readEntries(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncIterable<JsonObject[]> {
  let depth = 0;
  let isInText = false;
  let isEscaped = false;
  let isComplete = false;
  let total = 0;
  /** The part of an entry that began in an earlier chunk. */
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    if (total > maxBytes) {
      const message = `The list of the files at the remote is longer than ${maxBytes} bytes. Synchronize a folder inside of it ("remote.path").`;
      throw new RemoteError('too-many', message);
    }
    let start = depth >= 2 ? 0 : -1;
    const entries: JsonObject[] = [];
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      if (isInText) {
        if (isEscaped) isEscaped = false;
        else if (byte === backslash) isEscaped = true;
        else if (byte === quote) isInText = false;
      } else if (byte === quote) isInText = true;
      else if (byte === open) {
        depth++;
        if (depth === 2) start = index;
      } else if (byte === close) {
        depth--;
        if (depth === 0) isComplete = true;
        if (depth === 1) {
          const entry = parseJson(Buffer.concat([...parts, chunk.subarray(Math.max(start, 0), index + 1)]).toString());
          if (!isObject(entry)) throw new Error('the listing is not valid JSON');
          entries.push(entry);
          parts = [];
          size = 0;
          start = -1;
        }
      }
    }
    yield entries;
    if (depth >= 2) {
      const rest = chunk.subarray(Math.max(start, 0));
      parts.push(rest);
      size += rest.length;
      if (size > maxEntryBytes) throw new Error('an entry of the listing is too long');
    }
  }
  if (!isComplete) throw new Error('the listing is not complete');
}
