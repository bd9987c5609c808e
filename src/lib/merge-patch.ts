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
  if (!isObject(current) || !isObject(desired))
    return isEqual(current, desired) ? undefined : (withoutNulls(desired) ?? null);
  const patch: JsonObject = {};
  for (const name of namesOf(current, desired)) {
    const change = mergePatchBetween(memberOf(current, name), memberOf(desired, name));
    if (change !== undefined) patch[name] = change;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** Most values are equal, so this makes no copies without nulls. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, index) => isEqual(each, b[index]));
  if (!isObject(a) || !isObject(b)) return Object.is(a ?? undefined, b ?? undefined);
  return namesOf(a, b).every((name) => isEqual(memberOf(a, name), memberOf(b, name)));
}

const namesOf = (a: JsonObject, b: JsonObject): string[] => [
  ...Object.keys(a),
  ...Object.keys(b).filter((name) => !Object.hasOwn(a, name)),
];

/** Returns a member that the object itself has: not, for example, the `constructor` that every object inherits. */
const memberOf = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value ?? undefined;
  const kept = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  return Object.fromEntries(kept.map(([name, each]) => [name, withoutNulls(each)]));
}
