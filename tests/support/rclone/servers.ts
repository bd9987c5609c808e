import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findRclone } from '../../../src/local/rclone/install.ts';
import type { Credentials } from '../../../src/session-contract/sync-remote.ts';
import type { RemoteSettings } from '../../../src/session-tools/agent/sync/sync-folder.ts';
import { spawnBound } from '../bound-process.ts';

/** Returns the path of rclone, which the first call installs into the cache of the local platform. */
export const installedRclone = (): Promise<string> =>
  findRclone(
    {
      python: 'python3',
      cacheDir: join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'notebook-sessions'),
      path: process.env['PATH'] ?? '',
    },
    () => undefined,
    new AbortController().signal,
  );

export type ServerType = 'webdav' | 's3' | 'sftp';

/** A server of rclone with a folder. */
export interface RcloneServer extends AsyncDisposable {
  readonly type: ServerType;
  /** The folder on this machine that the server shows. */
  readonly folder: string;
  readonly remote: RemoteSettings;
  readonly credentials: Credentials;
  readonly port: number;
  /** Ends the server, as a crash would. */
  stop(): Promise<void>;
  /** Starts the server again at the same port. */
  start(): Promise<void>;
}

const user = 'ada';
export const password = 'pass word/with+signs';
const keyId = 'AKIDEXAMPLEAKIDEXAM';
export const secretKey = 'secret-key-of-the-test-server';

/** Where a WebDAV server listens that uses TLS. */
export interface TlsPlace {
  /** The path of rclone. */
  readonly program: string;
  readonly address: string;
  readonly port: number;
  /** The name of the server in its certificate. */
  readonly host: string;
  readonly certificate: { readonly key: string; readonly cert: string };
}

/**
 * Starts a server with an empty folder.
 * @param cacheTime how long the server remembers its folders. With `0s`, the server shows changes of `folder` at once, but its time
 * for a path doubles with each of its folders
 * @param place by default, a free port of the loopback address
 */
export async function startRcloneServer(type: ServerType, cacheTime = '0s', place?: TlsPlace): Promise<RcloneServer> {
  const program = place?.program ?? (await installedRclone());
  const address = place?.address ?? '127.0.0.1';
  const base = mkdtempSync(join(tmpdir(), `rclone-${type}-`));
  const served = join(base, 'served');
  const folder = type === 's3' ? join(served, 'bucket') : served;
  mkdirSync(folder, { recursive: true });
  let port = place?.port ?? 0;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const args = {
      webdav: ['--user', user, '--pass', password],
      s3: ['--auth-key', `${keyId},${secretKey}`],
      sftp: ['--user', user, '--pass', password],
    }[type];
    const cache = [
      '--config',
      '',
      '--cache-dir',
      join(base, 'cache'),
      '--vfs-cache-mode',
      type === 'sftp' ? 'writes' : 'off',
    ];
    const fresh = ['--dir-cache-time', cacheTime, '--vfs-write-back', '0s'];
    const tls = place ? ['--cert', place.certificate.cert, '--key', place.certificate.key] : [];
    const started = spawnBound(
      program,
      ['serve', type, served, '--addr', `${address}:${port}`, ...args, ...cache, ...fresh, ...tls],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env['PATH'], HOME: base },
      },
    );
    child = started;
    let output = '';
    const listening = new Promise<void>((resolve, reject) => {
      started.stderr?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const found = new RegExp(`${address.replaceAll('.', '\\.')}:(\\d+)`).exec(output)?.[1];
        if (found === undefined) return;
        port = Number(found);
        resolve();
      });
      started.once('exit', () => reject(new Error(`rclone serve ${type} ended: ${output}`)));
    });
    await listening;
  }

  async function stop(): Promise<void> {
    const ending = child;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    ending.kill('SIGKILL');
    while (ending.exitCode === null && ending.signalCode === null) await sleep(10);
  }

  await start();
  const url = place ? `https://${place.host}:${port}` : `http://${address}:${port}`;
  const settings = (): { options: Record<string, string>; credentials: Credentials } => {
    switch (type) {
      case 'webdav':
        return { options: { url, user, vendor: 'other' }, credentials: { password } };
      case 's3':
        return {
          options: { endpoint: url, bucket: 'bucket', provider: 'Rclone' },
          credentials: { access_key_id: keyId, secret_access_key: secretKey },
        };
      case 'sftp': {
        const key = readFileSync(join(base, 'cache', 'serve-sftp', 'id_ed25519.pub'), 'utf8');
        const host_key = key.split(' ').slice(0, 2).join(' ').trim();
        return { options: { host: '127.0.0.1', port: String(port), user, host_key }, credentials: { password } };
      }
    }
  };
  const { options, credentials } = settings();
  return {
    ...{ type, folder, credentials, port, start, stop },
    remote: { name: `A server of the type ${type}`, type, path: '', options },
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(base, { recursive: true, force: true });
    },
  };
}
