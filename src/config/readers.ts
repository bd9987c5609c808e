import { parse as parseYaml } from 'yaml';
import { parseAddressRange } from '../lib/address-ranges.ts';
import { isObject } from '../lib/json.ts';

/** One error of the configuration. Never contains the value, which may be a secret. */
export interface KeyError {
  /** Empty if the error is not in the value of a key, but in the syntax of a line. */
  key: string;
  reason: string;
  /** A file and line, or the name of a variable. */
  at?: string | undefined;
}

/** The keys and values of a file or of the environment; lists are arrays. */
export type ConfigTree = Readonly<Record<string, unknown>>;

/** The errors and unknown keys found so far; they are reported together. */
export interface Findings {
  errors: KeyError[];
  /** Keys that are not in the table. */
  unknown: string[];
}

/** The accepted values of a key, for the chart's JSON schema (scripts/generate-chart.ts). */
export interface ValueSchema {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: ValueSchema;
  readonly additionalProperties?: ValueSchema | boolean;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  /** A regular expression; `expected` completes "must be ...". */
  readonly pattern?: string;
  readonly expected?: string;
}

/** Converts a value (a string from the environment, any type from a file) for the service. */
export interface Reader<T> {
  /** Returns undefined after adding an error to `findings`. */
  read(value: unknown, key: string, findings: Findings): T | undefined;
  /** The keys of a group. */
  readonly shape?: Shape;
  /** Set if logs must not contain the value. */
  readonly isSecret?: true;
  readonly schema: ValueSchema;
}

export type Shape = Record<string, Reader<unknown>>;
export type Read<R> = R extends Reader<infer T> ? T : never;

/** Returns the full name of a key in a group, or of an item in a list. */
export const join = (key: string, name: string | number): string => (key === '' ? String(name) : `${key}.${name}`);

function reject(key: string, reason: string, findings: Findings): undefined {
  findings.errors.push({ key, reason });
  return undefined;
}

/**
 * Returns a string without the blanks and the pair of quotes around it, which variables from `docker run --env-file` and
 * from Secrets keep. In a secret, blanks and quotes are part of the value.
 */
function trimmed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  const [, inner] = /^(?:"([^"]*)"|'([^']*)')$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  return (inner ?? text).trim();
}

/**
 * Returns a reader of one value. `convert` returns an Error for an invalid value. Without a `fallback` the key is required.
 * null and an empty string count as no value, because charts and `${?VARIABLE}` produce them for keys that are not set.
 */
function scalar<T>(
  schema: ValueSchema,
  convert: (value: unknown) => T | Error,
  fallback?: { value: T },
  { isVerbatim = false } = {},
): Reader<T> {
  return {
    schema,
    read(given, key, findings) {
      const value = isVerbatim ? given : trimmed(given);
      if (value === undefined || value === null || value === '')
        return fallback ? fallback.value : reject(key, 'is required', findings);
      const result = convert(value);
      return result instanceof Error ? reject(key, result.message, findings) : result;
    },
  };
}

export interface StringRules {
  /** The string must match; `expected` completes "must be ...". */
  pattern?: RegExp;
  expected?: string;
  /** Applied after the check. */
  normalize?: (text: string) => string;
  minBytes?: number;
  /** The blanks and quotes around the string are part of the value. */
  isVerbatim?: boolean;
}

function asString(value: unknown, rules: StringRules): string | Error {
  if (typeof value === 'number' || typeof value === 'boolean') return new Error('must be a string; quote it');
  if (typeof value !== 'string') return new Error('must be a string');
  if (rules.pattern && !rules.pattern.test(value))
    return new Error(`must be ${rules.expected ?? 'in the documented form'}`);
  if (rules.minBytes !== undefined && Buffer.byteLength(value) < rules.minBytes) {
    return new Error(`must be at least ${rules.minBytes} bytes`);
  }
  return rules.normalize ? rules.normalize(value) : value;
}

