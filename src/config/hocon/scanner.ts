import { HoconError } from './syntax.ts';

const number = /[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?(?=[\s,}\]#]|$)/iy;
/** Unquoted characters of a value; a key has neither a colon nor a dot. */
const valueWord = /[^\s$"{}[\]=,+#`^?!@*&\\]+/y;
const keyWord = /[^\s$"{}[\]=,+#`^?!@*&\\:.]+/y;
const doubleQuoted = /"(?:[^"\\\n]|\\[^\n])*"/y;
/** Quotes directly before the closing three belong to the string. */
const tripleQuoted = /"""([\s\S]*?)"""(?!")/y;
const comment = /(?:#|\/\/)[^\n]*/y;

/** A position in the text, and the smallest pieces of the format. */
export class Scanner {
  readonly #text: string;
  #line = 1;
  #counted = 0;
  at = 0;

  constructor(text: string) {
    this.#text = text.replace(/^\uFEFF/, '').replace(/\r+\n/g, '\n');
  }

  /** Throws HoconError for characters that do not belong in a text file. */
  start(): void {
    const stray = /[\0\r]/.exec(this.#text);
    if (!stray) return;
    this.at = stray.index;
    const isNul = stray[0] === '\0';
    this.fail(isNul ? 'contains a NUL' : 'a line ends with a carriage return without a line feed', { isFatal: true });
  }

  /** The line number, from 1. `at` only moves forward. */
  get line(): number {
    for (; this.#counted < this.at; this.#counted += 1) if (this.#text[this.#counted] === '\n') this.#line += 1;
    return this.#line;
  }

  /** The next character; '' at the end. */
  get next(): string {
    return this.#text.charAt(this.at);
  }

  fail(reason: string, options?: { isFatal: boolean }): never {
    throw new HoconError(this.line, reason, options);
  }

  /** Moves past the match of a sticky pattern and returns it. Returns undefined if the pattern does not match here. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found) this.at = pattern.lastIndex;
    return found ?? undefined;
  }

  /** Returns the blanks up to the next piece of this line. */
  spaces(): string {
    return this.match(/[^\S\n]*/y)?.[0] ?? '';
  }

  /** Moves past blanks, line ends and comments. */
  skipBlank(): void {
    do this.match(/\s*/y);
    while (this.match(comment));
  }

  /** Moves past a comment. Returns true if a statement or list item ends here. */
  isAtBreak(): boolean {
    this.match(comment);
    return this.next === '' || '\n,}]'.includes(this.next);
  }

  /** Returns an unquoted number or word of a value. */
  word(): string {
    const word = this.match(number)?.[0] ?? this.match(valueWord)?.[0];
    if (word === undefined || !/^(?:$|[\s,}\]{["$#])/.test(this.next))
      this.fail(`the character ${this.next} must be quoted`);
    return word;
  }

  /** Returns a string in one or three quotes. */
  quoted(): string {
    if (this.#text.startsWith('"""', this.at)) {
      const found = this.match(tripleQuoted)?.[1];
      return found ?? this.fail('three quotes are not closed', { isFatal: true });
    }
    const found = this.match(doubleQuoted)?.[0];
    if (found === undefined) this.fail('a quote is not closed on its line');
    let text: unknown;
    try {
      text = JSON.parse(found.replaceAll('\t', '\\t'));
    } catch {
      // The error of JSON.parse quotes the string.
    }
    if (typeof text !== 'string' || !text.isWellFormed())
      this.fail('a quoted string has an invalid escape; write \\\\ for \\');
    return text;
  }

  /** Returns the names of `a."b.c".d`. */
  path(what: string): string[] {
    const names: string[] = [];
    do {
      const name = this.next === '"' ? this.quoted() : this.match(keyWord)?.[0];
      if (name === undefined)
        this.fail(`${what} is missing, or has an empty part; a part with other characters must be quoted`);
      if (['__proto__', 'constructor', 'prototype'].includes(name)) {
        this.fail(`${what} must not be __proto__, constructor or prototype`);
      }
      names.push(name);
    } while (this.match(/\./y));
    return names;
  }

  /** Moves to the end of the statement or item with an error, past pairs of brackets and quotes. */
  recover(): void {
    for (let depth = 0; this.next !== ''; ) {
      const character = this.next;
      if (depth === 0 && '\n,}]'.includes(character)) return;
      if (this.match(comment) || this.match(tripleQuoted) || this.match(doubleQuoted)) continue;
      this.at += 1;
      if ('{['.includes(character)) depth += 1;
      if ('}]'.includes(character)) depth -= 1;
    }
  }
}
