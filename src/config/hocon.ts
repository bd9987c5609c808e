import { Parser } from './hocon/parser.ts';
import { Resolver } from './hocon/resolve.ts';
import { HoconError, type LineError } from './hocon/syntax.ts';
import { join } from './readers.ts';

export interface HoconFile {
  /** Plain objects, lists and scalars, without the keys that have an error. */
  readonly tree: unknown;
  /** The line of the value of every key in `tree`. */
  readonly lines: ReadonlyMap<string, number>;
  /** The first 50 errors, in the order of the file. Errors never contain values. */
  readonly errors: readonly LineError[];
  /** Keys that are not in `tree` because of an error. */
  readonly broken: readonly string[];
  /** True after a fatal error. Then `tree` is empty. */
  readonly isUnreadable: boolean;
}

const maxErrors = 50;

/**
 * Parses the HOCON that configuration files of the original service use, in its dialect: addresses need no quotes
 * (`url = https://example.org`), True is true, sizes and durations are strings. Substitutions (`${key}`, `${?VARIABLE}`),
 * strings of several parts, and triple quotes are supported. `include`, `+=`, values that refer to themselves, concatenated lists
 * and groups, and numbers that would lose digits (007) are errors with their line.
 */
export function parseHocon(text: string, env: Readonly<Record<string, string | undefined>>): HoconFile {
  const parser = new Parser(text);
  const errors: LineError[] = [];
  const lines = new Map<string, number>();
  const result = (tree: unknown, broken: readonly string[], isUnreadable: boolean): HoconFile => ({
    tree,
    lines,
    errors: [...parser.errors, ...errors].sort((one, other) => one.line - other.line).slice(0, maxErrors),
    broken,
    isUnreadable,
  });
  try {
    const resolver = new Resolver(parser.document(), parser.statements, env);
    const tree = resolver.resolve((path, line) => lines.set(path.reduce(join, ''), line));
    errors.push(...resolver.errors);
    return result(
      tree,
      [...parser.broken, ...resolver.broken].map((path) => path.join('.')),
      false,
    );
  } catch (error) {
    if (!(error instanceof HoconError)) throw error;
    errors.push(error.entry);
    return result({}, [], true);
  }
}
