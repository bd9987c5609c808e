import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isObject, type JsonObject } from '../../../../lib/json.ts';
import type { Credentials } from '../../../../session-contract/sync-remote.ts';
import { isReserved, reservedFolder } from '../paths.ts';
import { isSameRemote } from '../plan.ts';
import {
  type HashAlgorithm,
  type Remote,
  type RemoteCapabilities,
  type RemoteEntry,
  RemoteError,
  type TransferOptions,
} from '../remote.ts';
import type { RemoteSettings } from '../sync-folder.ts';
import type { Rclone, RcloneProcess } from './daemon.ts';
import { createRedaction, toRemoteError } from './failure.ts';
import { type RemotePolicy, rcloneRemote } from './parameters.ts';
import { permittedFolder } from './permitted-folder.ts';
import type { ForwardProxy } from './proxy.ts';

const minute = 60_000;
/** Time limits of calls in milliseconds. */
const limits = { entry: 2 * minute, list: 30 * minute, transfer: 24 * 60 * minute, close: 10_000 };
const progressMs = 500;
/** An object store lists a whole bucket with few requests, but each folder needs one. */
const maxTopFolders = 20;
/** rclone does not descend into the folder. */
const withoutReserved = { FilterRule: [`- /${reservedFolder}/**`] };
const hashes: readonly HashAlgorithm[] = ['sha256', 'sha1', 'md5'];

export interface Connection {
  readonly rclone: Rclone;
  readonly proxy: ForwardProxy;
  readonly policy: RemotePolicy;
  readonly remote: RemoteSettings;
  readonly credentials: Credentials;
}

/** What `operations/fsinfo` says about a remote. */
interface Features {
  readonly capabilities: RemoteCapabilities;
  /** The hash of listings. */
  readonly hash: HashAlgorithm | undefined;
  readonly isObjectStore: boolean;
  /** Milliseconds to which times are cut: object stores list parts of a second, and leave them out for one object. */
  readonly timeUnit: number;
}

