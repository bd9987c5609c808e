import type { Aligned, Facts } from './align.ts';
import { type Decision, type Deletions, decide, type SideState } from './decide.ts';
import { ancestorsOf, keyOf } from './paths.ts';
import type { RemoteCapabilities, RemoteEntry } from './remote.ts';

export type Action =
  | { readonly kind: 'adopt' | 'forget' | 'compare' | 'conflict'; readonly facts: Facts }
  /** `restores`: the other side has deleted the path. */
  | { readonly kind: 'upload' | 'download'; readonly facts: Facts; readonly restores: boolean }
  | { readonly kind: 'delete' | 'remove-folder' | 'make-folder'; readonly side: Side; readonly facts: Facts }
  /** `from` was renamed to `to` at the other side. */
  | { readonly kind: 'rename'; readonly side: Side; readonly from: Facts; readonly to: Facts }
  /** A file at `side` gets a conflict name, because the other side has a folder at its path. */
  | { readonly kind: 'move-aside'; readonly side: Side; readonly facts: Facts };

type Side = 'local' | 'remote';

/** Actions of one phase can run at the same time; the phases run one after another. */
export interface Plan {
  readonly phases: readonly (readonly Action[])[];
  readonly deletions: readonly Deletions[];
}

/** Hashes of local files, by the path: SHA-256, and that which the remote has. Each has the form of `RemoteEntry.hash`. */
export type LocalHashes = ReadonlyMap<string, readonly string[]>;

/** Returns whether an entry of the remote is the one that it was. */
export function isSameRemote(a: RemoteEntry, b: RemoteEntry): boolean {
  if (a.kind !== b.kind || a.size !== b.size) return false;
  if (a.kind === 'folder') return true;
  if (a.version !== null && b.version !== null) return a.version === b.version;
  if (a.hash !== null && b.hash !== null) return a.hash === b.hash;
  return a.modifiedAt === b.modifiedAt;
}

/** Returns the local files whose hashes `plan` needs: those that may have changed, and those that may be renamed ones. */
export function filesToHash({ facts }: Aligned): Facts[] {
  const missing = new Set<number>();
  for (const { kind, base, local } of facts.values()) if (kind === 'file' && base && !local) missing.add(base.size);
  return [...facts.values()].filter(({ kind, base, local, remote }) => {
    if (kind !== 'file' || !local || (base && isUntouched(base.signature, local.signature))) return false;
    if (base && base.size === local.size) return true;
    if (remote?.hash && remote.size === local.size && !(base && isSameRemote(base.remote, remote))) return true;
    return !base && !remote && local.size > 0 && missing.has(local.size);
  });
}

const isUntouched = (base: string, local: string): boolean => base !== '' && base === local;

/** The order of a round. What is in the way of a later action goes first, and other deletions come last. */
const order = {
  aside: 0,
  deletionInTheWay: 1,
  folderInTheWay: 2,
  newFolder: 3,
  rename: 4,
  transfer: 5,
  deletion: 6,
  emptyFolder: 7,
  record: 8,
} as const;

