import type { components } from '../../generated/agent-api.ts';
import { hasCode } from '../../lib/error-code.ts';
import { failureKindOf, reasonOf, serverMessage } from '../git-clone/failure.ts';
import { NoRepository } from './repository.ts';
import { GitFailure, GitTimeout } from './run.ts';

export type Reason = components['schemas']['Error']['reason'];

/** Why a save failed. The message is for the user: what failed, why, and what to do. */
export class SaveFailure extends Error {
  override readonly name = 'SaveFailure';
  readonly reason: Reason;
  constructor(reason: Reason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}

/** Returns the failure of a command that used the git server. */
export function remoteFailure(error: unknown, host: string): SaveFailure {
  if (error instanceof GitTimeout)
    return new SaveFailure(
      'unreachable',
      `The git server ${host} does not finish (${error.message}). Save again later.`,
      {
        cause: error,
      },
    );
  if (!(error instanceof GitFailure)) return toSaveFailure(error);
  const { stderr, wasKilled } = error;
  const reason = reasonOf(stderr);
  const failure = (kind: Reason, message: string) => new SaveFailure(kind, message, { cause: error });
  if (wasKilled)
    return failure('unreachable', `The git server ${host} does not respond. The save is tried again later.`);
  // The sentence of the git proxy, which has another status for Git LFS.
  if (
    /rejects the git token of this session|The git token of this session has expired|sign-in of this session/.test(
      stderr,
    )
  )
    return failure(
      'credentials',
      `The git server ${host} rejects the session's credentials. Sign in again, then save again.`,
    );
  if (
    /\[remote rejected\]|hook declined|protected branch|not allowed to push|returned error: 403|HTTP 403/i.test(stderr)
  ) {
    return failure(
      'push-rejected',
      `The git server ${host} rejects the save: ${serverMessage(stderr) ?? reason}. Ask a maintainer of the project for permission to push, or download your files.`,
    );
  }
  // The disk of the git server can be full, too.
  switch (failureKindOf(stderr.replaceAll(/^remote: .*$/gm, ''))) {
    case 'disk-full':
      return diskFull(error);
    case 'refused':
      return failure(
        'credentials',
        `The git server ${host} rejects the session's credentials (${reason}). Sign in again, then save again.`,
      );
    case 'certificate':
    case 'unavailable':
    case 'broken-transfer':
    case 'protocol':
      return failure('unreachable', `The git server ${host} is not available (${reason}). Save again when it is back.`);
    case 'not-found':
      return failure(
        'push-rejected',
        `The repository does not exist on the git server ${host}, or you do not have access (${reason}).`,
      );
    default:
      return failure('git', `git could not push the save: ${reason}`);
  }
}

const diskFull = (cause: unknown): SaveFailure =>
  new SaveFailure('disk-full', 'There is no space left on the volume of the session. Delete files, then save again.', {
    cause,
  });

/** Returns the failure of a step that did not use the git server. */
export function toSaveFailure(error: unknown): SaveFailure {
  if (error instanceof SaveFailure) return error;
  if (error instanceof NoRepository) return new SaveFailure('no-repository', error.message, { cause: error });
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) return diskFull(error);
  if (error instanceof GitFailure) {
    if (failureKindOf(error.stderr) === 'disk-full') return diskFull(error);
    return new SaveFailure('git', `${error.message}. "git fsck" finds damaged objects.`, { cause: error });
  }
  if (error instanceof GitTimeout)
    return new SaveFailure('git', `The save took too long: ${error.message}. Save again later.`, { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new SaveFailure('internal', `The save failed: ${message}`, { cause: error });
}