/** Connects to a remote through rclone. Throws RemoteError. */
export async function openRemote(connection: Connection, signal: AbortSignal): Promise<Remote> {
  const { rclone, proxy, policy, remote, credentials } = connection;
  const settings = rcloneRemote(remote, credentials, policy, proxy.url);
  if (settings.type === 'local') await permittedFolder(settings.root, policy);
  const redact = createRedaction([
    ...Object.values(credentials),
    // As in the header Authorization, which some servers show in their errors.
    `${remote.options['user'] ?? ''}:${credentials['password'] ?? ''}`,
    proxy.url.split('@', 1)[0]?.split(':')[2] ?? '',
  ]);
  const name = `remote-${randomBytes(8).toString('hex')}`;
  const fs = `${name}:${settings.root}`;
  /** The process that has the remote; another one has to get it first. */
  let configured = 0;

  /** Calls `work` with a process that has the remote. Throws RemoteError, and the reason of the signal. */
  async function withProcess<T>(aborted: AbortSignal, work: (process: RcloneProcess) => Promise<T>): Promise<T> {
    const since = performance.now();
    try {
      using process = await rclone.acquire(aborted);
      await configure(process, aborted);
      return await work(process);
    } catch (error) {
      throw explain(error, since, aborted);
    }
  }

  function explain(error: unknown, since: number, aborted: AbortSignal): unknown {
    if (aborted.aborted) return aborted.reason;
    if (error instanceof RemoteError) return error;
    const text = error instanceof Error ? error.message : '';
    // Remotes of other folders use the proxy at the same time.
    const rejection = proxy
      .rejections(since)
      .find(({ host, phrase }) => host === settings.host || text.includes(phrase));
    if (rejection) return new RemoteError('rejected', rejection.message, { cause: error });
    return toRemoteError(error, redact);
  }

  async function configure(process: RcloneProcess, aborted: AbortSignal): Promise<void> {
    if (configured === process.number) return;
    const { type, parameters } = settings;
    await process.call(
      'config/create',
      // rclone obscures the passwords. The configuration is in its memory only.
      { name, type, parameters, opt: { obscure: true, nonInteractive: true } },
      { signal: aborted, limitMs: limits.entry },
    );
    configured = process.number;
  }

  const features = await withProcess(signal, async (process) =>
    featuresOf(await process.call('operations/fsinfo', { fs }, { signal, limitMs: limits.entry })),
  );
  const listOptions = {
    noMimeType: true,
    ...(features.hash === undefined ? {} : { showHash: true, hashTypes: [features.hash] }),
  };

  /** Lists a folder with everything below it, or as `more` says, in groups: a step for each of many entries takes time. */
  async function* listBelow(process: RcloneProcess, path: string, aborted: AbortSignal, more: object = {}) {
    const parameters = { fs, remote: path, opt: { ...listOptions, recurse: true }, ...more };
    for await (const items of process.list(parameters, { signal: aborted, limitMs: limits.list }))
      yield items.flatMap((item) => entryOf(item, features) ?? []);
  }

  async function* listAll(process: RcloneProcess, aborted: AbortSignal): AsyncIterable<RemoteEntry[]> {
    if (!features.isObjectStore) return yield* listBelow(process, '', aborted, { _filter: withoutReserved });
    // With a filter, rclone would list each folder of a bucket with a request of its own.
    const top = await all(listBelow(process, '', aborted, { opt: listOptions }));
    const folders = top.filter(({ kind, path }) => kind === 'folder' && !isReserved(path));
    if (folders.length > maxTopFolders) return yield* listBelow(process, '', aborted);
    yield top.filter(({ path }) => !isReserved(path));
    for (const { path } of folders) yield* listBelow(process, path, aborted);
  }

  async function statEntry(process: RcloneProcess, path: string, aborted: AbortSignal, filesOnly: boolean) {
    const { item } = await process.call(
      'operations/stat',
      { fs, remote: path, opt: { ...listOptions, filesOnly } },
      { signal: aborted, limitMs: limits.entry },
    );
    return isObject(item) ? entryOf(item, features) : undefined;
  }

  /** Returns a file, without a listing of its folder. */
  const statFile = (process: RcloneProcess, path: string, aborted: AbortSignal) =>
    statEntry(process, path, aborted, true);

  /** Throws `changed` if the file at the remote is another one. */
  async function check(process: RcloneProcess, path: string, expected: RemoteEntry | null, aborted: AbortSignal) {
    const found = await statFile(process, path, aborted);
    if (isSame(found, expected)) return;
    throw new RemoteError(
      'changed',
      `The file ${path} was changed at the remote meanwhile. The next round looks at it again.`,
    );
  }

  return {
    capabilities: features.capabilities,

    async *list(aborted) {
      const since = performance.now();
      try {
        using process = await rclone.acquire(aborted);
        await configure(process, aborted);
        for await (const group of listAll(process, aborted)) yield* group;
      } catch (error) {
        throw explain(error, since, aborted);
      }
    },

    listFolder: (path, aborted) =>
      withProcess(aborted, async (process) => {
        try {
          return await all(listBelow(process, path, aborted, { opt: listOptions }));
        } catch (error) {
          if (toRemoteError(error, redact).reason === 'not-found') return [];
          throw error;
        }
      }),

    find: (path, aborted) => withProcess(aborted, (process) => statEntry(process, path, aborted, false)),

    download: (entry, file, options) =>
      withProcess(options.signal, async (process) => {
        await check(process, entry.path, entry, options.signal);
        const target = { dstFs: { type: 'local', _root: dirname(file) }, dstRemote: basename(file) };
        await transfer(
          process,
          { srcFs: fs, srcRemote: entry.path, ...target },
          { Inplace: true, MaxTransfer: `${maxBytesOf(entry)}B` },
          options,
        );
        await check(process, entry.path, entry, options.signal);
      }),

    upload: (file, path, expected, options) =>
      withProcess(options.signal, async (process) => {
        const { signal: aborted } = options;
        await check(process, path, expected, aborted);
        const source = {
          // The descriptor in /proc is a link.
          srcFs: { type: 'local', copy_links: 'true', _root: dirname(file) },
          srcRemote: basename(file),
        };
        // A path in the folder of transfers is temporary itself.
        await transfer(process, { ...source, dstFs: fs, dstRemote: path }, { Inplace: isReserved(path) }, options);
        const uploaded = await statFile(process, path, aborted);
        const { size } = await stat(file);
        if (uploaded?.size === size) return uploaded;
        throw new RemoteError(
          'changed',
          `The file ${path} changed during its transfer. The next round looks at it again.`,
        );
      }),

    move: (entry, to, aborted) =>
      withProcess(aborted, async (process) => {
        if (!features.capabilities.canMove) throw new RemoteError('unsupported', 'The remote cannot move files.');
        await check(process, entry.path, entry, aborted);
        await moveFile(process, entry.path, to, aborted);
        const moved = await statFile(process, to, aborted);
        // rclone does nothing, without an error, if a file is at the new path. Some servers report a failure as a success (207).
        if (moved && !(await statFile(process, entry.path, aborted))) return moved;
        throw new RemoteError('changed', `The files ${entry.path} and ${to} were changed at the remote meanwhile.`);
      }),

    remove: (entry, aborted) =>
      withProcess(aborted, async (process) => {
        const { path, kind } = entry;
        const options = { signal: aborted, limitMs: limits.entry };
        if (kind === 'folder') {
          await ignoringMissing(process.call('operations/rmdir', { fs, remote: path }, options));
          return;
        }
        if (!(await statFile(process, path, aborted))) return;
        await check(process, path, entry, aborted);
        await ignoringMissing(process.call('operations/deletefile', { fs, remote: path }, options));
      }),

    makeFolder: (path, aborted) =>
      withProcess(aborted, async (process) => {
        await process.call('operations/mkdir', { fs, remote: path }, { signal: aborted, limitMs: limits.entry });
      }),

    async close() {
      // Another process does not have the remote.
      if (configured === 0 || rclone.current() !== configured) return;
      const { signal: never } = new AbortController();
      using process = await rclone.acquire(never);
      await process
        .call('config/delete', { name }, { signal: never, limitMs: limits.close })
        // rclone has ended meanwhile, and the remote with it.
        .catch(() => undefined);
    },
  };

  async function moveFile(process: RcloneProcess, from: string, to: string, aborted: AbortSignal): Promise<void> {
    // Without IgnoreExisting, rclone deletes a file that is at the new path.
    const config = { IgnoreTimes: true, IgnoreExisting: true };
    const parameters = { srcFs: fs, srcRemote: from, dstFs: fs, dstRemote: to, _config: config };
    await process.call('operations/movefile', parameters, { signal: aborted, limitMs: limits.entry });
  }
}