/** Returns what a round does. */
export function plan(aligned: Aligned, hashes: LocalHashes, capabilities: RemoteCapabilities): Plan {
  const decisions = new Map<string, Decision>();
  for (const [id, each] of aligned.facts) decisions.set(id, decide(stateOf(each, hashes)));
  const deletions = () => (['local', 'remote'] as const).map((side) => countDeletions(aligned, decisions, side));
  if (isWithoutChanges(aligned, decisions)) return { phases: [], deletions: deletions() };
  const renames = findRenames(aligned, decisions, hashes, capabilities);
  const ofRenames = new Set(renames.flatMap(({ from, to }) => [from.id, to.id]));
  for (const id of ofRenames) decisions.set(id, 'none');
  const key = (path: string) => keyOf(path, capabilities.isCaseInsensitive);
  const gone = new Set(renames.map(({ from }) => from.id));
  const { files, folders } = keptPaths(aligned, decisions, gone, key);
  const phases = Object.values(order).map((): Action[] => []);
  const put = (phase: number, action: Action) => phases[phase]?.push(action);
  const isBlocked = folderBlocks(aligned, folders, key);
  for (const [id, facts] of aligned.facts) {
    const decision = decisions.get(id) ?? 'none';
    if (facts.kind === 'folder') {
      putFolder(decision, facts, put, isBlocked, files, key);
      continue;
    }
    // A file whose path is a folder after the round.
    if (files.has(key(facts.path)) && folders.has(key(facts.path)) && !gone.has(id) && isKept(decision)) {
      const side = facts.local ? 'local' : 'remote';
      put(order.aside, { kind: 'move-aside', side, facts });
      continue;
    }
    if (ofRenames.has(id)) continue;
    const isInTheWay =
      folders.has(key(facts.path)) || ancestorsOf(facts.path).some((ancestor) => files.has(key(ancestor)));
    const ofDeletion = isInTheWay ? order.deletionInTheWay : order.deletion;
    putFile(decision, facts, (isDeletion, action) => put(isDeletion ? ofDeletion : order.transfer, action));
  }
  phases[order.rename]?.push(...renames);
  // Inner folders are removed first, and outer folders are created first.
  for (const phase of [order.folderInTheWay, order.emptyFolder])
    phases[phase]?.sort((a, b) => pathOf(b).length - pathOf(a).length);
  phases[order.newFolder]?.sort((a, b) => pathOf(a).length - pathOf(b).length);
  return {
    phases: phases.filter((phase) => phase.length > 0),
    deletions: deletions(),
  };
}

const pathOf = (action: Action): string => (action.kind === 'rename' ? action.to.path : action.facts.path);

function stateOf({ kind, base, local, remote }: Facts, hashes: LocalHashes) {
  const known = local && hashes.get(local.path);
  const localState: SideState = !local
    ? 'absent'
    : base && (kind === 'folder' || isUntouched(base.signature, local.signature) || isHash(known, base.hash))
      ? 'same'
      : 'changed';
  const remoteState: SideState = !remote ? 'absent' : base && isSameRemote(base.remote, remote) ? 'same' : 'changed';
  return { isKnown: base !== undefined, local: localState, remote: remoteState, isEqual: isEqual() };

  function isEqual(): boolean | undefined {
    if (kind === 'folder') return true;
    if (!local || !remote) return undefined;
    if (local.size !== remote.size) return false;
    if (local.size === 0) return true;
    if (remote.hash === null || !known) return undefined;
    const [algorithm] = remote.hash.split(':');
    const own = known.find((each) => each.startsWith(`${algorithm}:`));
    return own === undefined ? undefined : own === remote.hash;
  }
}

const isHash = (known: readonly string[] | undefined, hash: string): boolean =>
  hash !== '' && known !== undefined && known.includes(hash);

const isKept = (decision: Decision): boolean => !['forget', 'delete-local', 'delete-remote'].includes(decision);

type Rename = Extract<Action, { kind: 'rename' }>;

/** Returns renames: a path that is missing at one side only, and a new file at the same side with the same content. */
function findRenames(
  { facts }: Aligned,
  decisions: ReadonlyMap<string, Decision>,
  hashes: LocalHashes,
  { canMove }: RemoteCapabilities,
): Rename[] {
  const renamed: Rename[] = [];
  const remoteHash = (each: Facts) => each.base?.remote.hash ?? undefined;
  const candidates = (decision: Decision, hashOf: (each: Facts) => string | undefined) => {
    const found = new Map<string, Facts[]>();
    for (const each of facts.values()) {
      const hash = each.kind === 'file' && decisions.get(each.id) === decision ? hashOf(each) : undefined;
      if (!hash || !each.base || each.base.size === 0) continue;
      const same = found.get(hash);
      if (same) same.push(each);
      else found.set(hash, [each]);
    }
    return found;
  };
  const missingHere = canMove ? candidates('delete-remote', ({ base }) => base?.hash) : new Map<string, Facts[]>();
  const missingThere = candidates('delete-local', remoteHash);
  for (const to of facts.values()) {
    if (to.kind !== 'file' || to.base) continue;
    const decision = decisions.get(to.id);
    const own = to.local && hashes.get(to.local.path);
    const fromHere = decision === 'upload' ? own?.map((hash) => missingHere.get(hash)?.pop()).find(Boolean) : undefined;
    const fromThere = decision === 'download' && to.remote?.hash ? missingThere.get(to.remote.hash)?.pop() : undefined;
    if (fromHere) renamed.push({ kind: 'rename', side: 'remote', from: fromHere, to });
    else if (fromThere) renamed.push({ kind: 'rename', side: 'local', from: fromThere, to });
  }
  return renamed;
}

