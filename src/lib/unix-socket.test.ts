import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withSocketPath } from './unix-socket.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unix-socket-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const openDescriptors = () => readdirSync('/proc/self/fd').length;

async function statusAt(socketPath: string): Promise<number | undefined> {
  const call = request({ socketPath, agent: false });
  call.end();
  const [response] = await once(call, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

it('a socket with a path that is too long for the system is reached, and its folder is closed again', async () => {
  const deep = join(folder, 'a-long-name'.repeat(15));
  mkdirSync(deep);
  const path = join(deep, 'socket');
  const server = createServer((_req, res) => res.writeHead(204).end());
  await withSocketPath(path, async (short) => {
    server.listen(short);
    await once(server, 'listening');
  });
  const before = openDescriptors();
  expect(await withSocketPath(path, statusAt)).toBe(204);
  await expect(withSocketPath(join(deep, 'none'), statusAt)).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(withSocketPath(join(folder, 'none', 'a'.repeat(110)), statusAt)).rejects.toMatchObject({
    code: 'ENOENT',
  });
  expect(openDescriptors()).toBe(before);
  server.closeAllConnections();
  server.close();
});
