import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { startTransport } from '../../../../../tests/support/rclone/remotes.ts';
import type { Remote } from '../remote.ts';

const { signal } = new AbortController();
const password = 'pass word';

const file = `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>/a.txt</d:href><d:propstat><d:prop>
  <d:resourcetype/><d:getcontentlength>10</d:getcontentlength><d:getlastmodified>Mon, 30 Nov 2026 10:00:00 GMT</d:getlastmodified>
  </d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>`;
const lengthBytes = 1024 ** 3;

/** Sends a body of any length. */
function sendLong(res: ServerResponse, onBytes: (bytes: number) => void): void {
  const piece = Buffer.alloc(1024 * 1024);
  function* pieces() {
    for (let sent = 0; sent < lengthBytes; sent += piece.length) {
      onBytes(piece.length);
      yield piece;
    }
  }
  Readable.from(pieces(), { objectMode: false }).pipe(res);
}

/** Calls `use` with a remote at a server that `handle` is. */
async function withServer(handle: RequestListener, use: (remote: Remote) => Promise<void>): Promise<void> {
  await using transport = await startTransport();
  const server = createServer(handle);
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const options = { url: `http://127.0.0.1:${port}/`, user: 'ada' };
    const remote = await transport.open({ name: 'x', type: 'webdav', path: '', options }, { password });
    await use(remote);
    await remote.close();
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

it('leaves credentials out of the message of a server that answers with the headers of the request', async () => {
  await withServer(
    (req, res) => res.writeHead(500).end(`cannot serve ${req.headers.authorization}`),
    async (remote) => {
      const error = await remote.find('a.txt', signal).catch((cause: unknown) => cause);
      expect(error).toMatchObject({
        reason: 'unavailable',
        message: expect.stringContaining('cannot serve Basic ***'),
      });
    },
  );
}, 60_000);

it('ends a download that is much longer than the server has listed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-server-'));
  let sent = 0;
  const handle: RequestListener = (req, res) => {
    if (req.method === 'PROPFIND') {
      res.writeHead(207, { 'content-type': 'application/xml' });
      res.end(file);
    } else sendLong(res, (bytes) => (sent += bytes));
  };
  try {
    await withServer(handle, async (remote) => {
      const entry = await remote.find('a.txt', signal);
      expect(entry).toMatchObject({ size: 10 });
      if (!entry) return;
      const download = remote.download(entry, join(folder, 'a.txt'), { signal });
      await expect(download).rejects.toMatchObject({ reason: 'changed' });
      expect(sent).toBeLessThan(lengthBytes / 4);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
