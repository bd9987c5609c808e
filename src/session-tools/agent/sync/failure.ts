import { hasCode } from '../../../lib/error-code.ts';
import { NotAFolder } from './folder-handle.ts';
import { LocalChange } from './local-tree.ts';
import { RemoteError } from './remote.ts';
import type { SyncError } from './sync-folder.ts';

/** A round ended early. The message is for the owner. */
export class SyncFailure extends Error {
  override readonly name = 'SyncFailure';
  readonly reason: SyncError['reason'];
  constructor(reason: SyncError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/**
 * - `again`: another program has changed the file meanwhile, and the round looks at both sides again.
 * - `skip`: the file is not synchronized; the others are. - `end`: the round ends.
 */
export type Consequence = 'again' | 'skip' | 'end';

/** Returns what the failure of one action means for the round. */
export function consequenceOf(error: unknown): Consequence {
  if (error instanceof LocalChange || error instanceof NotAFolder) return 'again';
  if (error instanceof RemoteError) {
    if (error.reason === 'changed' || error.reason === 'not-found') return 'again';
    const isOfFile = ['unsupported-name', 'unsupported', 'forbidden'].includes(error.reason);
    return isOfFile ? 'skip' : 'end';
  }
  if (hasCode(error, 'ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENOTEMPTY')) return 'again';
  return hasCode(error, 'EACCES', 'EPERM', 'ENAMETOOLONG', 'ETXTBSY', 'EXDEV') ? 'skip' : 'end';
}

/** Returns the failure of a file for which the volume of the session has no space. */
export function diskFull(cause?: unknown): SyncFailure {
  const message = 'The volume of the session has no space left. Delete files, or exclude large ones from this folder.';
  return new SyncFailure('disk-full', message, { cause });
}

/** Returns the failure for the owner. */
export function toSyncFailure(error: unknown): SyncFailure {
  if (error instanceof SyncFailure) return error;
  if (error instanceof RemoteError) return new SyncFailure(error.reason, error.message, { cause: error });
  const options = { cause: error };
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) return diskFull(error);
  const message = messageOf(error);
  if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'EIO'))
    return new SyncFailure('local', `The files of the session cannot be read or written: ${message}`, options);
  return new SyncFailure('internal', `The agent of the session failed: ${message}`, options);
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
