import { inGroups, numbered } from './nest.ts';
import { scalarOf } from './scalars.ts';
import { Scanner } from './scanner.ts';
import { type Blanks, type Expression, HoconError, type LineError, type Path, type Statement } from './syntax.ts';

/** `path` is the key of a group. `list` is set in a list: the key of the outermost list, under which errors are reported. */
interface Place {
  readonly path: Path;
  readonly list?: Path;
}

const maxDepth = 100;
const unsupportedParts = 'groups and lists cannot be concatenated with other values';

/** Reads the statements of a text and collects its syntax errors. */
export class Parser {
  readonly statements: Statement[] = [];
  readonly errors: LineError[] = [];
  /** Keys without a readable value. */
  readonly broken: Path[] = [];
  readonly #scan: Scanner;
  #depth = 0;

  constructor(text: string) {
    this.#scan = new Scanner(text);
  }

  /** Returns the input for `nest`: nested groups that contain statement numbers. Throws HoconError for fatal errors. */
  document(): string {
    const scan = this.#scan;
    scan.start();
    scan.skipBlank();
    const nested =
      scan.next === '['
        ? this.#addStatement(this.#list([]), 1)
        : scan.next === '{'
          ? this.#group({ path: [] })
          : this.#content({ path: [] });
    scan.skipBlank();
    if (scan.next !== '') scan.fail('there is text after the end', { isFatal: true });
    return nested;
  }