function stringSchema({ pattern, expected }: StringRules): ValueSchema {
  return { type: 'string', ...(pattern ? { pattern: pattern.source } : {}), ...(expected ? { expected } : {}) };
}

export function string(fallback?: string, rules: StringRules = {}): Reader<string> {
  return scalar(
    stringSchema(rules),
    (value) => asString(value, rules),
    fallback === undefined ? undefined : { value: fallback },
    rules,
  );
}

/** Returns a reader of a string that is not required. */
export function optionalString(rules: StringRules = {}): Reader<string | null> {
  return scalar<string | null>(stringSchema(rules), (value) => asString(value, rules), { value: null }, rules);
}

/** Reads a string that may be empty, such as the value of a label or an annotation. */
export const verbatimString: Reader<string> = {
  schema: { type: 'string' },
  read(value, key, findings) {
    const result = asString(value, {});
    return result instanceof Error ? reject(key, result.message, findings) : result;
  },
};

/** Returns `inner`, marked as a reader of a value that logs must not contain. */
export function secret<T>(inner: Reader<T>): Reader<T> {
  return { ...inner, isSecret: true };
}

function asUrl(value: unknown): string | Error {
  const text = typeof value === 'string' ? value : '';
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return new Error('must be an http or https address');
  if (url.username || url.password) return new Error('must not contain credentials');
  if (url.search || url.hash) return new Error('must not have a query or a fragment');
  return text.replace(/\/+$/, '');
}

const urlSchema: ValueSchema = { type: 'string', pattern: '^https?://.', expected: 'an http or https address' };

/** Returns a reader of an http or https address. The value is the address without slashes at the end. */
export function httpUrl(fallback: string): Reader<string> {
  return scalar(urlSchema, asUrl, { value: fallback });
}

export function optionalHttpUrl(): Reader<string | null> {
  return scalar<string | null>(urlSchema, asUrl, { value: null });
}

function asNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(value.trim()) ? Number(value) : Number.NaN;
}

/** Returns a reader of a whole number. A string may use scientific notation, because Helm prints 1000000 as 1e+06. */
export function integer(fallback: number | undefined, min: number, max = Number.MAX_SAFE_INTEGER): Reader<number> {
  return scalar(
    { type: 'integer', minimum: min, ...(max === Number.MAX_SAFE_INTEGER ? {} : { maximum: max }) },
    (value) => {
      const number = asNumber(value);
      const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
      return Number.isSafeInteger(number) && number >= min && number <= max
        ? number
        : new Error(`must be a whole number ${range}`);
    },
    fallback === undefined ? undefined : { value: fallback },
  );
}

/** Returns a reader of a number of at least 0. */
export function amount(fallback?: number): Reader<number> {
  return scalar(
    { type: 'number', minimum: 0 },
    (value) => {
      const number = asNumber(value);
      return Number.isFinite(number) && number >= 0 ? number : new Error('must be a number of at least 0');
    },
    fallback === undefined ? undefined : { value: fallback },
  );
}

export function boolean(fallback: boolean): Reader<boolean> {
  return scalar(
    { type: 'boolean' },
    (value) => {
      const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
      if (word === true || word === 'true') return true;
      if (word === false || word === 'false') return false;
      return new Error('must be true or false');
    },
    { value: fallback },
  );
}

/** Returns a reader of one of `words`, required without a `fallback`. `aliases` are other spellings that deployments use. */
export function choice<const Word extends string>(
  words: readonly Word[],
  fallback: NoInfer<Word> | undefined,
  aliases: Record<string, NoInfer<Word>> = {},
): Reader<Word> {
  // In YAML 1.1, which Helm reads, on and off without quotes are true and false.
  const booleans = [true, false].filter((value) => Object.hasOwn(aliases, String(value)));
  return scalar(
    { enum: [...words, ...booleans] },
    (value) => {
      const word = String(value).trim().toLowerCase();
      return words.find((each) => each === word) ?? aliases[word] ?? new Error(`must be one of ${words.join(', ')}`);
    },
    fallback === undefined ? undefined : { value: fallback },
  );
}

