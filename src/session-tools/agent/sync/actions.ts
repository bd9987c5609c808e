import { randomUUID } from 'node:crypto';
import type { Facts } from './align.ts';
import { moveFile, removeFile } from './local-moves.ts';
import { findEntry, LocalChange, type LocalEntry, makeFolder, removeFolder } from './local-tree.ts';
import { conflictPath, toRfc3339 } from './paths.ts';
import type { Action, LocalHashes } from './plan.ts';
import { type RemoteEntry, RemoteError } from './remote.ts';
import type { ConflictKind, SyncConflict } from './sync-folder.ts';
import {
  backUpRemote,
  download,
  fetched,
  hashLocal,
  isSameContent,
  type PassContext,
  putLocal,
  type RoundContext,
  upload,
} from './transfer.ts';

/**
 * Carries out an action. Each step leaves a state from which the next round continues, if the program ends here: new content is complete
 * on its side before the old one goes to a backup, and the base learns of it last.
 * @returns whether the round must look at both sides again
 */
export async function carryOut(context: PassContext, action: Action, hashes: LocalHashes): Promise<boolean> {
  switch (action.kind) {
    case 'forget':
      context.base.delete(action.facts.id);
      return false;
    case 'adopt':
      await adopt(context, action.facts, hashes);
      return false;
    case 'upload': {
      const { facts, restores } = action;
      const local = present(facts.local);
      if (restores) report(context, facts, 'deleted-there', null);
      await upload(context, facts, local, facts.remote ?? null);
      return false;
    }
    case 'download': {
      const { facts, restores } = action;
      await download(context, facts, present(facts.remote));
      if (restores) report(context, facts, 'deleted-here', null);
      return false;
    }
    case 'compare':
    case 'conflict':
      return compare(context, action.facts);
    case 'delete':
      await remove(context, action.side, action.facts);
      return false;
    case 'rename':
      await rename(context, action.side, action.from, action.to);
      return false;
    case 'move-aside':
      await moveAside(context, action.side, action.facts);
      return true;
    case 'make-folder':
      await createFolder(context, action.side, action.facts);
      return false;
    case 'remove-folder':
      await deleteFolder(context, action.side, action.facts);
      return false;
    default:
      return action satisfies never;
  }
}

/** An action needs what the decision has found. */
function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('A decision needs an entry that does not exist.');
  return value;
}

async function adopt(context: RoundContext, { id, kind, local, remote, base }: Facts, known: LocalHashes) {
  const [own, entry] = [present(local), present(remote)];
  const isKnownContent = base && base.hash !== '' && base.signature === own.signature;
  const [hash = ''] =
    kind === 'folder' ? [] : isKnownContent ? [base.hash] : (known.get(own.path) ?? (await hashLocal(context, own)));
  context.base.set(id, { kind, path: own.path, size: own.size, signature: own.signature, hash, remote: entry });
}

/**
 * Adopts equal files. Of others, the version of the remote gets a conflict name in the local folder; then the local version replaces it
 * at the remote. The next pass uploads the copy.
 */
async function compare(context: PassContext, facts: Facts): Promise<boolean> {
  const [local, remote] = [present(facts.local), present(facts.remote)];
  const [hash = ''] = await hashLocal(context, local);
  const copy = await fetched(context, remote, async (place, [theirs = '']) => {
    if (theirs === hash) return undefined;
    return copyFor(context, local.path, remote, theirs, (path) => void putLocal(context, path, place, undefined));
  });
  if (copy === undefined) {
    context.base.set(facts.id, {
      ...facts,
      path: local.path,
      size: local.size,
      signature: local.signature,
      hash,
      remote,
    });
    return false;
  }
  context.count({ downloaded: 1, bytes: remote.size });
  report(context, facts, 'both-changed', copy);
  await upload(context, facts, local, remote);
  return true;
}

/** Returns the path of the conflict copy. An attempt that was interrupted may have made it. */
async function copyFor(
  context: RoundContext,
  path: string,
  { modifiedAt }: RemoteEntry,
  hash: string,
  put: (path: string) => void,
): Promise<string> {
  for (let number = 1; ; number += 1) {
    const copy = conflictPath(path, 'remote', modifiedAt ?? context.now(), number);
    const found = findEntry(context.root, copy);
    if (!found) {
      put(copy);
      return copy;
    }
    if (found.kind === 'file' && (await hashLocal(context, found))[0] === hash) return copy;
  }
}

