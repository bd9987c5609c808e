import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { components } from '../../../generated/agent-api.ts';
import { hasCode } from '../../../lib/error-code.ts';
import { SaveFailure } from '../../saves/failure.ts';
import { messageOf } from './failure.ts';
import { createFolderRunner, type FolderRunner } from './folder-runner.ts';
import { type FolderState, openFolderState, readSettings, storeSettings } from './folder-state.ts';
import { reservedFolder } from './paths.ts';
import { NotResolvable } from './resolve.ts';
import { folderIdPattern, InvalidSettings, readFolderRequest } from './settings.ts';
import type { ConflictResolution, Remotes, SyncFolderSettings } from './sync-folder.ts';
import { isOver, type SyncOperation } from './sync-operations.ts';

type SyncFolder = components['schemas']['SyncFolder'];
type SyncFolderList = components['schemas']['SyncFolderList'];

export interface SyncOptions {
  /** The work tree. */
  readonly directory: string;
  /** The folder of the agent on the volume of the session. */
  readonly folder: string;
  readonly podUid: string;
  /** The key of the session, with which the settings are sealed. */
  readonly key: Buffer;
  readonly remotes: Remotes;
  readonly now: () => number;
  /** As of the runners of folders. */
  readonly elapsed?: () => number;
  readonly log: (line: string) => void;
}

/** The synchronized folders of a session. The functions throw SaveFailure. */
export interface Sync {
  list(): Promise<SyncFolderList>;
  get(id: string): Promise<SyncFolder>;
  /** Returns whether the folder is new. */
  put(id: string, body: unknown): Promise<boolean>;
  remove(id: string): Promise<void>;
  start(id: string, deletions: number | undefined): SyncOperation;
  operations(id: string): SyncOperation[];
  wait(id: string, operation: string, options: WaitOptions): Promise<SyncOperation>;
  cancel(id: string, operation: string): SyncOperation;
  resolve(id: string, conflict: string, resolution: ConflictResolution): Promise<void>;
  /**
   * Returns a function that returns whether a remote has the present version of a file of the work tree, by its path. Names with a slash
   * at the end are ignored folders.
   */
  syncedFiles(): (path: string) => boolean;
  /** Runs a round of each folder, and returns when the rounds have ended, after this time, or when the signal aborts. */
  runRounds(waitMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `work` while no round runs. */
  whilePaused<T>(work: () => Promise<T>): Promise<T>;
  /** Ends all rounds. */
  end(): Promise<void>;
}

export interface WaitOptions {
  readonly version: number | undefined;
  readonly waitMs: number;
  readonly stop: AbortSignal;
}

const maxFolders = 10;

/** Starts the rounds of the folders that the volume remembers. */
export async function startSync(options: SyncOptions): Promise<Sync> {
  const { remotes, folder, key, log } = options;
  const runners = new Map<string, FolderRunner>();
  /** Folders that the volume remembers, and why they are not synchronized. */
  const unusable = new Map<string, string>();
  const setUnusable = (id: string, reason: string) => {
    unusable.set(
      id,
      `The folder "${id}" is not synchronized: ${reason}. Set the folder up again, with its credentials, or remove it.`,
    );
    log(unusable.get(id) ?? '');
  };
  let pauses = 0;
  let queue: Promise<unknown> = Promise.resolve();
  /** Changes of the list run one after another. */
  const inOrder = <T>(change: () => Promise<T>): Promise<T> => {
    const next = queue.then(change);
    queue = next.catch(() => undefined);
    return next;
  };
  const find = (id: string): FolderRunner => {
    const runner = runners.get(id);
    if (runner) return runner;
    const reason = unusable.get(id);
    if (reason !== undefined) throw new SaveFailure('conflict', reason);
    throw new SaveFailure('not-found', `There is no synchronized folder "${id}".`);
  };
  const run = async (settings: SyncFolderSettings, state: FolderState) => {
    const runner = createFolderRunner({ ...options, settings, state });
    runners.set(settings.id, runner);
    await Promise.all(Array.from({ length: pauses }, () => runner.pause()));
  };
  const describe = async ({ settings, status }: FolderRunner): Promise<SyncFolder> => {
    const { conflicts, skipped, ...others } = status();
    return {
      ...settings,
      ignore: [...settings.ignore],
      hasCredentials: await remotes.hasCredentials(settings.id),
      backups: { session: join(folder, 'sync', settings.id, 'backup'), remote: `${reservedFolder}/backup` },
      status: { ...others, conflicts: [...conflicts], skipped: [...skipped] },
    };
  };
  const check = async ({ settings, credentials }: ReturnType<typeof readFolderRequest>) => {
    const { id, path, remote } = settings;
    const known = runners.get(id)?.settings;
    const hasCredentials = known !== undefined && (await remotes.hasCredentials(id));
    const isSameServer = known?.remote.type === remote.type && isDeepStrictEqual(known.remote.options, remote.options);
    if (hasCredentials && !isSameServer && credentials === undefined)
      throw new InvalidSettings('credentials: are required if the type or the options of the remote change');
    const error = remotes.errorIn(remote, credentials ?? (hasCredentials ? undefined : {}));
    if (error !== undefined) throw new InvalidSettings(error);
    for (const { settings: other } of runners.values())
      if (other.id !== id && (isInside(path, other.path) || isInside(other.path, path)))
        throw new SaveFailure(
          'conflict',
          `path: the folder "${other.path}" is synchronized already, as "${other.id}".`,
        );
    if (!known && runners.size >= maxFolders)
      throw new SaveFailure('conflict', `A session has at most ${maxFolders} synchronized folders.`);
  };

  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const id of await storedFolders(folder)) {
    try {
      const state = openFolderState(folder, id, log);
      const { settings } = readStored(readSettings(state.base, key, id), id) ?? {};
      const error = settings
        ? remotes.errorIn(settings.remote, undefined)
        : 'a program of the session has changed its settings, or the key of the session is another one';
      if (settings && error === undefined) await run(settings, state);
      else {
        state.close();
        setUnusable(id, error ?? 'its settings are not known');
      }
    } catch (error) {
      setUnusable(id, messageOf(error));
    }
  }

