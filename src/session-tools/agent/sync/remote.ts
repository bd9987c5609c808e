/** What the engine of file sync needs of a remote: the folder at the other side. */

/** A file or a folder at a remote. */
export interface RemoteEntry {
  /** Relative to the remote's folder, with slashes, as the remote names it. The engine checks it: it may be `../x`. */
  readonly path: string;
  /** `other`: a link or a special file. Nothing happens to this path on both sides. */
  readonly kind: 'file' | 'folder' | 'other';
  /** Bytes; 0 for a folder. */
  readonly size: number;
  /** Milliseconds since the epoch; null if the remote keeps no times. */
  readonly modifiedAt: number | null;
  /** `<algorithm>:<hexadecimal>`, with the first of the remote's `hashes`; null if the remote has none for this file. */
  readonly hash: string | null;
  /** Changes with each change of the file, for example an ETag; null if the remote has none. */
  readonly version: string | null;
}

export type HashAlgorithm = 'sha256' | 'sha1' | 'md5';

export interface RemoteCapabilities {
  /** Hashes that listings have, the strongest first; empty: none. */
  readonly hashes: readonly HashAlgorithm[];
  /** Whether `modifiedAt` of an entry changes with each write of its content. */
  readonly hasModificationTimes: boolean;
  /** Whether `move` works without a transfer through this machine. */
  readonly canMove: boolean;
  /** Whether the remote keeps folders without files. */
  readonly hasFolders: boolean;
  /** Whether `a.txt` and `A.txt` are one file. */
  readonly isCaseInsensitive: boolean;
}

export interface TransferOptions {
  readonly signal: AbortSignal;
  /** The bandwidth limit; undefined: none. */
  readonly bytesPerSecond?: number | undefined;
  /** Called with the number of bytes transferred so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * A folder at a remote. All paths are relative to it, with slashes, and valid (`errorInPath`). All functions throw RemoteError, and
 * `signal.reason` when their signal is aborted. No function retries, except after errors of single connections.
 */
export interface Remote {
  readonly capabilities: RemoteCapabilities;
  /**
   * Lists all files and folders, in any order; the folder of file sync (`reservedFolder`) is left out where the remote can do that,
   * because its backups would make each listing longer. A listing that ends without an error is complete: an incomplete one would look
   * like deletions. A remote folder that does not exist is an error (`not-found`) and not an empty listing.
   */
  list(signal: AbortSignal): AsyncIterable<RemoteEntry>;
  /** Returns the entries of one folder, without those of its folders; none if it does not exist. */
  listFolder(path: string, signal: AbortSignal): Promise<RemoteEntry[]>;
  /** Returns the entry as `list` does; undefined if it does not exist. */
  find(path: string, signal: AbortSignal): Promise<RemoteEntry | undefined>;
  /**
   * Writes the content of a file to `file`, a path at which no file exists, in a folder of the agent. Throws `changed` if the
   * remote file is not `entry` any more, before or after the transfer. Then, and after each other error, `file` may be incomplete.
   */
  download(entry: RemoteEntry, file: string, options: TransferOptions): Promise<void>;
  /**
   * Writes a file, with its folders, and returns the entry as `list` does. Readers of the remote see no incomplete file where the
   * remote can do that.
   * @param file a path that other processes of this user can open: `/proc/<pid>/fd/<descriptor>`, a link to a regular file
   * @param expected the entry that is replaced; null: no file exists at `path`. Else throws `changed`
   * @param modifiedAt milliseconds since the epoch, which the remote keeps if it can
   */
  upload(
    file: string,
    path: string,
    expected: RemoteEntry | null,
    options: TransferOptions & { readonly modifiedAt: number },
  ): Promise<RemoteEntry>;
  /**
   * Renames a file, with the folders of `to`, and returns the new entry as `list` does. Throws `changed` if the file is not `entry` any
   * more, or a file exists at `to`; `unsupported` if the remote cannot move.
   */
  move(entry: RemoteEntry, to: string, signal: AbortSignal): Promise<RemoteEntry>;
  /**
   * Deletes a file, or an empty folder. Throws `changed` if it is not `entry` any more, or a folder that is not empty. Nothing
   * happens if it does not exist.
   */
  remove(entry: RemoteEntry, signal: AbortSignal): Promise<void>;
  /** Creates a folder, with its parents. Nothing happens if it exists, or if the remote has no folders. */
  makeFolder(path: string, signal: AbortSignal): Promise<void>;
  /** Ends what the remote uses: processes, descriptors. */
  close(): Promise<void>;
}

/**
 * - `unauthorized`: the credentials are invalid or have expired. `forbidden`: they do not permit this.
 * - `unavailable`: the remote does not respond, or with an error that may pass.
 * - `not-found`: the remote's folder, or the file, does not exist.
 * - `changed`: another program has changed the entry meanwhile. The next round looks at it again.
 * - `quota`: the remote has no space, or the local volume during a download.
 * - `unsupported-name`: the remote cannot have a file with this name.
 * - `unsupported`: the remote cannot do this.
 * - `too-many`: the remote folder has more entries than file sync compares.
 * - `rejected`: an address or a type of remote that the platform does not permit.
 */
export type RemoteErrorReason =
  | 'unauthorized'
  | 'forbidden'
  | 'unavailable'
  | 'not-found'
  | 'changed'
  | 'quota'
  | 'unsupported-name'
  | 'unsupported'
  | 'too-many'
  | 'rejected';

export class RemoteError extends Error {
  override readonly name = 'RemoteError';
  readonly reason: RemoteErrorReason;
  /** @param message a sentence for the owner of the session: what failed, why, and what to do. No credentials */
  constructor(reason: RemoteErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
