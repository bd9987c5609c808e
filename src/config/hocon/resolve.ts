import { type KeyTree, nest } from './nest.ts';
import {
  type Blanks,
  type Expression,
  HoconError,
  type LineError,
  type Path,
  type Scalar,
  type Statement,
} from './syntax.ts';

/** A resolved value, with the line of its source. */
export type Value =
  | Scalar
  | { readonly kind: 'list'; readonly items: readonly Value[]; readonly line: number }
  | { readonly kind: 'group'; readonly entries: ReadonlyMap<string, Value>; readonly line: number };

/** A key with the statements that are not overridden. */
interface Key {
  /** undefined in a list. */
  readonly path: Path | undefined;
  /** Without groups, in the order of the file. */
  readonly values: readonly Expression[];
  readonly children: ReadonlyMap<string, Key>;
  /** True if the file has the group itself (`a {}`), and not only keys inside it (`a.b = 1`). */
  readonly isGroup: boolean;
  readonly line: number;
}

type Outcome = { readonly value: Value | undefined } | { readonly error: HoconError } | 'busy';

/** Limits of nested evaluations, values and characters: each line with substitutions can double the size of a file. */
const limits = { evaluations: 600, values: 50_000, text: 1_000_000 };

/**
 * Resolves the substitutions of a file. Each substitution has the final value of its key, which may be set later in the
 * file. A key of the file overrides an environment variable of the same name. A value that refers to itself is an error.
 */
export class Resolver {
  readonly errors: LineError[] = [];
  /** Keys without a value because of an error. */
  readonly broken: Path[] = [];
  readonly #statements: readonly Statement[];
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #root: Key;
  readonly #outcomes = new Map<Key, Outcome>();
  readonly #reported = new Set<HoconError>();
  #evaluations = 0;
  #values = 0;

  constructor(nested: string, statements: readonly Statement[], env: Readonly<Record<string, string | undefined>>) {
    this.#statements = statements;
    this.#env = env;
    this.#root = this.#keyOf(nest(nested), []);
  }

  /**
   * Returns the file as plain data and calls `visit` with the key and the line of every value. Errors of single keys are in
   * `errors`. Throws HoconError beyond the limits.
   */
  resolve(visit: (path: Path, line: number) => void): unknown {
    const value = this.#valueOf(this.#root) ?? { kind: 'group', entries: new Map(), line: 1 };
    return this.#plain(value, [], visit);
  }

  /** Returns a key without its replaced statements: those before number `from`, and those before its last scalar or list. */
  #keyOf(tree: KeyTree, path: Path | undefined, from = 0): Key {
    const own = tree.statements.map((number) => this.#statements[number]).filter((each) => each !== undefined);
    const start = own.findLast(({ expression }) => expression && isDefinite(expression))?.number ?? 0;
    const first = Math.max(from, start);
    const counting = own.filter(({ number }) => number >= first);
    const children = [...tree.children]
      .map(([name, child]) => [name, this.#keyOf(child, path && [...path, name], first)] as const)
      .filter(([, key]) => key.values.length > 0 || key.children.size > 0 || key.isGroup);
    return {
      path,
      values: counting.map(({ expression }) => expression).filter((each) => each !== undefined),
      children: new Map(children),
      isGroup: counting.some(({ expression }) => !expression),
      line: counting.at(-1)?.line ?? children[0]?.[1].line ?? 1,
    };
  }

  /** Returns the value of a key; `line` is the line of the substitution that refers to the key. */
  #valueOf(key: Key, line = key.line): Value | undefined {
    const known = this.#outcomes.get(key);
    if (known === 'busy') {
      throw new HoconError(key.values.at(-1)?.line ?? line, 'the value refers to itself, which is not supported');
    }
    if (known && 'error' in known) throw known.error;
    if (known) return known.value;
    this.#outcomes.set(key, 'busy');
    try {
      const value = this.#nested(key.line, () => this.#evaluateKey(key));
      this.#outcomes.set(key, { value });
      return value;
    } catch (error) {
      if (error instanceof HoconError) this.#outcomes.set(key, { error });
      throw error;
    }
  }

  /** Returns the value of the last expression that has one (an optional substitution may not), or else the group. */
  #evaluateKey({ values, children, isGroup, line }: Key): Value | undefined {
    const entries = this.#entries(children);
    let group: Value | undefined = isGroup || entries.size > 0 ? { kind: 'group', entries, line } : undefined;
    for (const expression of values.toReversed()) {
      // A group after a scalar or a list replaces it.
      if (group && isDefinite(expression)) break;
      const value = this.#evaluate(expression);
      if (!value) continue;
      if (group) throw new HoconError(expression.line, 'a substitution cannot be combined with a group');
      if (value.kind !== 'group') return value;
      group = value;
    }
    return group;
  }

