import { isObject, type JsonObject } from '../../lib/json.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

/** An object in the store. Its metadata is valid; each kind checks its other members. */
export interface StoredObject extends KubernetesObject {
  [member: string]: unknown;
}

/** Returns true for an object of this store; an object in the database was checked before it was written. */
export function isStoredObject(value: unknown): value is StoredObject {
  return isObject(value) && isObject(value['metadata']);
}

/** Returns the value at a path of members; undefined if a member is missing. Inherited members do not count. */
export function at(object: unknown, ...path: string[]): unknown {
  let value = object;
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

/** Returns the objects in an array; an empty array for any other value. */
export function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Sets the member `name` if it is missing or null. */
export function setDefault(parent: JsonObject, name: string, value: unknown): void {
  parent[name] = at(parent, name) ?? value;
}

/** Maximum depth of nested objects and arrays: functions that read objects are recursive. */
const DEPTH_LIMIT = 500;

/**
 * Returns why the server cannot store a JSON value, or undefined: the value is nested too deep, has a member `__proto__`,
 * or has a number that JSON cannot represent (1e999 is parsed as infinity).
 */
export function structureError(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number is too large';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= DEPTH_LIMIT) return `nested more than ${DEPTH_LIMIT} levels deep`;
  if (Object.hasOwn(value, '__proto__')) return 'the name __proto__ is not accepted';
  for (const inner of Object.values(value)) {
    const error = structureError(inner, depth + 1);
    if (error !== undefined) return error;
  }
  return undefined;
}

/** Returns a deep copy as JSON represents it: members with the value `undefined` are removed. */
export function cloneJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

/** Makes a shared object safe: a reader that writes to it gets a TypeError and does not change the store. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
