import type { IncomingMessage } from 'node:http';

/**
 * A request's whole body; undefined where it has more than `maxBytes`. What is too much is read and thrown away: closing
 * at once would lose the answer on its way to the sender. Throws when the sender goes away before its end.
 */
export async function readAtMost(req: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size <= maxBytes ? Buffer.concat(chunks) : undefined;
}