  return {
    list: async () => ({
      folders: await Promise.all([...runners.values()].map(describe)),
      unusable: [...unusable].map(([id, message]) => ({ id, message })),
    }),
    get: async (id) => describe(find(id)),
    put: (id, body) =>
      inOrder(async () => {
        const request = readRequest(id, body);
        await check(request).catch(rethrowInvalid);
        const { settings, credentials } = request;
        const known = runners.get(id);
        await known?.stop();
        runners.delete(id);
        let state: FolderState | undefined;
        try {
          state = openFolderState(folder, id, log);
          // A folder that was compared with another one has no base: else its files would look deleted.
          if (!known || !isSamePair(known.settings, settings)) forget(state);
          // If the agent ends here, neither the old nor the new server gets the credentials of the other.
          if (credentials) await remotes.removeCredentials(id);
          storeSettings(state.base, key, settings);
          if (credentials) await remotes.storeCredentials(id, credentials);
          await run(settings, state);
        } catch (error) {
          state?.close();
          setUnusable(id, messageOf(error));
          throw error;
        }
        unusable.delete(id);
        return !known;
      }),
    remove: (id) =>
      inOrder(async () => {
        if (!unusable.has(id)) await find(id).stop();
        runners.delete(id);
        unusable.delete(id);
        await remotes.removeCredentials(id);
        await rm(join(folder, 'sync', id), { recursive: true, force: true });
      }),
    start(id, deletions) {
      const runner = find(id);
      if (!runner.settings.paused) return runner.start(deletions);
      throw new SaveFailure('conflict', `The synchronization of the folder "${id}" is paused. Continue it first.`);
    },
    operations: (id) => find(id).operations.list(),
    async wait(id, operation, { version, waitMs, stop }) {
      return existing(await find(id).operations.wait(operation, version, waitMs, stop));
    },
    cancel(id, operation) {
      const runner = find(id);
      runner.cancel(operation);
      return existing(runner.operations.find(operation));
    },
    async resolve(id, conflict, resolution) {
      try {
        if (await find(id).resolve(conflict, resolution)) return;
      } catch (error) {
        if (error instanceof NotResolvable) throw new SaveFailure('conflict', error.message, { cause: error });
        throw error;
      }
      throw new SaveFailure('not-found', 'The folder has no such conflict.');
    },
    syncedFiles() {
      const folders = [...runners.values()].flatMap((runner) => runner.syncedFiles() ?? []);
      return (path) => folders.some((isSynced) => isSynced(path));
    },
    async runRounds(waitMs, signal) {
      const limit = AbortSignal.timeout(waitMs);
      const stop = signal ? AbortSignal.any([limit, signal]) : limit;
      const active = [...runners.values()].filter(({ settings }) => !settings.paused);
      await Promise.all(active.map((runner) => runRound(runner, waitMs, stop)));
    },
    async whilePaused(work) {
      pauses += 1;
      const paused = [...runners.values()];
      await Promise.all(paused.map((runner) => runner.pause()));
      try {
        return await work();
      } finally {
        pauses -= 1;
        // A folder that was changed meanwhile has another runner, which was paused at its start.
        for (const runner of new Set([...paused, ...runners.values()])) runner.resume();
      }
    },
    end: () =>
      inOrder(async () => {
        await Promise.all([...runners.values()].map((runner) => runner.stop()));
        runners.clear();
        await remotes.end();
      }),
  };
}

