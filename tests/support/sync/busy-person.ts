import {
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '../../../src/lib/error-code.ts';
import type { Change } from './person.ts';
import { allContents, type TwoSides } from './two-sides.ts';

interface Sides extends Pick<TwoSides, 'top' | 'local' | 'remote'> {
  /** Whether all versions have the same size. */
  readonly areSizesEqual: boolean;
}

/**
 * A person who works while the agent does, and knows exactly what his programs write over: a program reads and writes through one open
 * file, removes a file by a rename to its own folder, and puts one in place by a link, which replaces nothing.
 */
export class BusyPerson {
  readonly written: string[] = [];
  readonly #over = new Set<string>();
  readonly #sides: Sides;
  readonly #own: string;
  #count = 0;

  constructor(sides: Sides) {
    this.#sides = sides;
    this.#own = join(sides.top, 'own');
    mkdirSync(this.#own);
  }

  /** Does what is possible at this moment. */
  do({ kind, side, path, to }: Change): void {
    try {
      const file = join(this.#sides[side], path);
      if (kind === 'delete') renameSync(file, this.#ownName());
      else if (kind === 'rename') this.#rename(file, join(this.#sides[side], to));
      else this.#write(file);
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EEXIST', 'EINVAL')) throw error;
    }
  }

  /** Versions that no program has written over or removed. */
  expected(): string[] {
    const removed = new Set(allContents(this.#own));
    return this.written.filter((each) => !this.#over.has(each) && !removed.has(each));
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }

  #ownName = (): string => join(this.#own, String(this.#next()));

  #rename(from: string, to: string): void {
    const own = this.#ownName();
    renameSync(from, own);
    mkdirSync(dirname(to), { recursive: true });
    if (lstatSync(own).isDirectory()) renameSync(own, to);
    else {
      linkSync(own, to);
      unlinkSync(own);
    }
  }

  /** Returns a new version, which the caller writes. */
  version(): string {
    const number = this.#next();
    // Most versions differ in size: remotes without hashes and versions have only size and second.
    const content = `v${String(number).padStart(5, '0')}${'.'.repeat(this.#sides.areSizesEqual ? 0 : number % 97)}`;
    this.written.push(content);
    return content;
  }

  /** A version that a program has written over or removed. */
  discard(content: string): void {
    this.#over.add(content);
  }

  #write(file: string): void {
    mkdirSync(dirname(file), { recursive: true });
    if (this.#next() % 2 === 0) {
      const own = this.#ownName();
      const content = this.version();
      writeFileSync(own, content);
      // What cannot be put in place is removed by its writer.
      linkSync(own, file);
      unlinkSync(own);
      return;
    }
    const descriptor = openSync(file, 'r+');
    try {
      const content = this.version();
      this.discard(readFileSync(descriptor, 'utf8'));
      ftruncateSync(descriptor, content.length);
      writeSync(descriptor, content, 0);
    } finally {
      closeSync(descriptor);
    }
  }
}
