import { isObject } from '../lib/json.ts';

/**
 * Returns copies of JSON values in which equal strings, objects and arrays are one, because the caches have many of them thousands
 * of times. They are frozen, because a change would be a change of all objects that have them.
 */
export interface ValuePool {
  share<T>(value: T): T;
}

/** Longer strings are rarely equal. */
const maxStringLength = 64;
/** The length as JSON. Larger values are rarely equal, but their parts are. */
const maxLength = 500;

/** @param maxChars length of all texts after which the pool starts anew, because objects may no longer have its values. */
export function createValuePool(maxChars: number): ValuePool {
  const strings = new Map<string, string>();
  /** By their JSON; an array has its indexes as keys. */
  const values = new Map<string, object>();
  let chars = 0;

  function add<T>(known: Map<string, T>, text: string, value: T): T {
    chars += text.length;
    if (chars > maxChars) {
      strings.clear();
      values.clear();
      chars = text.length;
    }
    known.set(text, value);
    return value;
  }

  /** The JSON of the value that `one` has returned last; undefined if it is too long to be in the pool. */
  let json: string | undefined;

  function one(value: unknown): unknown {
    if (typeof value === 'string') {
      json = value.length > maxStringLength ? undefined : JSON.stringify(value);
      return strings.get(value) ?? (json === undefined ? value : add(strings, value, value));
    }
    if (Array.isArray(value) || isObject(value)) return oneObject(value);
    json = JSON.stringify(value);
    return value;
  }

  function oneObject(value: object): object {
    let text: string | undefined = Array.isArray(value) ? '[' : '{';
    for (const [key, each] of Object.entries(value)) {
      Reflect.set(value, key, one(each));
      if (text !== undefined) text = json === undefined ? undefined : `${text}${JSON.stringify(key)}:${json},`;
      if (text !== undefined && text.length > maxLength) text = undefined;
    }
    json = text === undefined ? undefined : `${text}}`;
    return json === undefined ? value : (values.get(json) ?? add(values, json, Object.freeze(value)));
  }

  return {
    share<T>(value: T): T {
      const copy: { value: T } = JSON.parse(JSON.stringify({ value }));
      Reflect.set(copy, 'value', one(copy.value));
      return copy.value;
    },
  };
}
