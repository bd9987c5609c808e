import type { IncomingMessage } from 'node:http';

/**
 * Returns the whole body of a request; undefined if it has more than `maxBytes`. The rest of a larger body is read and
 * dropped: closing the connection immediately would lose the response. Rejects if the sender closes the connection early.
 */
export async function readBodyUpTo(req: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size <= maxBytes ? Buffer.concat(chunks) : undefined;
}
