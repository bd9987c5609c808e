import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTransport, type TestTransport } from '../../../../../tests/support/rclone/remotes.ts';
import { type RcloneServer, startRcloneServer } from '../../../../../tests/support/rclone/servers.ts';
import type { Remote, RemoteEntry } from '../remote.ts';
import type { RemoteSettings } from '../sync-folder.ts';

const { signal } = new AbortController();
/** The key of another SFTP server. */
const otherKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHtheKeyOfAnotherServerAAAAAAAAAAAAAAAAAAAAA';
let transport: TestTransport;
let scratch: string;
let count = 0;

beforeAll(async () => {
  transport = await startTransport();
  scratch = mkdtempSync(join(tmpdir(), 'rclone-remote-'));
}, 120_000);
afterAll(async () => {
  await transport?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

const open: TestTransport['open'] = (...remote) => transport.open(...remote);

async function entries(remote: Remote): Promise<RemoteEntry[]> {
  const found: RemoteEntry[] = [];
  for await (const entry of remote.list(signal)) found.push(entry);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
/** Writes a local file, and returns the path of its descriptor for other processes. */
function source(content: string | Buffer): string {
  const path = join(scratch, `source-${++count}`);
  writeFileSync(path, content);
  return `/proc/${process.pid}/fd/${openSync(path, 'r')}`;
}
const target = () => join(scratch, `target-${++count}`);
const upload = (remote: Remote, content: string, path: string, expected: RemoteEntry | null = null) =>
  remote.upload(source(content), path, expected, { signal, modifiedAt: Date.now() });
const reason = async (call: Promise<unknown>) =>
  call.then(
    () => expect.fail('the call did not fail'),
    (error: { reason?: string; message: string }) => error,
  );

describe.each(['webdav', 's3', 'sftp'] as const)('a remote of the type %s', (type) => {
  let server: RcloneServer;
  let remote: Remote;
  beforeEach(async () => {
    server = await startRcloneServer(type);
    remote = await open(server.remote, server.credentials);
  }, 60_000);
  afterEach(async () => {
    await remote.close();
    await server[Symbol.asyncDispose]();
  });

  it('has the files that are uploaded, with nested folders, Unicode, spaces and without content', async () => {
    const paths = ['a.txt', 'b/c/d/deep.txt', 'Grüße 世界/ab c.ipynb', 'empty', 'quote\'s "x" %41 #.txt'];
    for (const path of paths) {
      const content = path === 'empty' ? '' : `content of ${path}`;
      const entry = await upload(remote, content, path);
      expect(entry).toMatchObject({ path, kind: 'file', size: Buffer.byteLength(content) });
      expect(await remote.find(path, signal)).toEqual(entry);
      expect(readFileSync(join(server.folder, path), 'utf8')).toBe(content);
    }
    const files = (await entries(remote)).filter(({ kind, path }) => kind === 'file' && !path.startsWith('.'));
    expect(files.map(({ path }) => path)).toEqual([...paths].sort());
    for (const entry of files) {
      // A server can round the time of one object in another way than in listings, and then has a hash.
      const known = entry.hash === null ? entry : { ...entry, modifiedAt: expect.anything() };
      expect(await remote.find(entry.path, signal)).toEqual(known);
    }
  });

  it('replaces a file of the same size, and only the expected one', async () => {
    const first = await upload(remote, 'one', 'x.txt');
    expect(await reason(upload(remote, 'two', 'x.txt'))).toMatchObject({ reason: 'changed' });
    writeFileSync(join(server.folder, 'x.txt'), 'changed by another program');
    expect(await reason(upload(remote, 'two', 'x.txt', first))).toMatchObject({ reason: 'changed' });
    const found = await remote.find('x.txt', signal);
    const second = await upload(remote, 'two two two two two two two', 'x.txt', found ?? null);
    await upload(remote, '2wo 2wo 2wo 2wo 2wo 2wo 2wo', 'x.txt', second);
    expect(readFileSync(join(server.folder, 'x.txt'), 'utf8')).toBe('2wo 2wo 2wo 2wo 2wo 2wo 2wo');
    const names = readdirSync(server.folder, { recursive: true }).map(String);
    expect(names.filter((name) => /transfers\/|partial/.test(name))).toEqual([]);
  });

  it('is downloaded from, and not if the file has changed since', async () => {
    const entry = await upload(remote, 'hello', 'x/y.txt');
    const file = target();
    const progress: number[] = [];
    await remote.download(entry, file, { signal, onProgress: (bytes) => progress.push(bytes) });
    expect(readFileSync(file, 'utf8')).toBe('hello');
    expect(progress.at(-1)).toBe(5);
    writeFileSync(join(server.folder, 'x/y.txt'), 'other!');
    expect(await reason(remote.download(entry, target(), { signal }))).toMatchObject({ reason: 'changed' });
  });

  it('moves and deletes files, and deletes only empty folders', async () => {
    const entry = await upload(remote, 'hello', 'x/y.txt');
    expect(remote.capabilities.canMove).toBe(true);
    const moved = await remote.move(entry, 'z/new name.txt', signal);
    expect(moved).toMatchObject({ path: 'z/new name.txt', size: 5 });
    expect(await remote.find('x/y.txt', signal)).toBeUndefined();
    if (remote.capabilities.hasFolders) {
      const folder = await remote.find('z', signal);
      if (!folder) return expect.fail('the folder does not exist');
      expect(await reason(remote.remove(folder, signal))).toMatchObject({ reason: 'changed' });
      await remote.remove(moved, signal);
      await remote.remove(folder, signal);
      await remote.makeFolder('new/deep', signal);
      expect(await remote.find('new/deep', signal)).toMatchObject({ kind: 'folder' });
    } else await remote.remove(moved, signal);
    await remote.remove(moved, signal);
    expect(await remote.find('z/new name.txt', signal)).toBeUndefined();
  });

  it('moves no file to the path of another one', async () => {
    const entry = await upload(remote, 'mine', 'a');
    const other = await upload(remote, 'their version', 'b');
    expect(await reason(remote.move(entry, 'b', signal))).toMatchObject({ reason: 'changed' });
    for (const [each, content] of [
      [entry, 'mine'],
      [other, 'their version'],
    ] as const) {
      const file = target();
      await remote.download(each, file, { signal });
      expect(readFileSync(file, 'utf8')).toBe(content);
    }
  });

  it('lists no backups of file sync, of any number, except when their folder is asked for', async () => {
    const names = ['a.txt', 'x/y.txt', '.notebook-sessions-sync/backup/1/x/y.txt', '.notebook-sessions-sync/tmp/t'];
    for (const name of names) await upload(remote, name, name);
    const files = (await entries(remote)).flatMap(({ kind, path }) => (kind === 'file' ? [path] : []));
    expect(files).toEqual(['a.txt', 'x/y.txt']);
    const folder = async (path: string) => (await remote.listFolder(path, signal)).map((each) => each.path).toSorted();
    expect(await folder('.notebook-sessions-sync')).toEqual([
      '.notebook-sessions-sync/backup',
      '.notebook-sessions-sync/tmp',
    ]);
    expect(await folder('.notebook-sessions-sync/tmp')).toEqual(['.notebook-sessions-sync/tmp/t']);
    expect(await folder('.notebook-sessions-sync/none')).toEqual([]);
  });

  it('rejects other credentials as unauthorized, and keeps the credentials out of the message', async () => {
    const credentials = Object.fromEntries(
      Object.keys(server.credentials).map((each) => [
        each,
        each === 'access_key_id' ? 'AKIDOTHEROTHER' : 'not-the-secret',
      ]),
    );
    const error = await reason(open(server.remote, credentials).then((opened) => entries(opened)));
    expect(error).toMatchObject({
      reason: 'unauthorized',
      message: expect.stringContaining('rejects the credentials'),
    });
    expect(error.message).not.toContain('not-the-secret');
  });

  it('is unavailable while its server is stopped, and works afterwards', async () => {
    await upload(remote, 'hello', 'a.txt');
    await server.stop();
    expect(await reason(entries(remote))).toMatchObject({ reason: 'unavailable' });
    await server.start();
    expect((await entries(remote)).map(({ path }) => path)).toContain('a.txt');
  }, 60_000);

  it('works again after rclone was killed', async () => {
    const entry = await upload(remote, 'hello', 'a.txt');
    const { pid } = await transport.rclone.acquire(signal).then((process) => {
      process[Symbol.dispose]();
      return process;
    });
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => remote.find('a.txt', signal).catch(() => undefined), { timeout: 20_000 }).toEqual(entry);
  }, 30_000);
});

it('lists 3,000 files', async () => {
  await using server = await startRcloneServer('webdav');
  for (let folder = 0; folder < 30; folder++) {
    mkdirSync(join(server.folder, `f${folder}`));
    for (let index = 0; index < 100; index++)
      writeFileSync(join(server.folder, `f${folder}`, `"${index}" {}.txt`), 'x');
  }
  const remote = await open(server.remote, server.credentials);
  expect((await entries(remote)).filter(({ kind }) => kind === 'file')).toHaveLength(3_000);
  await remote.close();
}, 60_000);

it('reports a folder of the remote that does not exist, and no empty listing', async () => {
  await using server = await startRcloneServer('webdav');
  const remote = await open({ ...server.remote, path: 'none' }, server.credentials);
  expect(await reason(entries(remote))).toMatchObject({ reason: 'not-found' });
}, 60_000);

it('keeps the time of a file at an SFTP server', async () => {
  await using server = await startRcloneServer('sftp');
  const remote = await open(server.remote, server.credentials);
  const path = join(scratch, 'timed');
  writeFileSync(path, 'x');
  utimesSync(path, 1_600_000_000, 1_600_000_000);
  const descriptor = openSync(path, 'r');
  await remote.upload(`/proc/${process.pid}/fd/${descriptor}`, 'x', null, { signal, modifiedAt: 1_600_000_000_000 });
  expect((await remote.find('x', signal))?.modifiedAt).toBe(1_600_000_000_000);
}, 60_000);

it('rejects an SFTP server with another host key', async () => {
  await using server = await startRcloneServer('sftp');
  const settings = { ...server.remote, options: { ...server.remote.options, host_key: otherKey } };
  const error = await reason(open(settings, server.credentials));
  expect(error).toMatchObject({ reason: 'rejected' });
}, 60_000);

it.each([
  ['webdav', { url: 'https://169.254.169.254/', user: 'ada' }, '169.254.169.254 is not on the public internet'],
  ['webdav', { url: 'http://10.0.0.1/', user: 'ada' }, 'must begin with https://'],
  ['sftp', { host: '10.0.0.1', user: 'ada', host_key: otherKey }, '10.0.0.1 is not on the public internet'],
  ['s3', { endpoint: 'https://10.0.0.1', bucket: 'bucket' }, '10.0.0.1 is not on the public internet'],
  ['s3', { endpoint: 'http://169.254.169.254', bucket: 'bucket' }, 'must begin with https://'],
])(
  'does not connect to an internal address, and says so: %s %j',
  async (type, options, message) => {
    const settings = { ...{ name: 'Inside', type, path: '' }, options };
    const credentials =
      type === 's3' ? { access_key_id: 'AKIDEXAMPLE', secret_access_key: 'secret' } : { password: 'secret' };
    const error = await reason(open(settings, credentials).then((opened) => entries(opened)));
    expect(error).toMatchObject({ reason: 'rejected', message: expect.stringContaining(message) });
  },
  60_000,
);

describe('a local folder', () => {
  it('is a remote only if the platform permits it, also through a link', async () => {
    const permitted = join(scratch, 'permitted');
    mkdirSync(join(permitted, 'mine'), { recursive: true });
    const local = (folder: string, path = ''): RemoteSettings => ({
      name: 'x',
      type: 'local',
      path,
      options: { folder },
    });
    for (const folder of ['/etc', `${permitted}/../other`, `${permitted}x`])
      expect(await reason(open(local(folder), {}, [permitted])), folder).toMatchObject({ reason: 'rejected' });
    const remote = await open(local(permitted, 'mine'), {}, [permitted]);
    await upload(remote, 'hello', 'a/b.txt');
    expect(readFileSync(join(permitted, 'mine/a/b.txt'), 'utf8')).toBe('hello');
  });
});
