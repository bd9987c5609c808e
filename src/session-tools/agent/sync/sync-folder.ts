import type { Remote, RemoteErrorReason } from './remote.ts';

/** A folder of the work tree that is synchronized with a folder of a remote. */
export interface SyncFolderSettings {
  /** `^[a-z0-9][a-z0-9-]{0,31}$`, unique in the session. */
  readonly id: string;
  /** Relative to the work tree, with slashes. Two folders of a session are not inside each other. */
  readonly path: string;
  readonly remote: RemoteSettings;
  /** Seconds between two full comparisons of both sides. */
  readonly intervalSeconds: number;
  /** Rules as in a `.gitignore` at the top of the folder, for both sides. */
  readonly ignore: readonly string[];
  /** Larger files are not synchronized. */
  readonly maxFileBytes: number;
  /** Seconds for which overwritten and deleted versions are kept. */
  readonly backupSeconds: number;
  /** The bandwidth limit for each direction; null: none. */
  readonly bytesPerSecond: number | null;
  /** Whether no round runs. */
  readonly paused: boolean;
}

/** Without credentials: `Remotes` finds them by the id of the folder. */
export interface RemoteSettings {
  /** For people, for example "My Nextcloud". */
  readonly name: string;
  /** `webdav`, `s3`, `sftp`, `local`, or another type that the platform permits. */
  readonly type: string;
  /** The folder at the remote, relative to its top. */
  readonly path: string;
  /** Settings of the type that are no secrets, for example `url`, `user`, `region`. */
  readonly options: Readonly<Record<string, string>>;
}

/** Connections to remotes, and the credentials for them. */
export interface Remotes {
  /** Connects to the remote of a folder, for one round. Throws RemoteError. */
  open(folder: SyncFolderSettings, signal: AbortSignal): Promise<Remote>;
  /**
   * Returns what is invalid in the settings and the credentials, beginning with the path of the member; undefined if both are valid.
   * @param credentials undefined: the stored ones stay
   */
  errorIn(remote: RemoteSettings, credentials: Readonly<Record<string, string>> | undefined): string | undefined;
  hasCredentials(id: string): Promise<boolean>;
  storeCredentials(id: string, credentials: Readonly<Record<string, string>>): Promise<void>;
  removeCredentials(id: string): Promise<void>;
  /** Ends all programs. */
  end(): Promise<void>;
}

/**
 * - `idle`: the next round starts after the interval, or after a change.
 * - `syncing`: a round runs.
 * - `suspended`: the owner must confirm the deletions that `suspension` names; until then nothing is changed on both sides.
 * - `error`: the last round failed; the next one starts at `error.retryAt`.
 * - `paused`: the owner has paused the synchronization.
 */
export type SyncState = 'idle' | 'syncing' | 'suspended' | 'error' | 'paused';

export interface SyncFolderState {
  readonly state: SyncState;
  readonly lastRound: SyncRound | null;
  /** The start of the last round that ended without an error, RFC 3339: older changes of both sides are on the other side. */
  readonly lastSuccessAt: string | null;
  /** Of all rounds. */
  readonly counters: SyncCounters;
  /** Not resolved by the owner yet, at most 100 of `conflictCount`. */
  readonly conflicts: readonly SyncConflict[];
  readonly conflictCount: number;
  readonly error: SyncError | null;
  readonly suspension: SyncSuspension | null;
  /** Entries that are not synchronized, other than ignored ones, at most 100 of `skippedCount`. */
  readonly skipped: readonly SkippedEntry[];
  readonly skippedCount: number;
}

export interface SyncRound {
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly counters: SyncCounters;
}

export interface SyncCounters {
  readonly uploaded: number;
  readonly downloaded: number;
  readonly deletedLocally: number;
  readonly deletedRemotely: number;
  /** Renames that needed no transfer. */
  readonly renamed: number;
  readonly conflicts: number;
  /** Bytes transferred, of both directions. */
  readonly bytes: number;
}

/**
 * - `both-changed`: different content on both sides. Both versions exist on both sides; `copy` is the path of theirs.
 * - `deleted-here`, `deleted-there`: changed at one side and deleted at the other; the changed version is on both sides.
 * - `kind-changed`: a file at one side and a folder at the other; `copy` is the path of the file.
 */
export type ConflictKind = 'both-changed' | 'deleted-here' | 'deleted-there' | 'kind-changed';

export interface SyncConflict {
  readonly id: string;
  readonly path: string;
  readonly kind: ConflictKind;
  /** The version of the session; null: deleted. */
  readonly mine: ConflictVersion | null;
  /** The version of the remote; null: deleted. */
  readonly theirs: ConflictVersion | null;
  /** The path of the conflict copy; null if the conflict needed none. */
  readonly copy: string | null;
  /** RFC 3339. */
  readonly since: string;
}

export interface ConflictVersion {
  readonly size: number;
  /** RFC 3339; null if it is unknown. */
  readonly modifiedAt: string | null;
}

/** What the owner decides: both files stay, or one version gets the original path and the other goes to the backup folder. */
export type ConflictResolution = 'keep-both' | 'mine' | 'theirs';

export interface SyncError {
  /**
   * `local`: the local folder; `disk-full`: the session's volume; `suspended`: the owner must confirm deletions (only of operations);
   * `internal`: a defect of the agent.
   */
  readonly reason: RemoteErrorReason | 'local' | 'disk-full' | 'suspended' | 'internal';
  /** A sentence for the owner: what failed, why, and what to do. No credentials. */
  readonly message: string;
  /** RFC 3339; null: not before the owner changes something. */
  readonly retryAt: string | null;
}

export interface SyncSuspension {
  readonly message: string;
  /** The side on which files are missing. */
  readonly side: 'local' | 'remote';
  /** Files that would be deleted on the other side. */
  readonly deletions: number;
  /** Files that were on both sides before. */
  readonly known: number;
  readonly since: string;
}

/**
 * - `name`: a path that cannot exist on the other side, or would be outside of the folder.
 * - `case`: the path differs from another only in case, and the remote does not distinguish them.
 * - `special`: a link, pipe, socket or device. `too-large`: larger than `maxFileBytes`.
 * - `changing`: the file changed during each attempt. `failed`: see `message`.
 */
export interface SkippedEntry {
  readonly path: string;
  readonly side: 'local' | 'remote';
  readonly reason: 'name' | 'case' | 'special' | 'too-large' | 'changing' | 'failed';
  readonly message: string;
}
