/** What the index file says about its entries, without a process of git. */
export interface IndexEntries {
  /** Whether the index has submodules. */
  readonly hasSubmodules: boolean;
  /** Whether git is told not to look at some files: `assume-unchanged` and `skip-worktree`. */
  readonly hasHidden: boolean;
}

const headerBytes = 12;
/** Bytes of the times, numbers and sizes before the id of the object. */
const statBytes = 40;
const modeOffset = 24;
const submoduleMode = 0o160000;
const assumeValid = 0x8000;
const extended = 0x4000;
const skipWorktree = 0x4000;
const maxVersion = 4;

/**
 * Returns what an index file says (gitformat-index). A file that cannot be read may have both: git then has the list of all files.
 * @param idBytes 20, or 32 in repositories with SHA-256
 */
export function readIndexFile(file: Buffer, idBytes: number): IndexEntries {
  const unknown = { hasSubmodules: true, hasHidden: true };
  if (file.length < headerBytes || file.toString('latin1', 0, 4) !== 'DIRC') return unknown;
  const version = file.readUInt32BE(4);
  const count = file.readUInt32BE(8);
  if (version < 2 || version > maxVersion) return unknown;
  let hasSubmodules = false;
  let hasHidden = false;
  let position = headerBytes;
  for (let entry = 0; entry < count; entry++) {
    const flagsAt = position + statBytes + idBytes;
    if (flagsAt + 4 > file.length) return unknown;
    const flags = file.readUInt16BE(flagsAt);
    const isExtended = (flags & extended) !== 0;
    if (file.readUInt32BE(position + modeOffset) === submoduleMode) hasSubmodules = true;
    if ((flags & assumeValid) !== 0) hasHidden = true;
    if (isExtended && (file.readUInt16BE(flagsAt + 2) & skipWorktree) !== 0) hasHidden = true;
    const end = file.indexOf(0, nameStart(file, flagsAt + (isExtended ? 4 : 2), version));
    if (end < 0) return unknown;
    // Before version 4, NUL bytes fill the entry up to a multiple of 8 bytes.
    position = version === maxVersion ? end + 1 : position + ((end - position + 8) & ~7);
  }
  return { hasSubmodules, hasHidden };
}

/** In version 4, a number of 7-bit groups comes before the name: how much of the previous name is different. */
function nameStart(file: Buffer, start: number, version: number): number {
  if (version !== maxVersion) return start;
  let position = start;
  while (((file[position] ?? 0) & 0x80) !== 0) position++;
  return position + 1;
}
