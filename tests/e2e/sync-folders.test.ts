import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { components } from '../../src/generated/openapi.ts';
import { type RcloneServer, startRcloneServer } from '../support/rclone/servers.ts';
import { ports } from './backends.ts';
import { type Caller, registered } from './caller.ts';
import { machineAddress } from './cluster/addresses.ts';
import { runOf } from './cluster/run-of.ts';
import { inSession, platform, publicProject } from './platform.ts';

/** A folder of a session that is synchronized with a WebDAV server of this machine, with the rclone of the image `session-tools`. */

type SyncFolder = components['schemas']['SyncFolder'];

const folder = '/home/jovyan/work/first-light/notes';
let server: RcloneServer;
let frida: Caller;
let name = '';

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  frida = await registered('frida');
  const program = join(runOf(process.env).images, 'session-tools/usr/local/bin/rclone');
  const certificate = platform().cluster.certificates.machine;
  const place = { program, address: machineAddress, port: ports.webdav, host: 'dav.host.test', certificate };
  server = await startRcloneServer('webdav', '1s', place);
  ({ name } = await frida.launch({ ...publicProject(), storage: 1 }));
  await frida.until(name, 'running');
});
afterAll(async () => {
  if (name !== '') await frida.remove(name, { forced: true });
  await server?.[Symbol.asyncDispose]();
});

const path = () => `/servers/${name}/sync-folders/notes`;

it('a folder of a session has the changes of a WebDAV server, and the server those of the session', async () => {
  writeFileSync(join(server.folder, 'from the cloud.txt'), 'cloud');
  const { remote, credentials } = server;
  const body = { path: 'notes', remote, credentials, intervalSeconds: 5 };
  const created = await frida.api(path(), { method: 'PUT', body });
  expect([created.status, await created.json()]).toMatchObject([200, { id: 'notes', hasCredentials: true }]);
  await expect.poll(() => inSession(name, `cat ${folder}/from*`), { timeout: 120_000 }).toBe('cloud');

  await inSession(name, `mkdir -p ${folder}/deep && echo mine > ${folder}/deep/mine.txt`);
  const atServer = () => readFileSync(join(server.folder, 'deep/mine.txt'), 'utf8');
  await expect.poll(() => atServer(), { timeout: 120_000 }).toBe('mine\n');

  writeFileSync(join(server.folder, 'from the cloud.txt'), 'changed in the cloud');
  await expect.poll(() => inSession(name, `cat ${folder}/from*`), { timeout: 120_000 }).toBe('changed in the cloud');
  const { status } = (await (await frida.api(path())).json()) as SyncFolder;
  expect(status).toMatchObject({ conflictCount: 0, error: null, lastSuccessAt: expect.any(String) });
});
