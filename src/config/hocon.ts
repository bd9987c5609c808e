import { nest } from './hocon/nest.ts';
import { parseStatements } from './hocon/parser.ts';
import { HoconError, type HoconProblem } from './hocon/problem.ts';
import { resolve } from './hocon/resolve.ts';
import { Merger } from './hocon/values.ts';
import { join } from './readers.ts';

export interface HoconFile {
  /** Plain objects, lists and scalars; what could not be read is left out. */
  readonly tree: unknown;
  /** Of every key in `tree`: the line of its value. */
  readonly lines: ReadonlyMap<string, number>;
  /** In the order of the file. They hold no value. */
  readonly problems: readonly HoconProblem[];
  /** Keys that are not in `tree` because of a problem. */
  readonly broken: readonly string[];
  /** Nothing is in `tree`: the file was not read to its end. */
  readonly isCut: boolean;
}

/**
 * Reads HOCON as the original service did: all of the format but `include`, and its dialect, in which addresses need no
 * quotes (`url = https://example.org`) and True is true. Sizes and durations are texts. What the format leaves open, or
 * what would lose something (007, 12345678901234567890), is a problem, and never another value than the one that was meant.
 */
export function parseHocon(text: string, env: Readonly<Record<string, string | undefined>>): HoconFile {
  const syntax = parseStatements(text);
  const lines = new Map<string, number>();
  try {
    const { value, problems, broken } = resolve(nest(syntax.groups), syntax.statements, env);
    return {
      tree: new Merger().plain(value, [], (path, line) => lines.set(path.reduce(join, ''), line)),
      lines,
      problems: inOrder([...syntax.problems, ...problems]),
      broken: [...syntax.broken, ...broken].map((path) => path.join('.')),
      isCut: syntax.isCut,
    };
  } catch (error) {
    if (!(error instanceof HoconError)) throw error;
    return { tree: {}, lines, problems: inOrder([...syntax.problems, error.problem]), broken: [], isCut: true };
  }
}

const inOrder = (problems: readonly HoconProblem[]): HoconProblem[] =>
  problems.toSorted((one, other) => one.line - other.line);
