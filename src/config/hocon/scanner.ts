import { HoconEnd, HoconError } from './problem.ts';

/** Characters that only quotes make part of a key or a text. */
const reserved = new Set('$"{}[]:=,+#`^?!@*&\\');
const blank = /[^\S\n]/;

/** A place in the text, and how the smallest pieces are read there. */
export class Scanner {
  readonly #text: string;
  readonly #lines: number[] = [0];
  at = 0;

  constructor(text: string) {
    this.#text = text;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) this.#lines.push(end + 1);
  }

  get isAtEnd(): boolean {
    return this.at >= this.#text.length;
  }

  /** The next character, '' at the end. */
  get next(): string {
    return this.#text.charAt(this.at);
  }

  line(at = this.at): number {
    let [low, high] = [0, this.#lines.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lines[middle] ?? 0) <= at) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  fail(reason: string): never {
    throw new HoconError(this.line(), reason);
  }

  startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.at);
  }

  /** Goes past what the pattern (sticky) finds here. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found) this.at = pattern.lastIndex;
    return found ?? undefined;
  }

  isComment(): boolean {
    return this.next === '#' || this.startsWith('//');
  }

  /** Blanks of the line. */
  spaces(): string {
    return this.match(/[^\S\n]*/y)?.[0] ?? '';
  }

  /** Blanks, line ends and comments. */
  skipBlank(): void {
    do this.match(/\s*/y);
    while (this.isComment() && this.match(/[^\n]*/y));
  }

  /** The end of a statement or of an item: whatever follows is another one's. */
  isAtBreak(): boolean {
    return this.isAtEnd || '\n,}]'.includes(this.next) || this.isComment();
  }

  /** As much of an unquoted text as stands here without a blank; a value's may hold colons. */
  word(isValue: boolean): string {
    const start = this.at;
    while (!this.isAtEnd) {
      const character = this.next;
      if (blank.test(character) || character === '\n') break;
      if (!isValue && character === '.') break;
      if (reserved.has(character) && !(isValue && character === ':')) break;
      this.at += 1;
    }
    return this.#text.slice(start, this.at);
  }

  /** A quoted text of either kind, at its quotes. */
  quoted(): string {
    return this.startsWith('"""') ? this.#tripleQuoted() : this.#singleQuoted();
  }

  #tripleQuoted(): string {
    const line = this.line();
    // Quotes before the closing three are part of the text.
    const found = this.match(/"""([\s\S]*?)"""(?!")/y);
    if (found?.[1] === undefined) throw new HoconEnd(line, 'three quotes are not closed');
    return found[1];
  }

  #singleQuoted(): string {
    const line = this.line();
    const found = this.match(/"((?:[^"\\\n]|\\[^\n])*)"/y);
    if (!found) {
      this.match(/[^\n]*/y);
      throw new HoconError(line, 'a quote is not closed on its line');
    }
    const text = (found[1] ?? '').replace(/\\(u[\da-fA-F]{4}|[\s\S])/g, (_all, escaped: string) => {
      const simple = characters[escaped];
      if (simple !== undefined) return simple;
      if (escaped.length === 1) throw new HoconError(line, 'a \\ in quotes begins no escape: write \\\\');
      return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    });
    if (!text.isWellFormed()) throw new HoconError(line, 'an escape \\u is half a character');
    return text;
  }

  /** After a mistake: to where the next statement or item begins. Pairs of brackets and quotes on the way are passed. */
  recover(): void {
    let depth = 0;
    while (!this.isAtEnd) {
      const character = this.next;
      if (depth === 0 && '\n,}]'.includes(character)) return;
      if (this.isComment()) this.match(/[^\n]*/y);
      else if (character === '"') this.match(/"""[\s\S]*?"""(?!")|"(?:[^"\\\n]|\\[^\n])*"?/y);
      else this.at += 1;
      if ('{['.includes(character)) depth += 1;
      if ('}]'.includes(character)) depth -= 1;
    }
  }
}

const characters: Readonly<Record<string, string | undefined>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