/** Returns the keys of files and folders after the round. */
function keptPaths(
  { facts }: Aligned,
  decisions: ReadonlyMap<string, Decision>,
  gone: ReadonlySet<string>,
  key: (path: string) => string,
): { files: Set<string>; folders: Set<string> } {
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const [id, { kind, path, local, remote }] of facts) {
    if (gone.has(id) || (!local && !remote) || !isKept(decisions.get(id) ?? 'none')) continue;
    (kind === 'file' ? files : folders).add(key(path));
    for (const ancestor of ancestorsOf(path)) folders.add(key(ancestor));
  }
  return { files, folders };
}

/** Returns a function that returns whether a folder must stay, although one side has deleted it. */
function folderBlocks(
  { occupied }: Aligned,
  folders: ReadonlySet<string>,
  key: (path: string) => string,
): (path: string) => boolean {
  return (path) => occupied.has(key(path)) || folders.has(key(path));
}

function putFolder(
  decision: Decision,
  facts: Facts,
  put: (phase: number, action: Action) => void,
  isBlocked: (path: string) => boolean,
  files: ReadonlySet<string>,
  key: (path: string) => string,
): void {
  switch (decision) {
    case 'upload':
      put(order.newFolder, { kind: 'make-folder', side: 'remote', facts });
      break;
    case 'download':
      put(order.newFolder, { kind: 'make-folder', side: 'local', facts });
      break;
    case 'delete-local':
    case 'delete-remote': {
      if (isBlocked(facts.path)) break;
      const isInTheWay = [facts.path, ...ancestorsOf(facts.path)].some((each) => files.has(key(each)));
      const side = decision === 'delete-local' ? 'local' : 'remote';
      put(isInTheWay ? order.folderInTheWay : order.emptyFolder, { kind: 'remove-folder', side, facts });
      break;
    }
    case 'adopt':
      put(order.record, { kind: 'adopt', facts });
      break;
    case 'forget':
      put(order.record, { kind: 'forget', facts });
      break;
    default:
  }
}

const isMoved = ({ local, base }: Facts): boolean =>
  local !== undefined && base !== undefined && (base.signature !== local.signature || base.path !== local.path);

/** Most rounds find no change, and need none of the rest. */
const isWithoutChanges = ({ facts }: Aligned, decisions: ReadonlyMap<string, Decision>): boolean =>
  [...facts.values()].every((each) => decisions.get(each.id) === 'none' && (each.kind === 'folder' || !isMoved(each)));

function putFile(decision: Decision, facts: Facts, put: (isDeletion: boolean, action: Action) => void): void {
  switch (decision) {
    case 'upload':
    case 'restore-remote':
      put(false, { kind: 'upload', facts, restores: decision === 'restore-remote' });
      break;
    case 'download':
    case 'restore-local':
      put(false, { kind: 'download', facts, restores: decision === 'restore-local' });
      break;
    case 'delete-local':
    case 'delete-remote':
      put(true, { kind: 'delete', side: decision === 'delete-local' ? 'local' : 'remote', facts });
      break;
    case 'none':
      // The local file was written with the same content, or renamed to a path that is the same one at the remote.
      if (isMoved(facts)) put(false, { kind: 'adopt', facts });
      break;
    default:
      put(false, { kind: decision, facts });
  }
}

function countDeletions({ facts }: Aligned, decisions: ReadonlyMap<string, Decision>, side: Side): Deletions {
  const decision = side === 'local' ? 'delete-remote' : 'delete-local';
  const counts = { deletions: 0, known: 0, present: 0 };
  for (const each of facts.values()) {
    if (each.kind !== 'file') continue;
    if (each.base) counts.known += 1;
    if (each[side]) counts.present += 1;
    if (decisions.get(each.id) === decision) counts.deletions += 1;
  }
  return { side, ...counts };
}
