import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { hasCode } from '../../../src/lib/error-code.ts';
import { reservedFolder } from '../../../src/session-tools/agent/sync/paths.ts';
import { allContents, contentOf, type TwoSides } from './two-sides.ts';

/** Persons and their programs, who change files of both sides at any time, and a list of the versions that must not be lost. */

export interface Change {
  /**
   * `write`: in place. `write-same-time`: in place, and the time of the file stays. `save`: a rename of a new file over the path.
   * `hold`: a program opens the file. `write-held`: it writes to that file, wherever the file is now.
   */
  readonly kind: 'write' | 'write-same-time' | 'save' | 'delete' | 'rename' | 'hold' | 'write-held';
  readonly side: 'local' | 'remote';
  readonly path: string;
  /** Of a rename. */
  readonly to: string;
}

const paths = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e/c', 'f/g'];
const weights: readonly (readonly [Change['kind'], number])[] = [
  ...([
    ['write', 4],
    ['write-same-time', 1],
    ['save', 3],
    ['delete', 2],
    ['rename', 2],
    ['hold', 1],
    ['write-held', 2],
  ] as const),
];

/** A change, most of a few paths, so that changes meet. */
export const changes: fc.Arbitrary<Change> = fc.record({
  kind: fc.oneof(...weights.map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind) }))),
  side: fc.constantFrom('local', 'remote'),
  path: fc.constantFrom(...paths),
  to: fc.constantFrom(...paths),
});

/**
 * Each version has its own content. What exists anywhere right after a change is what the persons have left, and must exist in a side or
 * a backup ever after: only the persons remove copies.
 */
export class Persons {
  readonly #sides: TwoSides;
  #left = new Set<string>();
  #count = 0;
  #held: number[] = [];
  /** Files that persons have removed while a program has them open. */
  readonly #removed = new Set<number>();

  constructor(sides: TwoSides) {
    this.#sides = sides;
  }

  /** Versions that were written. */
  get count(): number {
    return this.#count;
  }

  /** Does what is possible at this moment. Throws if a version was lost before. */
  do(change: Change): void {
    this.check();
    try {
      this.#do(change);
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EEXIST', 'EINVAL')) throw error;
    }
    this.#left = this.#existing();
  }

  /** Throws if a version is in neither side and in no backup. */
  check(): void {
    const existing = this.#existing();
    const lost = [...this.#left].filter((each) => !existing.has(each));
    if (lost.length > 0) throw new Error(`The versions ${lost.join(', ')} are lost.`);
  }

  close(): void {
    for (const each of this.#held) closeSync(each);
    this.#held = [];
  }

  #existing(): Set<string> {
    const { local, remote, volume } = this.#sides;
    const backups = [join(volume, 'sync/docs/backup'), join(remote, reservedFolder, 'backup')];
    const files = [
      ...[local, remote].flatMap((each) => Object.values(contentOf(each))),
      ...backups.filter((each) => existsSync(each)).flatMap(allContents),
    ];
    return new Set(files.filter((content) => content !== ''));
  }

  #do({ kind, side, path, to }: Change): void {
    const top = this.#sides[side];
    const file = join(top, path);
    if (kind === 'delete') this.#remove(file);
    else if (kind === 'hold') this.#held.push(openSync(file, 'r+'));
    else if (kind === 'write-held') this.#writeHeld();
    else if (kind === 'rename') {
      const target = join(top, to);
      if (`${target}/`.startsWith(`${file}/`) || `${file}/`.startsWith(`${target}/`) || !existsSync(file)) return;
      this.#remove(target);
      mkdirSync(dirname(target), { recursive: true });
      renameSync(file, target);
    } else this.#write(kind, file);
  }

  #write(kind: Change['kind'], file: string): void {
    mkdirSync(dirname(file), { recursive: true });
    if (kind === 'save') {
      const own = join(this.#sides.top, 'own');
      writeFileSync(own, this.#next());
      this.#discard(file);
      renameSync(own, file);
      return;
    }
    const before = lstatSync(file, { throwIfNoEntry: false });
    const descriptor = openSync(file, before ? 'r+' : 'wx');
    this.#writeTo(descriptor);
    closeSync(descriptor);
    if (before && kind === 'write-same-time') utimesSync(file, before.atime, before.mtime);
  }

  #writeHeld(): void {
    const descriptor = this.#held.at(-1);
    if (descriptor === undefined) return;
    const { nlink, ino } = fstatSync(descriptor);
    if (nlink === 0 && !this.#removed.has(ino))
      throw new Error('The agent has removed a file that a program has open.');
    this.#writeTo(descriptor);
  }

  #writeTo(descriptor: number): void {
    const content = this.#next();
    ftruncateSync(descriptor, content.length);
    writeSync(descriptor, content, 0);
  }

  #remove(path: string): void {
    this.#discard(path);
    rmSync(path, { recursive: true, force: true });
  }

  #discard(path: string): void {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isFile()) this.#removed.add(found.ino);
    else if (found?.isDirectory())
      for (const name of Object.keys(contentOf(path))) this.#removed.add(lstatSync(join(path, name)).ino);
  }

  #next(): string {
    this.#count += 1;
    return `v${String(this.#count).padStart(5, '0')}`;
  }
}
