import { parse as parseYaml } from 'yaml';
import { parseAddressRange } from '../lib/address-ranges.ts';

/** What is wrong with one key. Never holds the value: it may be a secret. */
export interface ConfigProblem {
  /** Empty where it is the form of a line that is wrong. */
  key: string;
  reason: string;
  /** A file and line, or the name of a variable. */
  at?: string | undefined;
}

/** Keys to values, as a file gives them; lists are arrays. */
export type ConfigTree = Readonly<Record<string, unknown>>;

/** What reading a tree has found so far; all of it is reported at once. */
export interface Findings {
  problems: ConfigProblem[];
  /** Keys that nothing reads. */
  unknown: string[];
}

/** Turns a value (text from the environment, anything from a file) into what the service uses; undefined after a problem. */
export interface Reader<T> {
  read(value: unknown, key: string, findings: Findings): T | undefined;
  /** The keys of a group. */
  readonly shape?: Shape;
  /** The value is not for logs. */
  readonly isSecret?: true;
}

export type Shape = Record<string, Reader<unknown>>;
export type Read<R> = R extends Reader<infer T> ? T : never;

/** The name of a key inside a group or list. */
export const join = (key: string, name: string | number): string => (key === '' ? String(name) : `${key}.${name}`);

function refuse(key: string, reason: string, findings: Findings): undefined {
  findings.problems.push({ key, reason });
  return undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/**
 * A text without blanks and one pair of quotes around it: variables from files of `docker run --env-file` and from
 * Secrets keep them, and no key but a secret means them.
 */
function bare(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  const [, inner] = /^(?:"([^"]*)"|'([^']*)')$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  return (inner ?? text).trim();
}

/**
 * A reader of one value; `convert` returns what is wrong as an Error. Without a `fallback` the key is required.
 * null and an empty text are no value: charts and `${?VARIABLE}` leave them where nothing is meant.
 */
function scalar<T>(
  convert: (value: unknown) => T | Error,
  fallback?: { value: T },
  { isVerbatim = false } = {},
): Reader<T> {
  return {
    read(given, key, findings) {
      const value = isVerbatim ? given : bare(given);
      if (value === undefined || value === null || value === '')
        return fallback ? fallback.value : refuse(key, 'is required', findings);
      const result = convert(value);
      return result instanceof Error ? refuse(key, result.message, findings) : result;
    },
  };
}

export interface TextRules {
  /** What the text must match; `says` completes "must be ...". */
  pattern?: RegExp;
  says?: string;
  /** Applied after the check. */
  normalize?: (text: string) => string;
  minBytes?: number;
  /** Blanks and quotes around the text belong to it: it is a secret. */
  isVerbatim?: boolean;
}

function asText(value: unknown, rules: TextRules): string | Error {
  if (typeof value === 'number' || typeof value === 'boolean') return new Error('must be a text: put it in quotes');
  if (typeof value !== 'string') return new Error('must be a text');
  if (rules.pattern && !rules.pattern.test(value))
    return new Error(`must be ${rules.says ?? 'in the documented form'}`);
  if (rules.minBytes !== undefined && Buffer.byteLength(value) < rules.minBytes) {
    return new Error(`must be at least ${rules.minBytes} bytes`);
  }
  return rules.normalize ? rules.normalize(value) : value;
}

export function text(fallback?: string, rules: TextRules = {}): Reader<string> {
  return scalar((value) => asText(value, rules), fallback === undefined ? undefined : { value: fallback }, rules);
}

/** A text that need not be there. */
export function optionalText(rules: TextRules = {}): Reader<string | null> {
  return scalar<string | null>((value) => asText(value, rules), { value: null }, rules);
}

/** A text that may be empty, as the values of labels and annotations are. */
export const verbatimText: Reader<string> = {
  read(value, key, findings) {
    const result = asText(value, {});
    return result instanceof Error ? refuse(key, result.message, findings) : result;
  },
};

/** Keeps the value out of logs. */
export function secret<T>(inner: Reader<T>): Reader<T> {
  return { ...inner, isSecret: true };
}

function asUrl(value: unknown): string | Error {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (!url || !/^https?:$/.test(url.protocol)) return new Error('must be an http or https address');
  if (url.username || url.password) return new Error('must not hold credentials');
  if (url.search || url.hash) return new Error('must not have a query or a fragment');
  return (value as string).replace(/\/+$/, '');
}

/** An http(s) address, kept as written but without trailing slashes. */
export function httpUrl(fallback: string): Reader<string> {
  return scalar(asUrl, { value: fallback });
}

export function optionalHttpUrl(): Reader<string | null> {
  return scalar<string | null>(asUrl, { value: null });
}

function asNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(value.trim()) ? Number(value) : Number.NaN;
}

/** A whole number; as text, scientific notation is one too (Helm prints 1000000 as 1e+06). */
export function integer(fallback: number | undefined, min: number, max = Number.MAX_SAFE_INTEGER): Reader<number> {
  return scalar(
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

/** A number of at least 0. */
export function amount(fallback?: number): Reader<number> {
  return scalar(
    (value) => {
      const number = asNumber(value);
      return Number.isFinite(number) && number >= 0 ? number : new Error('must be a number of at least 0');
    },
    fallback === undefined ? undefined : { value: fallback },
  );
}

export function boolean(fallback: boolean): Reader<boolean> {
  return scalar(
    (value) => {
      const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
      if (word === true || word === 'true') return true;
      if (word === false || word === 'false') return false;
      return new Error('must be true or false');
    },
    { value: fallback },
  );
}

/** One of some words; `aliases` are other spellings that deployments use. */
export function choice<const Word extends string>(
  words: readonly Word[],
  fallback: NoInfer<Word>,
  aliases: Record<string, NoInfer<Word>> = {},
): Reader<Word> {
  return scalar(
    (value) => {
      const word = String(value).trim().toLowerCase();
      return words.find((each) => each === word) ?? aliases[word] ?? new Error(`must be one of ${words.join(', ')}`);
    },
    { value: fallback },
  );
}

/** A list; `fallback` where it is absent. */
export function list<T>(item: Reader<T>, fallback: readonly T[]): Reader<readonly T[]> {
  return {
    read(value, key, findings) {
      if (value === undefined || value === null) return fallback;
      if (!Array.isArray(value)) return refuse(key, 'must be a list', findings);
      const items = value.map((each, index) => item.read(each, join(key, index), findings));
      return items.every((each) => each !== undefined) ? items : undefined;
    },
  };
}

/** A map from any text to `item`. */
export function record<T>(item: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return {
    read(value, key, findings) {
      if (value === undefined || value === null) return {};
      if (!isRecord(value)) return refuse(key, 'must be a map', findings);
      const entries = Object.entries(value).map(
        ([name, each]) => [name, item.read(each, join(key, name), findings)] as const,
      );
      return Object.fromEntries(entries.filter((entry): entry is readonly [string, T & {}] => entry[1] !== undefined));
    },
  };
}

/** Whatever stands there; for parts of pod specs, which the API server checks. */
export const anything: Reader<unknown> = { read: (value) => value };

/** A structure that may also be given as YAML (or JSON) inside a text, as Helm charts do. */
export function yamlText<T>(inner: Reader<T>): Reader<T> {
  return {
    read(value, key, findings) {
      const text = bare(value);
      if (typeof text !== 'string') return inner.read(value, key, findings);
      let parsed: unknown;
      try {
        parsed = parseYaml(text);
      } catch {
        // The parser's message quotes the text.
        return refuse(key, 'must be YAML', findings);
      }
      return inner.read(parsed, key, findings);
    },
  };
}

export function object<S extends Shape>(shape: S): Reader<{ readonly [Name in keyof S]: Read<S[Name]> }> {
  return {
    shape,
    read(value, key, findings) {
      if (value !== undefined && value !== null && !isRecord(value))
        return refuse(key, 'must be a group of keys', findings);
      const given = isRecord(value) ? value : {};
      for (const name of Object.keys(given)) {
        if (!Object.hasOwn(shape, name)) findings.unknown.push(...leaves(given[name], join(key, name)));
      }
      const before = findings.problems.length;
      const entries = Object.entries(shape).map(
        ([name, reader]) =>
          [name, reader.read(Object.hasOwn(given, name) ? given[name] : undefined, join(key, name), findings)] as const,
      );
      if (findings.problems.length > before) return undefined;
      return Object.fromEntries(entries) as { readonly [Name in keyof S]: Read<S[Name]> };
    },
  };
}

/** null where it is absent. */
export function nullable<T>(inner: Reader<T>): Reader<T | null> {
  return {
    read: (value, key, findings) => (value === undefined || value === null ? null : inner.read(value, key, findings)),
  };
}

function leaves(value: unknown, key: string): string[] {
  if (!isRecord(value)) return [key];
  return Object.entries(value).flatMap(([name, each]) => leaves(each, join(key, name)));
}

/** An address range such as 10.0.0.0/8 or fd00::/8; a single address is a range of one. */
export function cidr(): Reader<string> {
  return scalar((value) => {
    const range = typeof value === 'string' ? parseAddressRange(value) : undefined;
    return range ? `${range.address}/${range.prefix}` : new Error('must be an address range such as 10.0.0.0/8');
  });
}
