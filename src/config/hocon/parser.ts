import { type Expression, type Path, type Statement, scalarOf } from './expressions.ts';
import { closeGroups, openGroups, statementIn } from './nest.ts';
import { readPath } from './paths.ts';
import { HoconEnd, HoconError, type HoconProblem, maxDepth } from './problem.ts';
import { Scanner } from './scanner.ts';

export interface Syntax {
  /** In the order of the file. Where the file is a list, the only one, under no key. */
  readonly statements: readonly Statement[];
  /** The same statements in their groups, for `nest`. */
  readonly groups: string;
  readonly problems: readonly HoconProblem[];
  /** Keys whose value could not be read. */
  readonly broken: readonly Path[];
  /** The file was not read to its end. */
  readonly isCut: boolean;
}

/** Where statements go. */
interface Sink {
  readonly statements: Statement[];
  /** undefined in a list, whose groups are not nested. */
  readonly groups: string[] | undefined;
}

/** Where a value stands. */
interface Place {
  /** The key it is given to; of a list's items, the list's key. */
  readonly path: Path;
  /** How much of the path its group has. */
  readonly outer: number;
  /** As in Statement. */
  readonly before: number;
  /** Groups and lists around it. */
  readonly depth: number;
  /** The key of the outermost list around it. */
  readonly list: Path | undefined;
}

const maxProblems = 50;

/** The file's statements, and everything that is wrong with their form. */
export function parseStatements(text: string): Syntax {
  return new Parser(text).document();
}

class Parser {
  readonly #scan: Scanner;
  readonly #problems: HoconProblem[] = [];
  readonly #broken: Path[] = [];

  constructor(text: string) {
    this.#scan = new Scanner(text);
  }

  document(): Syntax {
    const sink = { statements: [] as Statement[], groups: [] as string[] };
    let isCut = false;
    try {
      this.#document(sink);
    } catch (error) {
      if (!(error instanceof HoconError)) throw error;
      this.#problems.push(error.problem);
      isCut = true;
    }
    const { statements, groups } = sink;
    return {
      statements: isCut ? [] : statements,
      groups: isCut ? '' : groups.join(''),
      problems: this.#problems,
      broken: this.#broken,
      isCut,
    };
  }