async function remove(context: PassContext, side: 'local' | 'remote', facts: Facts): Promise<void> {
  const { id, path, base, local, remote } = facts;
  // A program can create the file again at any time: the scan can have found it between two steps of that program.
  if (side === 'remote' && findEntry(context.root, path)?.kind === 'file') throw new LocalChange(path);
  if (side === 'local' && context.looksAgain) {
    // A listing that is made while a file is moved or written anew can leave the file out.
    const found = await context.remote.find(base?.remote.path ?? path, context.signal);
    if (found?.kind === 'file')
      throw new RemoteError('changed', `The file ${path} was missing at the remote for a moment.`);
  }
  context.base.begin(id, side);
  if (side === 'local') {
    const entry = present(local);
    context.storage.inBackup(context.stamp, entry.path, (backup) => removeFile(context.root, entry, backup));
    context.count({ deletedLocally: 1 });
  } else {
    const entry = present(remote);
    if ((await backUpRemote(context, entry)) === 'copied') await context.remote.remove(entry, context.signal);
    context.count({ deletedRemotely: 1 });
  }
  context.base.delete(id);
}

async function rename(context: RoundContext, side: 'local' | 'remote', from: Facts, to: Facts): Promise<void> {
  const base = present(from.base);
  let local: LocalEntry;
  let remote: RemoteEntry;
  context.base.begin(from.id, side);
  if (side === 'remote') {
    local = present(to.local);
    const old = present(from.remote);
    remote = await context.remote.move(old, to.path, context.signal);
    if (!isSameContent(remote, old)) {
      // Another program has written to the old path right before: both versions are at the new path now.
      context.base.delete(from.id);
      throw new LocalChange(to.path);
    }
  } else {
    remote = present(to.remote);
    local = moveLocally(context, present(from.local), remote.path);
  }
  context.base.inTransaction(() => {
    context.base.delete(from.id);
    const { path, size, signature } = local;
    context.base.set(to.id, { kind: 'file', path, size, signature, hash: base.hash, remote });
  });
  context.count({ renamed: 1 });
}

const moveLocally = ({ root, storage, stamp }: RoundContext, from: LocalEntry, to: string): LocalEntry =>
  storage.inBackup(stamp, from.path, (backup) => moveFile(root, from, to, backup));

async function moveAside(context: PassContext, side: 'local' | 'remote', facts: Facts): Promise<void> {
  const time = (side === 'local' ? facts.local?.modifiedAt : facts.remote?.modifiedAt) ?? context.now();
  for (let number = 1; ; number += 1) {
    const copy = conflictPath(facts.path, side, time, number);
    const isTaken = findEntry(context.root, copy) ?? (await context.remote.find(copy, context.signal));
    if (isTaken) continue;
    if (side === 'local') moveLocally(context, present(facts.local), copy);
    else await moveAsideRemotely(context, present(facts.remote), copy);
    report(context, facts, 'kind-changed', copy);
    return;
  }
}

async function moveAsideRemotely(context: PassContext, entry: RemoteEntry, copy: string): Promise<void> {
  const { remote, signal } = context;
  if (remote.capabilities.canMove) {
    await remote.move(entry, copy, signal);
    return;
  }
  await fetched(context, entry, async (place) => putLocal(context, copy, place, undefined));
  await remote.remove(entry, signal);
}

async function createFolder(context: RoundContext, side: 'local' | 'remote', facts: Facts): Promise<void> {
  const { id, path } = facts;
  if (side === 'local') makeFolder(context.root, present(facts.remote).path);
  else await context.remote.makeFolder(path, context.signal);
  const remote = facts.remote ?? { path, kind: 'folder', size: 0, modifiedAt: null, hash: null, version: null };
  context.base.set(id, { kind: 'folder', path, size: 0, signature: '', hash: '', remote });
}

/** A folder that has got a file meanwhile stays. */
async function deleteFolder(context: RoundContext, side: 'local' | 'remote', facts: Facts): Promise<void> {
  if (side === 'local') {
    if (!removeFolder(context.root, present(facts.local).path)) throw new LocalChange(facts.path);
  } else {
    await context.remote.remove(present(facts.remote), context.signal);
  }
  context.base.delete(facts.id);
}

function report(context: RoundContext, facts: Facts, kind: ConflictKind, copy: string | null): void {
  const version = (entry: { size: number; modifiedAt: number | null } | undefined): SyncConflict['mine'] =>
    entry ? { size: entry.size, modifiedAt: entry.modifiedAt === null ? null : toRfc3339(entry.modifiedAt) } : null;
  context.base.addConflict({
    id: randomUUID(),
    ...{ path: facts.path, kind, copy },
    mine: version(facts.local),
    theirs: version(facts.remote),
    since: new Date(context.now()).toISOString(),
  });
  context.count({ conflicts: 1 });
}
