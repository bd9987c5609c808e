import { isObject } from '../lib/json.ts';

/** Returns copies of JSON values in which equal strings are one string, because the caches have a few strings many times. */
export interface StringPool {
  share<T>(value: T): T;
}

/** Longer strings are rarely equal. */
const maxLength = 64;

/** @param maxSize number of strings after which the pool starts anew, because objects may no longer have its strings. */
export function createStringPool(maxSize: number): StringPool {
  const known = new Map<string, string>();

  function one(text: string): string {
    const same = known.get(text);
    if (same !== undefined || text.length > maxLength) return same ?? text;
    if (known.size >= maxSize) known.clear();
    known.set(text, text);
    return text;
  }

  function shareIn(value: unknown): void {
    if (Array.isArray(value)) {
      for (const [index, each] of value.entries()) {
        if (typeof each === 'string') value[index] = one(each);
        else shareIn(each);
      }
    } else if (isObject(value)) {
      for (const [key, each] of Object.entries(value)) {
        if (typeof each === 'string') value[key] = one(each);
        else shareIn(each);
      }
    }
  }

  return {
    share<T>(value: T): T {
      const copy: T = JSON.parse(JSON.stringify(value));
      shareIn(copy);
      return copy;
    },
  };
}
