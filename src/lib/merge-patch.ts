import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from './json.ts';

/**
 * Returns `target` with a JSON merge patch applied (RFC 7386): null removes a member, objects are merged, every other
 * value replaces the target. Neither argument is changed; the result shares parts of both. Members named `__proto__` are
 * ignored.
 */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name === '__proto__') continue;
    if (value === null) delete result[name];
    else result[name] = applyMergePatch(memberOf(result, name), value);
  }
  return result;
}

/**
 * Returns the merge patch that turns `current` into `desired`, or undefined if they are equal. null counts as absent
 * everywhere: a merge patch cannot write null into objects, and API servers differ in whether they keep null in arrays.
 */
export function mergePatchBetween(current: unknown, desired: unknown): unknown {
  return difference(withoutNulls(current), withoutNulls(desired));
}

function difference(current: unknown, desired: unknown): unknown {
  if (!isObject(current) || !isObject(desired))
    return isDeepStrictEqual(current, desired) ? undefined : (desired ?? null);
  const patch: JsonObject = {};
  for (const name of new Set([...Object.keys(current), ...Object.keys(desired)])) {
    const change = difference(memberOf(current, name), memberOf(desired, name));
    if (change !== undefined) patch[name] = change;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** Returns a member that the object itself has: not, for example, the `constructor` that every object inherits. */
const memberOf = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value ?? undefined;
  const kept = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  return Object.fromEntries(kept.map(([name, each]) => [name, withoutNulls(each)]));
}
