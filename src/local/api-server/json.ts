import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

/** A JSON object whose members nobody has looked at yet. */
export type JsonObject = { [member: string]: unknown };

/** An object as the store keeps it: metadata is known to be well formed, the rest is the kind's business. */
export interface StoredObject extends KubernetesObject {
  [member: string]: unknown;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The own member `name`: user-chosen keys such as `constructor` must not find what Object.prototype has. */
export function member(object: unknown, name: string): unknown {
  return isObject(object) && Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The value at a path of own members, undefined where the path ends early. */
export function at(object: unknown, ...path: string[]): unknown {
  let value = object;
  for (const name of path) value = member(value, name);
  return value;
}

/** The member `name` as an object; made when it is missing or something else. For defaulting only. */
export function ensureObject(parent: JsonObject, name: string): JsonObject {
  const value = member(parent, name);
  if (isObject(value)) return value;
  const made: JsonObject = {};
  parent[name] = made;
  return made;
}

/** Sets `name` where it is missing or null, as the API's defaulting does. */
export function setDefault(parent: JsonObject, name: string, value: unknown): void {
  if (member(parent, name) === undefined || parent[name] === null) parent[name] = value;
}

/** Objects and arrays within each other, at most. Everything that walks through an object is recursive. */
const DEPTH_LIMIT = 500;

/**
 * What makes a JSON value from outside unusable here, or undefined: too deep, the one member name that JavaScript gives
 * a meaning, or a number that JSON cannot say (1e999 is read as infinity).
 */
export function structureProblem(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number is too large';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= DEPTH_LIMIT) return `nested more than ${DEPTH_LIMIT} levels deep`;
  if (Object.hasOwn(value, '__proto__')) return 'the name __proto__ is not accepted';
  for (const inner of Object.values(value)) {
    const problem = structureProblem(inner, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A copy that holds only what JSON holds: `undefined` is dropped, dates become text. */
export function cloneJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Makes a shared object safe to hand out: a reader that writes to it gets a TypeError instead of changing the store. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
