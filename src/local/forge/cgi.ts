import type { Readable } from 'node:stream';

export interface CgiHead {
  readonly status: number;
  readonly headers: Record<string, string>;
}

const maxHeadBytes = 16 * 1024;
/** The headers that `git http-backend` sends. Others are dropped. */
const passed = new Set(['content-type', 'cache-control', 'expires', 'pragma']);

/**
 * Returns the headers of a CGI program and leaves the rest of its output on the stream. Rejects if the output ends before the
 * headers.
 */
export function readCgiHead(stream: Readable): Promise<CgiHead> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const stopReading = () => {
      stream.pause();
      stream.off('data', onData).off('error', onError).off('close', onClose);
    };
    const onError = (error: Error) => {
      stopReading();
      reject(error);
    };
    const onClose = () => onError(new Error('the program ended before its response'));
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const match = /\r?\n\r?\n/.exec(received.toString('latin1'));
      if (match) {
        stopReading();
        stream.unshift(received.subarray(match.index + match[0].length));
        resolve(parseHead(received.toString('latin1', 0, match.index)));
      } else if (received.length > maxHeadBytes) onError(new Error('the headers of the program are too long'));
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
