import type { Expression, Path, Statement } from './expressions.ts';
import type { KeyTree } from './nest.ts';
import { HoconEnd, HoconError, type HoconProblem } from './problem.ts';
import { emptyGroup, Merger, select, type Value } from './values.ts';

export interface Resolved {
  readonly value: Value;
  readonly problems: readonly HoconProblem[];
  /** Keys whose value could not be found out. */
  readonly broken: readonly Path[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Plays the statements in their order. A substitution has the value that its key has in the end, wherever it stands;
 * only one for the very key that it is given to, or for a group around or a key inside that one, has the value of before:
 * `path = ${path}":more"`. A key of the file goes before a variable of the environment of the same name.
 * Throws HoconEnd where substitutions make too much of little.
 */
export function resolve(root: KeyTree, statements: readonly Statement[], env: Environment): Resolved {
  return new Resolver(root, statements, env).all();
}

type Outcome = { readonly value: Value | undefined } | { readonly error: HoconError } | 'busy';

/** What a substitution is in. */
type Position = Pick<Statement, 'path' | 'before' | 'line'>;

/** Of expressions in expressions, through substitutions: well below what the stack bears. */
const maxEvaluations = 600;
const maxTextLength = 1_000_000;

class Resolver {
  readonly #root: KeyTree;
  readonly #statements: readonly Statement[];
  readonly #env: Environment;
  readonly #groups: (KeyTree | undefined)[] = [];
  readonly #outcomes: (Outcome | undefined)[] = [];
  readonly #merger = new Merger();
  #depth = 0;

  constructor(root: KeyTree, statements: readonly Statement[], env: Environment) {
    this.#root = root;
    this.#statements = statements;
    this.#env = env;
    this.#index(root);
  }

  #index(group: KeyTree): void {
    for (const number of group.statements) this.#groups[number] = group;
    for (const child of group.children.values()) this.#index(child);
  }

  all(): Resolved {
    const problems = new Map<HoconError, HoconProblem>();
    const broken: Path[] = [];
    const numbers: number[] = [];
    this.#collect(this.#root, 0, Number.POSITIVE_INFINITY, numbers);
    const value = this.#play(numbers, [], (error, path) => {
      if (!problems.has(error)) problems.set(error, { ...error.problem, key: path.join('.') });
      broken.push(path);
    });
    return { value: value ?? emptyGroup(1), problems: [...problems.values()], broken };
  }

  /** The numbers, from `from` to before `before`, of the statements about a group and what is in it that still count. */
  #collect(group: KeyTree, from: number, before: number, numbers: number[]): void {
    const start = Math.max(from, this.#lastWhole(group, before));
    for (const number of group.statements) if (number >= start && number < before) numbers.push(number);
    for (const child of group.children.values()) this.#collect(child, start, before, numbers);
  }

  /** The last statement whose value is certainly no group: nothing before it counts, and need not even make sense. */
  #lastWhole(group: KeyTree, before: number): number {
    return group.statements.findLast((number) => number < before && isWhole(this.#statement(number).expression)) ?? -1;
  }

  #statement(number: number): Statement {
    return this.#statements[number] as Statement;
  }

  /** What the statements, in their order, make of the value at `path`. Without `onError`, the first mistake ends it. */
  #play(numbers: readonly number[], path: Path, onError?: (error: HoconError, path: Path) => void): Value | undefined {
    let result: Value | undefined;
    for (const number of numbers.toSorted((one, other) => one - other)) {
      const statement = this.#statement(number);
      try {
        result = this.#apply(result, number, statement, path);
      } catch (error) {
        if (!(error instanceof HoconError) || error instanceof HoconEnd || !onError) throw error;
        onError(error, statement.path);
      }
    }
    return result;
  }

  #apply(result: Value | undefined, number: number, statement: Statement, path: Path): Value | undefined {
    const isAround = statement.path.length < path.length;
    const inner = statement.path.slice(path.length);
    if (!statement.expression) {
      return isAround ? result : this.#merger.place(result, inner, emptyGroup(statement.line));
    }
    const value = this.#valueOf(number);
    if (!value) return result;
    if (!isAround) return this.#merger.place(result, inner, value);
    if (value.kind !== 'group') return undefined;
    const part = select(value, path.slice(statement.path.length));
    return part ? this.#merger.merge(result, part) : result;
  }

  #valueOf(number: number): Value | undefined {
    const statement = this.#statement(number);
    const known = this.#outcomes[number];
    if (known === 'busy') throw new HoconError(statement.line, 'the value depends on itself');
    if (known && 'error' in known) throw known.error;
    if (known) return known.value;
    this.#outcomes[number] = 'busy';
    try {
      this.#warmUp(number);
      const value = this.#given(statement);
      this.#outcomes[number] = { value };
      return value;
    } catch (error) {
      if (error instanceof HoconError) this.#outcomes[number] = { error };
      throw error;
    }
  }

  /** The value that the statement itself gives. */
  #given(statement: Statement): Value | undefined {
    const value = this.#evaluate(statement.expression, statement);
    if (statement.mustBeGroup && value && value.kind !== 'group') {
      throw new HoconError(statement.line, 'a group is joined to something that is none');
    }
    return value;
  }

  /** A thousand times `key += ...` is a chain from the last to the first; begun at the first it needs no deep stack. */
  #warmUp(number: number): void {
    if (!refersTo(this.#statement(number).expression, this.#statement(number).path)) return;
    for (const earlier of this.#groups[number]?.statements ?? []) {
      if (earlier >= number) return;
      const { expression, path } = this.#statement(earlier);
      if (isWhole(expression) && refersTo(expression, path) && this.#outcomes[earlier] === undefined) {
        this.#valueOf(earlier);
      }
    }
  }

  /** The value of the key at `path` that the statements before the number `before` make. */
  #lookUp(path: Path, before: number): Value | undefined {
    const numbers: number[] = [];
    let group: KeyTree | undefined = this.#root;
    let start = 0;
    for (const name of path) {
      start = Math.max(start, this.#lastWhole(group, before) + 1);
      numbers.push(...group.statements.filter((number) => number < before));
      group = group.children.get(name);
      if (!group) break;
    }
    if (group) this.#collect(group, start, before, numbers);
    const counting = numbers.filter((number) => number >= start);
    return this.#play(counting, path);
  }

  #evaluate(expression: Expression | undefined, at: Position): Value | undefined {
    if (this.#depth >= maxEvaluations) throw new HoconError(at.line, 'substitutions refer to each other too often');
    this.#depth += 1;
    try {
      return this.#evaluateHere(expression, at);
    } finally {
      this.#depth -= 1;
    }
  }

  #evaluateHere(expression: Expression | undefined, at: Position): Value | undefined {
    switch (expression?.kind) {
      case 'scalar':
        return expression;
      case 'substitution':
        return this.#substitute(expression, at);
      case 'list': {
        const items = expression.items.map((item) => this.#evaluate(item, at));
        return { kind: 'list', items: items.filter((item) => item !== undefined), line: expression.line };
      }
      case 'group': {
        let group: Value = emptyGroup(expression.line);
        for (const statement of expression.statements) {
          const value = statement.expression ? this.#given(statement) : emptyGroup(statement.line);
          if (value) group = this.#merger.place(group, statement.path.slice(expression.base.length), value);
        }
        return group;
      }
      case 'join':
        return this.#join(expression, at);
      default:
        return undefined;
    }
  }

  #substitute(
    { path, isOptional, line }: Extract<Expression, { kind: 'substitution' }>,
    at: Position,
  ): Value | undefined {
    const isOwn = path.slice(0, at.path.length).every((name, index) => name === at.path[index]);
    const value = this.#lookUp(path, isOwn ? at.before : Number.POSITIVE_INFINITY);
    if (value) return value;
    const [name = '', ...rest] = path;
    const variable = rest.length === 0 && Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
    if (variable !== undefined) return { kind: 'scalar', value: variable, text: variable, line };
    if (isOptional) return undefined;
    throw new HoconError(line, `nothing gives \${${path.join('.')}} a value${isOwn ? ' before this line' : ''}`);
  }

  #join({ parts, line }: Extract<Expression, { kind: 'join' }>, at: Position): Value | undefined {
    const all = parts.map((part) => (part.kind === 'space' ? part : this.#evaluate(part, at)));
    const values = all.filter((part) => part !== undefined && part.kind !== 'space');
    if (values.length === 0) return undefined;
    if (values.every((value) => value.kind === 'list')) {
      return { kind: 'list', items: values.flatMap((value) => value.items), line };
    }
    if (values.every((value) => value.kind === 'group')) {
      return values.reduce<Value>((group, value) => this.#merger.merge(group, value), emptyGroup(line));
    }
    if (!values.every((value) => value.kind === 'scalar')) {
      throw new HoconError(line, 'texts, lists and groups are joined to each other');
    }
    const text = all.map((part) => (part?.kind === 'space' || part?.kind === 'scalar' ? part.text : '')).join('');
    if (text.length > maxTextLength) throw new HoconError(line, `a text is longer than ${maxTextLength} characters`);
    return { kind: 'scalar', value: text, text, line };
  }
}

/** Certainly a text or a list, whatever its substitutions are. */
function isWhole(expression: Expression | undefined): boolean {
  if (expression?.kind !== 'join') return expression?.kind === 'scalar' || expression?.kind === 'list';
  return expression.parts.some(isWhole);
}

/** Whether a substitution for the key itself is in its value. */
function refersTo(expression: Expression | undefined, path: Path): boolean {
  if (expression?.kind === 'join') return expression.parts.some((part) => refersTo(part, path));
  return expression?.kind === 'substitution' && expression.path.join('.') === path.join('.');
}