  #document(sink: Sink): void {
    const scan = this.#scan;
    const stray = scan.match(/\uFEFF?[^\0\r]*(?:\r+\n[^\0\r]*)*/y) && !scan.isAtEnd;
    if (stray) scan.fail(scan.next === '\0' ? 'holds a NUL' : 'a line ends in a carriage return without a line feed');
    scan.at = 0;
    scan.skipBlank();
    const place = { path: [], outer: 0, before: 0, depth: 0, list: undefined };
    if (scan.next === '[') {
      const expression = this.#list(place);
      sink.statements.push({ path: [], expression, before: 0, mustBeGroup: false, line: expression.line });
      sink.groups?.push(statementIn(0));
    } else if (scan.next === '{') this.#group(place, sink);
    else this.#statements(place, sink, undefined);
    scan.skipBlank();
    if (!scan.isAtEnd) throw new HoconEnd(scan.line(), 'something stands after the end');
  }

  #group(place: Place, sink: Sink): void {
    const line = this.#scan.line();
    if (place.depth >= maxDepth) throw new HoconEnd(line, `groups and lists are more than ${maxDepth} levels deep`);
    this.#scan.at += 1;
    this.#statements({ ...place, depth: place.depth + 1 }, sink, line);
  }

  /** Statements up to the end of their group, which began at line `opened`, or of the file. */
  #statements(place: Place, sink: Sink, opened: number | undefined): void {
    const scan = this.#scan;
    for (let isFirst = true; this.#hasNext('}', opened, isFirst); isFirst = false) {
      const [statements, groups] = [sink.statements.length, sink.groups?.length];
      let path: Path | undefined;
      try {
        const key = this.#key(place);
        const sign = this.#sign();
        // Only now: what no sign follows may be part of a value.
        path = key;
        const before = sink.groups ? statements : place.before;
        this.#assignment({ ...place, path, outer: place.path.length, before }, sink, sign);
      } catch (error) {
        this.#skip(error, place.list ?? path);
        sink.statements.length = statements;
        if (sink.groups && groups !== undefined) sink.groups.length = groups;
      }
    }
    if (opened !== undefined) scan.at += 1;
  }

  /** Goes to the next statement or item, past at most one comma; false at the end that `close` is. */
  #hasNext(close: '}' | ']', opened: number | undefined, isFirst: boolean): boolean {
    const scan = this.#scan;
    scan.skipBlank();
    if (scan.next === ',') {
      if (isFirst) this.#problems.push({ line: scan.line(), reason: 'a comma stands before anything else' });
      scan.at += 1;
      scan.skipBlank();
    }
    while (scan.next === ',') {
      this.#problems.push({ line: scan.line(), reason: 'two commas follow each other' });
      scan.at += 1;
      scan.skipBlank();
    }
    if (scan.isAtEnd) {
      if (opened === undefined) return false;
      throw new HoconEnd(opened, `a ${close === '}' ? '{' : '['} is not closed`);
    }
    if (opened !== undefined && scan.next === close) return false;
    if ('}]'.includes(scan.next)) throw new HoconEnd(scan.line(), `a ${scan.next} closes nothing`);
    return true;
  }

  /** Remembers the mistake and goes on behind it; only the end of reading is not for here. */
  #skip(error: unknown, path: Path | undefined): void {
    if (!(error instanceof HoconError) || error instanceof HoconEnd) throw error;
    this.#problems.push(path ? { ...error.problem, key: path.join('.') } : error.problem);
    if (this.#problems.length >= maxProblems)
      throw new HoconEnd(error.problem.line, 'and more mistakes after this one');
    if (path) this.#broken.push(path);
    this.#scan.recover();
  }

  #key({ path, depth }: Place): Path {
    const scan = this.#scan;
    if (scan.match(/include\s*(?="|(?:file|url|classpath|package|required)\s*\()/y)) {
      scan.fail('include does not work here: put everything in one file');
    }
    const names = readPath(scan, 'a key');
    if (path.length + names.length + depth > maxDepth) scan.fail(`a key has more than ${maxDepth} parts`);
    return [...path, ...names];
  }

  /** What follows a key, and the blanks behind it. */
  #sign(): '{' | '=' | '+=' {
    const scan = this.#scan;
    scan.match(/\s*(?=\{)/y);
    if (scan.next === '{') return '{';
    const isAppended = scan.match(/\+=/y) !== undefined;
    if (!isAppended && !scan.match(/[=:]/y)) scan.fail('a key is not followed by = or : or {');
    scan.match(/\s*(?=[{[])/y);
    return isAppended ? '+=' : '=';
  }

  #assignment(place: Place, sink: Sink, sign: '{' | '=' | '+='): void {
    const line = this.#scan.line();
    if (sign === '+=' && !sink.groups) this.#scan.fail('+= does not work inside of a list');

    sink.groups?.push(openGroups(place.path.slice(place.outer)));
    if (sign === '+=') {
      const self: Expression = { kind: 'substitution', path: place.path, isOptional: true, line };
      const item: Expression = { kind: 'list', items: [this.#expression(place)], line };
      this.#give(place, sink, { line, expression: { kind: 'join', parts: [self, item], line } });
    } else this.#value(place, sink, line, sign === '{');
    sink.groups?.push(closeGroups(place.path.length - place.outer));
  }

  #give(place: Place, sink: Sink, given: Pick<Statement, 'line' | 'expression'>, mustBeGroup = false): void {
    sink.groups?.push(statementIn(sink.statements.length));
    sink.statements.push({ path: place.path, before: place.before, mustBeGroup, ...given });
  }

  /**
   * The value of a key. Groups are no values but statements of their own, and so is what is joined to them:
   * `a = ${b} { c = 1 }` is `a = ${b}`, which must be a group, and `a.c = 1`.
   */
  #value(place: Place, sink: Sink, line: number, isBare: boolean): void {
    const scan = this.#scan;
    const parts: Expression[] = [];
    let isGroup = false;
    const giveParts = (): void => {
      for (const part of parts.splice(0)) {
        if (part.kind === 'space') continue;
        if (part.kind !== 'substitution') throw new HoconError(line, 'a group is joined to something that is none');
        this.#give(place, sink, { line, expression: part }, true);
      }
    };
    for (let space = scan.spaces(); !scan.isAtBreak(); space = scan.spaces()) {
      // The original reads two keys in `a { } b { }`.
      if (isBare && isGroup && !'{[$'.includes(scan.next)) break;
      if (scan.next === '{') {
        isGroup = true;
        giveParts();
        this.#give(place, sink, { line, expression: undefined });
        this.#group(place, sink);
      } else {
        if (parts.length > 0 && space !== '') parts.push({ kind: 'space', text: space });
        parts.push(this.#piece(place));
        if (isGroup) giveParts();
      }
    }
    if (!isGroup) this.#give(place, sink, { line, expression: this.#joined(parts, line) });
  }

  /** A value that is no key's own: an item of a list. Its groups are part of it. */
  #expression(place: Place): Expression {
    const scan = this.#scan;
    const line = scan.line();
    const parts: Expression[] = [];
    for (let space = scan.spaces(); !scan.isAtBreak(); space = scan.spaces()) {
      if (parts.length > 0 && space !== '') parts.push({ kind: 'space', text: space });
      if (scan.next === '{') {
        const statements: Statement[] = [];
        this.#group(place, { statements, groups: undefined });
        parts.push({ kind: 'group', base: place.path, statements, line });
      } else parts.push(this.#piece(place));
    }
    return this.#joined(parts, line);
  }

  #joined(parts: readonly Expression[], line: number): Expression {
    const [only] = parts;
    if (only === undefined) throw new HoconError(line, 'a value is missing; an empty text is ""');
    return parts.length === 1 ? only : { kind: 'join', parts, line };
  }

  /** Anything but a group. */
  #piece(place: Place): Expression {
    const scan = this.#scan;
    const line = scan.line();
    if (scan.next === '[') return this.#list(place);
    if (scan.next === '$') return this.#substitution();
    if (scan.next === '"') {
      const value = scan.quoted();
      return { kind: 'scalar', value, text: value, line };
    }
    const number = scan.match(/[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?(?=[\s,}\]#]|$)/iy)?.[0];
    const word = number ?? scan.word(true);
    if (word === '') scan.fail(`the character ${scan.next} has to be in quotes`);
    if (!'\n,}]{["$#'.includes(scan.next) && !/\s/.test(scan.next)) {
      scan.fail(`the character ${scan.next} has to be in quotes`);
    }
    return scalarOf(word, line);
  }

  #list(place: Place): Expression & { kind: 'list' } {
    const scan = this.#scan;
    const line = scan.line();
    if (place.depth >= maxDepth) throw new HoconEnd(line, `groups and lists are more than ${maxDepth} levels deep`);
    scan.at += 1;
    const items: Expression[] = [];
    for (let isFirst = true; this.#hasNext(']', line, isFirst); isFirst = false) {
      try {
        items.push(this.#expression({ ...place, depth: place.depth + 1, list: place.list ?? place.path }));
      } catch (error) {
        this.#skip(error, place.list ?? place.path);
      }
    }
    scan.at += 1;
    return { kind: 'list', items, line };
  }

  #substitution(): Expression {
    const scan = this.#scan;
    const line = scan.line();
    const found = scan.match(/\$\{(\??)/y);
    if (!found) return scan.fail('the character $ has to be in quotes, unless it begins a substitution');
    try {
      scan.spaces();
      const path = readPath(scan, 'the name of a substitution');
      if (!scan.match(/\}/y)) scan.fail('a substitution is not closed, or holds more than a name');
      return { kind: 'substitution', path, isOptional: found[1] === '?', line };
    } catch (error) {
      scan.match(/[^\n}]*\}?/y);
      throw error;
    }
  }
}