/** Returns a reader of a list. The value is `fallback` if the key is not set. */
export function list<T>(item: Reader<T>, fallback: readonly T[]): Reader<readonly T[]> {
  return {
    schema: { type: 'array', items: item.schema },
    read(value, key, findings) {
      if (value === undefined || value === null) return fallback;
      if (!Array.isArray(value)) return reject(key, 'must be a list', findings);
      const items = value.map((each, index) => item.read(each, join(key, index), findings));
      return items.every((each) => each !== undefined) ? items : undefined;
    },
  };
}

/** Returns a reader of a map from strings to `item`. */
export function record<T>(item: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return {
    schema: { type: 'object', additionalProperties: item.schema },
    read(value, key, findings) {
      if (value === undefined || value === null) return {};
      if (!isObject(value)) return reject(key, 'must be a map', findings);
      const entries = Object.entries(value).map(
        ([name, each]) => [name, item.read(each, join(key, name), findings)] as const,
      );
      return Object.fromEntries(entries.filter((entry): entry is readonly [string, T & {}] => entry[1] !== undefined));
    },
  };
}

/** Accepts any value. Used for parts of pod specs, which the API server validates. */
export const anything: Reader<unknown> = { schema: {}, read: (value) => value };

/** Returns a reader of a structure that may also be a string of YAML or JSON, as in Helm charts. */
export function yamlString<T>(inner: Reader<T>): Reader<T> {
  return {
    schema: inner.schema,
    read(value, key, findings) {
      const text = trimmed(value);
      if (typeof text !== 'string') return inner.read(value, key, findings);
      let parsed: unknown;
      try {
        parsed = parseYaml(text);
      } catch {
        // The parser's message contains the text, which may be a secret.
        return reject(key, 'must be YAML', findings);
      }
      return inner.read(parsed, key, findings);
    },
  };
}

export function object<S extends Shape>(shape: S): Reader<{ readonly [Name in keyof S]: Read<S[Name]> }> {
  const properties = Object.entries(shape).map(([name, { schema }]) => [name, schema] as const);
  return {
    shape,
    schema: { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false },
    read(value, key, findings) {
      if (value !== undefined && value !== null && !isObject(value))
        return reject(key, 'must be a group of keys', findings);
      const given = isObject(value) ? value : {};
      for (const name of Object.keys(given)) {
        if (!Object.hasOwn(shape, name)) findings.unknown.push(...leaves(given[name], join(key, name)));
      }
      const before = findings.errors.length;
      const entries = Object.entries(shape).map(
        ([name, reader]) =>
          [name, reader.read(Object.hasOwn(given, name) ? given[name] : undefined, join(key, name), findings)] as const,
      );
      if (findings.errors.length > before) return undefined;
      return Object.fromEntries(entries) as { readonly [Name in keyof S]: Read<S[Name]> };
    },
  };
}

/** Returns a reader that returns null if the key is not set. */
export function nullable<T>(inner: Reader<T>): Reader<T | null> {
  return {
    schema: inner.schema,
    read: (value, key, findings) => (value === undefined || value === null ? null : inner.read(value, key, findings)),
  };
}

function leaves(value: unknown, key: string): string[] {
  if (!isObject(value)) return [key];
  return Object.entries(value).flatMap(([name, each]) => leaves(each, join(key, name)));
}

/** Returns a reader of an address range such as 10.0.0.0/8 or fd00::/8. A single address is a range with one address. */
export function cidr(): Reader<string> {
  const expected = 'an address range such as 10.0.0.0/8';
  return scalar({ type: 'string', pattern: '^[0-9a-fA-F:.]+(/[0-9]{1,3})?$', expected }, (value) => {
    const range = parseAddressRange(String(value));
    return range ? `${range.address}/${range.prefix}` : new Error(`must be ${expected}`);
  });
}
