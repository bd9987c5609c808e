/** The names of a key, from the outermost group to the key itself. */
export type Path = readonly string[];

/** A scalar and its source text: `${port}s` in a string repeats 1.50 and not 1.5. */
export interface Scalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly text: string;
  readonly line: number;
}

/** A value in the form of the file, before substitutions are resolved. */
export type Expression =
  | Scalar
  | { readonly kind: 'substitution'; readonly path: Path; readonly isOptional: boolean; readonly line: number }
  | { readonly kind: 'list'; readonly items: readonly Expression[]; readonly line: number }
  /** A group in a list. `nested` is the input for `nest`. */
  | { readonly kind: 'group'; readonly nested: string; readonly line: number }
  /** Strings and substitutions, with the blanks between them. */
  | { readonly kind: 'concatenation'; readonly parts: readonly (Expression | Blanks)[]; readonly line: number };

export interface Blanks {
  readonly kind: 'blanks';
  readonly text: string;
}

/** One assignment; its number is its place in the file. */
export interface Statement {
  readonly number: number;
  readonly line: number;
  /** undefined if the key is a group; the keys of the group have separate statements. */
  readonly expression: Expression | undefined;
}

/** One error of a file. Never contains a value or a part of a value. */
export interface LineError {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
  /** The key that is assigned on this line, if known. */
  readonly key?: string;
}

/** An error in one statement. If `isFatal` is true, the whole file is ignored. */
export class HoconError extends Error {
  override readonly name = 'HoconError';
  readonly entry: LineError;
  readonly isFatal: boolean;
  constructor(line: number, reason: string, { isFatal = false } = {}) {
    super(`line ${line}: ${reason}`);
    this.entry = { line, reason };
    this.isFatal = isFatal;
  }
}
