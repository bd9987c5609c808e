import { isDeepStrictEqual } from 'node:util';
import { badRequest } from './failures.ts';
import { isObject, type JsonObject } from './json.ts';

/**
 * Lists of built-in kinds whose items are known by a member, and which member that is. Services know their ports by
 * `port`, containers by `containerPort`; a list uses the first that its items have.
 */
const MERGE_KEYS: { [field: string]: readonly string[] } = {
  conditions: ['type'],
  containers: ['name'],
  env: ['name'],
  ephemeralContainers: ['name'],
  hostAliases: ['ip'],
  imagePullSecrets: ['name'],
  initContainers: ['name'],
  ownerReferences: ['uid'],
  ports: ['containerPort', 'port'],
  topologySpreadConstraints: ['topologyKey'],
  volumeDevices: ['devicePath'],
  volumeMounts: ['mountPath'],
  volumes: ['name'],
};

/** Lists of plain values that are sets. */
const SETS = new Set(['finalizers']);

const DIRECTIVE = '$patch';

/**
 * A strategic merge patch, as kubectl sends it for built-in kinds: like a merge patch, but known lists merge item by
 * item. Understands `$patch: delete|replace|merge`, `$deleteFromPrimitiveList/...`, `$retainKeys`; the order that
 * `$setElementOrder/...` asks for is followed. Neither argument is changed. Throws StatusError 400.
 */
export function strategicMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw badRequest('a strategic merge patch is an object');
  return mergeObject(isObject(target) ? target : {}, patch);
}

function mergeObject(target: JsonObject, patch: JsonObject): JsonObject {
  if (patch[DIRECTIVE] === 'replace') return withoutDirectives(patch);
  const retained = patch['$retainKeys'];
  const result: JsonObject = {};
  for (const [name, value] of Object.entries(target)) {
    if (!Array.isArray(retained) || retained.includes(name)) result[name] = value;
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    const before = Object.hasOwn(result, name) ? result[name] : undefined;
    if (value === null || (isObject(value) && value[DIRECTIVE] === 'delete')) delete result[name];
    else if (Array.isArray(value)) result[name] = mergeList(name, Array.isArray(before) ? before : [], value);
    else if (isObject(value)) result[name] = mergeObject(isObject(before) ? before : {}, value);
    else result[name] = value;
  }
  for (const [name, value] of Object.entries(patch)) followListDirective(result, name, value);
  return result;
}

function mergeList(field: string, target: unknown[], patch: unknown[]): unknown[] {
  const replaces = patch.some((item) => isObject(item) && item[DIRECTIVE] === 'replace');
  const plain = patch.filter((item) => !(isObject(item) && item[DIRECTIVE] === 'replace'));
  if (replaces) return plain;
  if (SETS.has(field)) return [...new Set([...target, ...patch])];
  const key = mergeKey(field, [...patch, ...target]);
  if (key === undefined) return patch;
  const result = [...target];
  for (const item of patch) {
    if (!isObject(item) || item[key] === undefined) throw badRequest(`an item of ${field} in the patch has no ${key}`);
    const index = result.findIndex((other) => isObject(other) && isDeepStrictEqual(other[key], item[key]));
    const before = index < 0 ? undefined : result[index];
    if (item[DIRECTIVE] === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (isObject(before)) {
      result[index] = mergeObject(before, item);
    } else {
      result.push(mergeObject({}, item));
    }
  }
  return result;
}

/** `$deleteFromPrimitiveList/x` and `$setElementOrder/x`, which speak about the list x beside them. */
function followListDirective(result: JsonObject, directive: string, value: unknown): void {
  const [what, field = ''] = directive.split('/', 2);
  const list = Object.hasOwn(result, field) ? result[field] : undefined;
  if (!Array.isArray(list) || !Array.isArray(value)) return;
  if (what === '$deleteFromPrimitiveList') {
    result[field] = list.filter((item) => !value.includes(item));
  } else if (what === '$setElementOrder') {
    const key = mergeKey(field, list);
    const identity = (item: unknown): unknown => (key !== undefined && isObject(item) ? item[key] : item);
    const order = value.map(identity);
    const place = (item: unknown): number => {
      const index = order.indexOf(identity(item));
      return index < 0 ? order.length : index;
    };
    result[field] = list.toSorted((left, right) => place(left) - place(right));
  }
}

function mergeKey(field: string, items: readonly unknown[]): string | undefined {
  const candidates = Object.hasOwn(MERGE_KEYS, field) ? (MERGE_KEYS[field] ?? []) : [];
  return candidates.find((key) => items.some((item) => isObject(item) && Object.hasOwn(item, key)));
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith('$')));
}