/**
 * Returns the most bytes that a download takes, with rclone's repetitions after errors of connections: a hostile server could send more
 * than it has listed, until the volume of the session is full.
 */
const maxBytesOf = ({ size }: RemoteEntry): number => 4 * size + 1024 * 1024;

/** Copies a file. rclone compares size and, where both sides have one, hash of the copy. */
async function transfer(
  process: RcloneProcess,
  files: object,
  config: object,
  { signal, bytesPerSecond, onProgress }: TransferOptions,
): Promise<void> {
  const group = randomBytes(8).toString('hex');
  const limit = bytesPerSecond === undefined ? {} : { BwLimitFile: `${Math.max(1, Math.round(bytesPerSecond))}B` };
  // Without IgnoreTimes, rclone does not copy a file that looks the same: at remotes without times, each of the same size.
  const parameters = { ...files, _group: group, _config: { IgnoreTimes: true, ...limit, ...config } };
  const stop = new AbortController();
  const report = async () => {
    const { bytes } = await process.call(
      'core/stats',
      { group, short: true },
      { signal: stop.signal, limitMs: 10_000 },
    );
    if (typeof bytes === 'number') onProgress?.(bytes);
  };
  let reporting = Promise.resolve();
  const timer =
    onProgress &&
    setInterval(() => {
      // A missing figure is no failure of the transfer.
      reporting = reporting.then(report).catch(() => undefined);
    }, progressMs);
  try {
    await process.call('operations/copyfile', parameters, { signal, limitMs: limits.transfer });
    if (onProgress) await report().catch(() => undefined);
  } finally {
    clearInterval(timer);
    stop.abort();
    await process
      .call('core/stats-delete', { group }, { signal: new AbortController().signal, limitMs: 10_000 })
      .catch(() => undefined);
  }
}

function featuresOf({ Features: features, Hashes: known, Precision: precision }: JsonObject): Features {
  const has = (name: string) => isObject(features) && features[name] === true;
  // A slow hash means that rclone reads the whole file for it.
  const offered: readonly unknown[] = Array.isArray(known) && !has('SlowHash') ? known : [];
  const [hash] = hashes.filter((each) => offered.includes(each));
  const isObjectStore = has('BucketBased');
  return {
    capabilities: {
      hashes: hash === undefined ? [] : [hash],
      // WebDAV servers have times that rclone cannot set.
      hasModificationTimes: typeof precision === 'number',
      canMove: has('Move') || has('Copy'),
      hasFolders: has('CanHaveEmptyDirectories'),
      isCaseInsensitive: has('CaseInsensitive'),
    },
    hash,
    isObjectStore,
    timeUnit: isObjectStore ? 1_000 : 1,
  };
}

function entryOf(item: JsonObject, { hash, timeUnit }: Features): RemoteEntry | undefined {
  const { Path: path, Size: size, ModTime: time, IsDir: isFolder, Hashes: found } = item;
  if (typeof path !== 'string' || path === '') return undefined;
  const kind = isFolder === true ? 'folder' : 'file';
  const modifiedAt = typeof time === 'string' ? Math.floor(Date.parse(time) / timeUnit) * timeUnit : Number.NaN;
  const value = hash !== undefined && isObject(found) ? found[hash] : undefined;
  return {
    ...{ path, kind },
    size: kind === 'file' && typeof size === 'number' ? Math.max(0, size) : 0,
    modifiedAt: Number.isNaN(modifiedAt) ? null : modifiedAt,
    hash: hash !== undefined && typeof value === 'string' && value !== '' ? `${hash}:${value}` : null,
    // rclone does not pass ETags on.
    version: null,
  };
}

async function all<T>(groups: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const group of groups) found.push(...group);
  return found;
}

const isSame = (found: RemoteEntry | undefined, expected: RemoteEntry | null): boolean =>
  found && expected ? isSameRemote(found, expected) : !found && !expected;

async function ignoringMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (toRemoteError(error, (text) => text).reason !== 'not-found') throw error;
  }
}
