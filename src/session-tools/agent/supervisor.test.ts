import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withSocketPath } from '../../lib/unix-socket.ts';
import { supervisorAbsence, supervisorFile } from '../../session-contract/supervisor.ts';
import { createSupervisor, type SupervisorAccess } from './supervisor.ts';
import { createSupervisorStream } from './supervisor-stream.ts';

/** Requests of the agent to a server on a Unix socket in place of the supervisor. */

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
  rmSync(folder, { recursive: true });
});

const socketPath = () => join(folder, 'socket');
const ask = (access: SupervisorAccess = { socketPath: socketPath() }) =>
  createSupervisor(access)('GET', '/server', Buffer.alloc(0), new AbortController().signal);

async function listen(answer: RequestListener, path = socketPath()): Promise<void> {
  const started = createServer(answer);
  server = started;
  await new Promise<void>((resolve) => started.listen(path, resolve));
}

/** Leaves a socket on which no process listens. */
function listenAndDie(): void {
  const code = 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])';
  execFileSync('python3', ['-c', code, socketPath()]);
}

describe('a request to the supervisor', () => {
  it('fails in another way if the session has no supervisor than if its supervisor does not respond', async () => {
    await expect(ask({ absence: undefined })).rejects.toMatchObject({ reason: 'unavailable' });
    await expect(ask({ absence: 'entrypoint' })).rejects.toMatchObject({
      reason: 'unavailable',
      message: expect.stringContaining(supervisorAbsence.entrypoint),
    });
    await listen((_req, res) => res.destroy());
    await expect(ask()).rejects.toMatchObject({ reason: 'no-response' });
  });

  it('says why Jupyter runs without the supervisor that was planned', async () => {
    await expect(ask()).rejects.toMatchObject({
      reason: 'unavailable',
      message: expect.stringMatching(/has not started yet/),
    });
    const file = join(folder, supervisorFile.unavailable);
    writeFileSync(file, 'Kernels end with their Jupyter server, because the image has no python3.\n');
    const said = { reason: 'unavailable', message: expect.stringMatching(/the image has no python3\.$/) };
    await expect(ask()).rejects.toMatchObject(said);
    // The socket of a supervisor that ran before in the same pod.
    listenAndDie();
    await expect(ask()).rejects.toMatchObject(said);
    rmSync(file);
    await expect(ask()).rejects.toMatchObject({ reason: 'no-response' });
    // The folder belongs to the user of the session.
    execFileSync('mkfifo', [file]);
    await expect(ask()).rejects.toMatchObject({ reason: 'no-response' });
  });

  it('fails if the response is not JSON', async () => {
    await listen((_req, res) => res.end('<html>'));
    await expect(ask()).rejects.toMatchObject({ reason: 'no-response' });
  });

  it('has the reason of the supervisor, with the last lines of the log', async () => {
    await listen((_req, res) =>
      res.writeHead(500).end(JSON.stringify({ message: 'It did not start', log: ['one', '', 'two'] })),
    );
    await expect(ask()).rejects.toMatchObject({
      reason: 'jupyter',
      message: 'It did not start. The last lines of its log:\none\ntwo',
    });
  });

  it('for a snapshot reaches a socket with a long path, and fails for the same reasons as the others', async () => {
    const deep = join(folder, 'f'.repeat(120));
    mkdirSync(deep);
    const path = join(deep, 'socket');
    const take = () =>
      createSupervisorStream({ socketPath: path }, '/snapshots')(
        '/kernels/k/snapshots',
        {},
        new AbortController().signal,
      );
    const file = join(deep, supervisorFile.unavailable);
    writeFileSync(file, 'Kernels end with their Jupyter server, because the image has no python3.\n');
    await expect(take()).rejects.toMatchObject({
      reason: 'unavailable',
      message: expect.stringMatching(/the image has no python3\.$/),
    });
    await withSocketPath(path, (short) => listen((_req, res) => res.end('{"step":"writing"}\n{"id":"1"}\n'), short));
    const lines: object[] = [];
    for await (const line of await take()) lines.push(line);
    expect(lines).toEqual([{ step: 'writing' }, { id: '1' }]);
  });
});
