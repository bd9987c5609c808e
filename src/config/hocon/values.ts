import type { Path, Scalar } from './expressions.ts';
import { HoconEnd } from './problem.ts';

/** A resolved value; each knows the line where it stands in the file. */
export type Value = Scalar | List | Group;

export interface List {
  readonly kind: 'list';
  readonly items: readonly Value[];
  readonly line: number;
}

export interface Group {
  readonly kind: 'group';
  readonly entries: Map<string, Value>;
  readonly line: number;
}

export const emptyGroup = (line: number): Group => ({ kind: 'group', entries: new Map(), line });

/** Substitutions can make much of little: a file may double its size with every line. */
const maxLevels = 200;
const maxCopies = 50_000;

/** Puts values together, and counts what that costs. */
export class Merger {
  #copies = 0;

  /** What `key = next` leaves where `previous` was, which belongs to the caller and is changed; `next` is not. */
  merge(previous: Value | undefined, next: Value, level = 0): Value {
    if (next.kind !== 'group') return next;
    this.#count(next, level);
    const group = previous?.kind === 'group' ? previous : emptyGroup(next.line);
    for (const [name, value] of next.entries) {
      group.entries.set(name, this.merge(group.entries.get(name), value, level + 1));
    }
    return group;
  }

  /** As `merge`, at a path below `previous`. */
  place(previous: Value | undefined, path: Path, next: Value): Value {
    const [name, ...rest] = path;
    if (name === undefined) return this.merge(previous, next);
    const group = previous?.kind === 'group' ? previous : emptyGroup(next.line);
    group.entries.set(name, this.place(group.entries.get(name), rest, next));
    return group;
  }

  /** Plain data. Calls `visit` with the key of every value in it, and its line. */
  plain(value: Value, key: Path, visit: (key: Path, line: number) => void): unknown {
    this.#count(value, key.length);
    visit(key, value.line);
    if (value.kind === 'scalar') return value.value;
    if (value.kind === 'list')
      return value.items.map((item, index) => this.plain(item, [...key, String(index)], visit));
    const entries = [...value.entries].map(([name, each]) => [name, this.plain(each, [...key, name], visit)]);
    return Object.fromEntries(entries) as unknown;
  }

  #count({ line }: Value, level: number): void {
    this.#copies += 1;
    if (this.#copies > maxCopies) throw new HoconEnd(line, `substitutions make more than ${maxCopies} values`);
    if (level > maxLevels) throw new HoconEnd(line, `substitutions nest more than ${maxLevels} levels`);
  }
}

/** The value at a path in `value`. */
export function select(value: Value | undefined, path: Path): Value | undefined {
  return path.reduce<Value | undefined>(
    (inner, name) => (inner?.kind === 'group' ? inner.entries.get(name) : undefined),
    value,
  );
}