async function runRound(runner: FolderRunner, waitMs: number, stop: AbortSignal): Promise<void> {
  let operation: SyncOperation | undefined = runner.start();
  while (operation && !isOver(operation) && !stop.aborted)
    operation = await runner.operations.wait(operation.id, operation.version, waitMs, stop);
}

const isInside = (path: string, folder: string): boolean => `${path}/`.startsWith(`${folder}/`);

/** Returns whether both settings compare the same two folders. */
const isSamePair = (a: SyncFolderSettings, b: SyncFolderSettings): boolean =>
  a.path === b.path &&
  a.remote.type === b.remote.type &&
  a.remote.path === b.remote.path &&
  isDeepStrictEqual(a.remote.options, b.remote.options);

function forget(state: FolderState): void {
  state.base.clear();
  state.lastSuccessAt = null;
  state.suspension = null;
  state.store();
}

function existing(operation: SyncOperation | undefined): SyncOperation {
  if (!operation) throw new SaveFailure('not-found', 'There is no such operation.');
  return operation;
}

function readRequest(id: string, body: unknown): ReturnType<typeof readFolderRequest> {
  try {
    return readFolderRequest(id, body);
  } catch (error) {
    return rethrowInvalid(error);
  }
}

function rethrowInvalid(error: unknown): never {
  if (error instanceof InvalidSettings) throw new SaveFailure('invalid', error.message, { cause: error });
  throw error;
}

/** Returns stored settings; undefined if they are those of another version that this one does not understand. */
function readStored(stored: unknown, id: string): ReturnType<typeof readFolderRequest> | undefined {
  if (typeof stored !== 'object' || stored === null || !('id' in stored) || stored.id !== id) return undefined;
  const { id: _, ...body } = stored;
  try {
    return readFolderRequest(id, body);
  } catch (error) {
    if (error instanceof InvalidSettings) return undefined;
    throw error;
  }
}

async function storedFolders(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(join(folder, 'sync'), { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() && folderIdPattern.test(entry.name) ? [entry.name] : []));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
