import type { Readable } from 'node:stream';

export interface CgiHead {
  readonly status: number;
  readonly headers: Record<string, string>;
}

const maxHeadBytes = 16 * 1024;
/** What `git http-backend` sends; anything else it might send is not passed on. */
const passed = new Set(['content-type', 'cache-control', 'expires', 'pragma']);

/** Reads a CGI program's headers and leaves the rest of its output on the stream. Rejects when it ends before that. */
export function readCgiHead(stream: Readable): Promise<CgiHead> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const leave = () => {
      stream.pause();
      stream.off('data', onData).off('error', onError).off('close', onClose);
    };
    const onError = (error: Error) => {
      leave();
      reject(error);
    };
    const onClose = () => onError(new Error('the program ended without an answer'));
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const match = /\r?\n\r?\n/.exec(received.toString('latin1'));
      if (match) {
        leave();
        stream.unshift(received.subarray(match.index + match[0].length));
        resolve(parseHead(received.toString('latin1', 0, match.index)));
      } else if (received.length > maxHeadBytes) onError(new Error('the program sent headers without an end'));
    };
    stream.on('data', onData).on('error', onError).on('close', onClose);
  });
}

function parseHead(text: string): CgiHead {
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10) || 500;
    else if (passed.has(name)) headers[name] = value;
  }
  return { status, headers };
}
