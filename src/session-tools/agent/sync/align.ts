import type { LocalEntry, LocalScan } from './local-tree.ts';
import { ancestorsOf, errorInPath, isReserved, keyOf } from './paths.ts';
import type { RemoteCapabilities, RemoteEntry } from './remote.ts';
import type { SkippedEntry } from './sync-folder.ts';

/** A path in the base table: the state after the last round that synchronized it. */
export interface BaseRow {
  readonly kind: 'file' | 'folder';
  /** The path of the local entry; `remote.path` can differ in case. */
  readonly path: string;
  readonly size: number;
  /** Of the local entry. Empty: the content at the remote may differ from that of the local file. */
  readonly signature: string;
  /** SHA-256 of the content; empty for a folder. */
  readonly hash: string;
  readonly remote: RemoteEntry;
}

/** What base and both sides have at a path. Files and folders of the same path are two of these. */
export interface Facts {
  readonly id: string;
  readonly kind: 'file' | 'folder';
  /** The local spelling. */
  readonly path: string;
  readonly base?: BaseRow;
  readonly local?: LocalEntry;
  readonly remote?: RemoteEntry;
}

export interface Sides {
  readonly base: Iterable<BaseRow>;
  readonly local: LocalScan;
  readonly remote: readonly RemoteEntry[];
  readonly capabilities: RemoteCapabilities;
  readonly isIgnored: (path: string, isFolder: boolean) => boolean;
  readonly maxFileBytes: number;
}

export interface Aligned {
  readonly facts: Map<string, Facts>;
  readonly skipped: SkippedEntry[];
  /** Paths of the base that are ignored now. */
  readonly released: string[];
  /** Keys of folders with ignored or skipped entries, which therefore cannot be removed. */
  readonly occupied: Set<string>;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Returns the id of `Facts` and rows of the base. */
export const idOf = (kind: 'file' | 'folder', path: string, isCaseInsensitive: boolean): string =>
  `${kind === 'file' ? 'f' : 'd'}/${keyOf(path, isCaseInsensitive)}`;

/** Brings the base and both sides together, without entries that are not synchronized. */
export function align(sides: Sides): Aligned {
  const { capabilities, maxFileBytes } = sides;
  const { entries } = sides.local;
  // The scan has found out that a path is not ignored: rules take most of the time of a round without changes.
  const isIgnored = (path: string, isFolder: boolean) =>
    entries.get(path)?.kind !== (isFolder ? 'folder' : 'file') && sides.isIgnored(path, isFolder);
  const key = (path: string) => keyOf(path, capabilities.isCaseInsensitive);
  const skipped: SkippedEntry[] = [];
  const released: string[] = [];
  const occupied = new Set<string>();
  for (const path of sides.local.withIgnored) for (const each of [path, ...ancestorsOf(path)]) occupied.add(key(each));
  const excluded = new Set<string>();
  const exclude = (entry: SkippedEntry) => {
    skipped.push({ ...entry, path: printable(entry.path) });
    excluded.add(key(entry.path));
    for (const folder of ancestorsOf(entry.path)) occupied.add(key(folder));
  };
  const facts = new Map<string, Mutable<Facts>>();
  const factsOf = (kind: 'file' | 'folder', path: string): Mutable<Facts> => {
    const id = idOf(kind, path, capabilities.isCaseInsensitive);
    const known = facts.get(id) ?? { id, kind, path };
    if (!known.base && !known.local && !known.remote) facts.set(id, known);
    return known;
  };
  const find = (kind: 'file' | 'folder', path: string) => facts.get(idOf(kind, path, capabilities.isCaseInsensitive));

  for (const row of sides.base) {
    if (isIgnored(row.path, row.kind === 'folder'))
      released.push(idOf(row.kind, row.path, capabilities.isCaseInsensitive));
    else factsOf(row.kind, row.path).base = row;
  }
  for (const entry of sides.remote) {
    const { path, kind, size } = entry;
    if (isReserved(path)) continue;
    const error = errorInPath(path);
    if (error !== undefined) {
      const message = `The path ${error}. Rename the file at the remote to synchronize it.`;
      skipped.push({ path: printable(path), side: 'remote', reason: 'name', message });
      continue;
    }
    if (isIgnored(path, kind === 'folder')) {
      for (const folder of ancestorsOf(path)) occupied.add(key(folder));
      continue;
    }
    if (kind === 'other')
      exclude({ path, side: 'remote', reason: 'special', message: 'Links and special files are not synchronized.' });
    else if (kind === 'folder' && !capabilities.hasFolders) continue;
    else if (size > maxFileBytes) exclude(tooLarge(path, 'remote', size, maxFileBytes));
    else {
      const known = factsOf(kind, path);
      if (known.remote) exclude(sameName(path, 'remote'));
      else known.remote = entry;
    }
  }
  for (const each of sides.local.leftOut) exclude({ ...each, side: 'local' });
  const spelled: LocalEntry[] = [];
  const misspelled: LocalEntry[] = [];
  // Of local files that a remote does not distinguish, the one with the known spelling is synchronized.
  for (const entry of sides.local.entries.values()) {
    const known = capabilities.isCaseInsensitive ? find(entry.kind, entry.path) : undefined;
    const spelling = known && (known.base?.path ?? known.remote?.path);
    (spelling === undefined || spelling === entry.path ? spelled : misspelled).push(entry);
  }
  for (const entry of [...spelled, ...misspelled]) {
    const { path, kind, size } = entry;
    if (kind === 'folder' && !capabilities.hasFolders) continue;
    if (size > maxFileBytes) {
      exclude(tooLarge(path, 'local', size, maxFileBytes));
      continue;
    }
    const known = factsOf(kind, path);
    if (!known.local) Object.assign(known, { local: entry, path });
    // Folders that differ in case are one folder at the remote.
    else if (kind === 'file') skipped.push(sameName(path, 'local'));
  }
  if (excluded.size > 0)
    for (const [id, { path }] of facts)
      if ([...ancestorsOf(path), path].some((each) => excluded.has(key(each)))) facts.delete(id);
  return { facts, skipped, released, occupied };
}

function tooLarge(path: string, side: 'local' | 'remote', size: number, maxFileBytes: number): SkippedEntry {
  const message = `The file has ${size} bytes. Files of more than ${maxFileBytes} bytes are not synchronized in this folder.`;
  return { path, side, reason: 'too-large', message };
}

function sameName(path: string, side: 'local' | 'remote'): SkippedEntry {
  const message = 'The remote does not distinguish the path from that of another file. Rename one of them.';
  return { path, side, reason: 'case', message };
}

/** Returns the path for people: without control characters, and at most 500 characters. */
const printable = (path: string): string =>
  path
    .replace(/\p{Cc}/gu, '\uFFFD')
    .slice(0, 500)
    .toWellFormed();
