import type { IncomingMessage } from 'node:http';

/** Bytes of a body that is too long that are read and discarded before the response. */
const maxDiscarded = 16 * 1024 * 1024;

/**
 * Returns the body of a request; undefined if it is longer than `maxBytes`. The rest of a longer body is read first, up to a limit: a
 * client that still sends when the connection closes would not get the response. Rejects if the client closes the connection.
 */
export function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = () => {
      req.removeListener('data', read);
      resolve(length > maxBytes ? undefined : Buffer.concat(chunks));
    };
    // The iteration of a stream would close the connection before the response.
    const read = (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (length > maxBytes + maxDiscarded) end();
    };
    req.on('data', read).once('end', end);
    req.once('error', reject).once('close', () => reject(new Error('the client closed the connection')));
  });
}