  #entries(children: Key['children']): ReadonlyMap<string, Value> {
    const entries = new Map<string, Value>();
    for (const [name, key] of children) {
      try {
        const value = this.#valueOf(key);
        if (value) entries.set(name, value);
      } catch (error) {
        if (!(error instanceof HoconError) || error.isFatal || !key.path) throw error;
        if (!this.#reported.has(error)) this.errors.push({ ...error.entry, key: key.path.join('.') });
        this.#reported.add(error);
        this.broken.push(key.path);
      }
    }
    return entries;
  }

  #evaluate(expression: Expression): Value | undefined {
    const { line } = expression;
    switch (expression.kind) {
      case 'scalar':
        return expression;
      case 'substitution':
        return this.#substitute(expression.path, expression.isOptional, line);
      case 'list': {
        const items = this.#nested(line, () => expression.items.map((item) => this.#evaluate(item)));
        return { kind: 'list', items: items.filter((item) => item !== undefined), line };
      }
      case 'group':
        return {
          kind: 'group',
          entries: this.#entries(this.#keyOf(nest(expression.nested), undefined).children),
          line,
        };
      case 'concatenation': {
        const parts = expression.parts.map((part) => (part.kind === 'blanks' ? part : this.#evaluate(part)));
        if (parts.every((part) => part === undefined || part.kind === 'blanks')) return undefined;
        const text = parts.map((part) => textOf(part, line)).join('');
        if (text.length > limits.text) throw new HoconError(line, `a string is longer than ${limits.text} characters`);
        return { kind: 'scalar', value: text, text, line };
      }
    }
  }

  #substitute(path: Path, isOptional: boolean, line: number): Value | undefined {
    const value = this.#lookup(this.#root, path, line);
    if (value) return value;
    const [name = '', ...rest] = path;
    const variable = rest.length === 0 && Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
    if (variable !== undefined) return { kind: 'scalar', value: variable, text: variable, line };
    if (isOptional) return undefined;
    throw new HoconError(line, `neither a key nor an environment variable gives \${${path.join('.')}} a value`);
  }

  #lookup(key: Key, path: Path, line: number): Value | undefined {
    const [name, ...rest] = path;
    if (name === undefined) return this.#valueOf(key, line);
    const child = key.children.get(name);
    if (key.values.length === 0) return child && this.#lookup(child, rest, line);
    return path.reduce<Value | undefined>(
      (value, each) => (value?.kind === 'group' ? value.entries.get(each) : undefined),
      this.#valueOf(key, line),
    );
  }

  #nested<T>(line: number, evaluate: () => T): T {
    if (this.#evaluations >= limits.evaluations) throw new HoconError(line, 'substitutions are nested too deep');
    this.#evaluations += 1;
    try {
      return evaluate();
    } finally {
      this.#evaluations -= 1;
    }
  }

  #plain(value: Value, path: Path, visit: (path: Path, line: number) => void): unknown {
    this.#values += 1;
    if (this.#values > limits.values) {
      throw new HoconError(value.line, `substitutions create more than ${limits.values} values`, { isFatal: true });
    }
    visit(path, value.line);
    if (value.kind === 'scalar') return value.value;
    if (value.kind === 'list') return value.items.map((item, index) => this.#plain(item, [...path, `${index}`], visit));
    const entries = [...value.entries].map(
      ([name, each]) => [name, this.#plain(each, [...path, name], visit)] as const,
    );
    return Object.fromEntries(entries);
  }
}

/** Returns true if the value of an expression is known to be a scalar or a list before its substitutions are resolved. */
function isDefinite(expression: Expression): boolean {
  if (expression.kind === 'concatenation') return expression.parts.some(({ kind }) => kind === 'scalar');
  return expression.kind !== 'substitution';
}

function textOf(part: Value | Blanks | undefined, line: number): string {
  if (!part) return '';
  if (part.kind === 'scalar' || part.kind === 'blanks') return part.text;
  throw new HoconError(line, 'groups and lists cannot be concatenated with other values');
}