  /** Stores a statement and returns its number as input for `nest`. */
  #addStatement(expression: Expression | undefined, line: number): string {
    const number = this.statements.length;
    this.statements.push({ number, line, expression });
    return numbered(number);
  }

  /** Moves into a group or list and returns its line. */
  #open(): number {
    const { line } = this.#scan;
    if (this.#depth >= maxDepth) {
      this.#scan.fail(`groups and lists are nested more than ${maxDepth} levels deep`, { isFatal: true });
    }
    this.#depth += 1;
    this.#scan.at += 1;
    return line;
  }

  #close(): void {
    this.#depth -= 1;
    this.#scan.at += 1;
  }

  #group(place: Place): string {
    const nested = this.#content(place, this.#open());
    this.#close();
    return nested;
  }

  /** Reads statements up to the end of the group that begins on the line `opened`, or of the file. */
  #content(place: Place, opened?: number): string {
    let nested = '';
    for (let isFirst = true; this.#hasNext('}', opened, isFirst); isFirst = false) {
      let path: Path | undefined;
      try {
        const names = this.#key();
        const isBareGroup = this.#separator();
        // `path` is set only after the separator, because errors repeat the key: text without a separator may be a part of a
        // secret value.
        path = [...place.path, ...names];
        nested += inGroups(names, this.#value({ ...place, path }, isBareGroup));
      } catch (error) {
        this.#skip(error, place.list ?? path);
      }
    }
    return nested;
  }

  #list(list: Path): Expression {
    const line = this.#open();
    const items: Expression[] = [];
    for (let isFirst = true; this.#hasNext(']', line, isFirst); isFirst = false) {
      try {
        items.push(this.#item(list));
      } catch (error) {
        this.#skip(error, list);
      }
    }
    this.#close();
    return { kind: 'list', items, line };
  }

  /** Moves to the next statement or item. Returns false at the end of the group or list. */
  #hasNext(close: '}' | ']', opened: number | undefined, isFirst: boolean): boolean {
    const scan = this.#scan;
    scan.skipBlank();
    for (let isExtra = isFirst; scan.next === ','; isExtra = true) {
      if (isExtra) this.errors.push({ line: scan.line, reason: 'a comma has no value before it' });
      scan.at += 1;
      scan.skipBlank();
    }
    if (scan.next === '') {
      if (opened === undefined) return false;
      throw new HoconError(opened, `a ${close === '}' ? '{' : '['} is not closed`, { isFatal: true });
    }
    if (opened !== undefined && scan.next === close) return false;
    if ('}]'.includes(scan.next)) scan.fail(`a ${scan.next} closes nothing`, { isFatal: true });
    return true;
  }

  /** Records an error and moves to the next statement or item; throws a fatal error again. */
  #skip(error: unknown, path: Path | undefined): void {
    if (!(error instanceof HoconError) || error.isFatal) throw error;
    this.errors.push(path ? { ...error.entry, key: path.join('.') } : error.entry);
    if (path) this.broken.push(path);
    this.#scan.recover();
  }

  #key(): string[] {
    const scan = this.#scan;
    if (scan.match(/include\s*(?="|(?:file|url|classpath|package|required)\s*\()/y)) {
      scan.fail('include is not supported; put everything in one file');
    }
    const names = scan.path('a key');
    if (names.length + this.#depth > maxDepth) scan.fail(`a key has more than ${maxDepth} parts`);
    return names;
  }

  /** Moves past the separator between a key and its value. Returns true for a group without = or :. */
  #separator(): boolean {
    const scan = this.#scan;
    if (scan.match(/\s*(?=\{)/y)) return true;
    scan.spaces();
    if (scan.match(/\+=/y)) scan.fail('+= is not supported; write the whole list');
    if (!scan.match(/[=:]/y)) scan.fail('a key must be followed by =, : or {; a key with blanks must be quoted');
    scan.match(/\s*(?=[{[])/y);
    return false;
  }

  /** Reads the value of a key and returns its statements. */
  #value(place: Place, isBareGroup: boolean): string {
    const scan = this.#scan;
    const { line } = scan;
    scan.spaces();
    if (scan.next !== '{') return this.#addStatement(this.#item(place.list ?? place.path), line);
    const nested = this.#addStatement(undefined, line) + this.#group(place);
    scan.spaces();
    // `a { } b { }` on one line is two keys, as in the original service.
    if (!scan.isAtBreak() && (!isBareGroup || '{[$'.includes(scan.next))) scan.fail(unsupportedParts);
    return nested;
  }

  /** Reads a value that is not the group of a key; errors inside it belong to the key `list`. */
  #item(list: Path): Expression {
    const scan: Scanner = this.#scan;
    const parts: (Expression | Blanks)[] = [];
    const { line } = scan;
    for (let text = scan.spaces(); !scan.isAtBreak(); text = scan.spaces()) {
      if (parts.length > 0 && text !== '') parts.push({ kind: 'blanks', text });
      parts.push(this.#part(list));
    }
    const [first] = parts;
    if (!first || first.kind === 'blanks') scan.fail('a value is missing; an empty string is ""');
    if (parts.length === 1) return first;
    if (parts.some(({ kind }) => kind === 'group' || kind === 'list')) throw new HoconError(line, unsupportedParts);
    return { kind: 'concatenation', parts, line };
  }

  #part(list: Path): Expression {
    const scan = this.#scan;
    const { line } = scan;
    if (scan.next === '{') return { kind: 'group', nested: this.#group({ path: [], list }), line };
    if (scan.next === '[') return this.#list(list);
    if (scan.next === '$') return this.#substitution();
    if (scan.next !== '"') return scalarOf(scan.word(), line);
    const value = scan.quoted();
    return { kind: 'scalar', value, text: value, line };
  }

  #substitution(): Expression {
    const scan: Scanner = this.#scan;
    const { line } = scan;
    const found = scan.match(/\$\{(\??)\s*/y);
    if (!found) scan.fail('the character $ must be quoted, except at the start of a substitution');
    try {
      const path = scan.path('the name of a substitution');
      if (!scan.match(/[^\S\n]*\}/y)) scan.fail('a substitution is not closed, or contains more than a name');
      return { kind: 'substitution', path, isOptional: found[1] === '?', line };
    } catch (error) {
      scan.match(/[^\n}]*\}?/y);
      throw error;
    }
  }
}
