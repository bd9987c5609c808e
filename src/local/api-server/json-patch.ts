import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from '../../lib/json.ts';
import { StatusError } from '../cluster.ts';
import { badRequest } from './failures.ts';
import { structureError } from './json.ts';

interface Operation {
  op: string;
  path: string[];
  from: string[];
  value: unknown;
}

const OPERATIONS_LIMIT = 10_000;
/** Maximum number of characters that the `copy` operations of a patch may add. */
const COPY_LIMIT = 3 * 1024 * 1024;

/**
 * Applies the operations of a JSON patch (RFC 6902) to `target`, in place, and returns the result, which contains values of
 * `patch`. The rules are as lenient as those of the Kubernetes library, because operators of this resource rely on them:
 * `replace` and `copy` of a missing member are allowed, a negative index counts from the end, and for `test` a missing member
 * is null. Throws StatusError 400 (not a patch), 413 (too many operations), 422 (cannot be applied).
 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations');
  if (patch.length > OPERATIONS_LIMIT) {
    const message = `Request entity too large: a JSON patch has at most ${OPERATIONS_LIMIT} operations, not ${patch.length}`;
    throw new StatusError(413, 'RequestEntityTooLarge', message);
  }
  const document: JsonObject = { root: target };
  const budget = { copyCharacters: COPY_LIMIT };
  for (const [index, raw] of patch.entries()) apply(document, readOperation(raw, index), budget);
  if (!isObject(document['root'])) throw unprocessable('the result is not an object');
  return document['root'];
}

function readOperation(raw: unknown, index: number): Operation {
  if (!isObject(raw)) throw badRequest(`operation ${index} of the JSON patch is not an object`);
  const { op, path, from } = raw;
  if (typeof op !== 'string') throw unprocessable(`operation ${index} has no op`);
  return {
    op,
    path: pointer(path, `path of operation ${index}`),
    from: op === 'move' || op === 'copy' ? pointer(from, `from of operation ${index}`) : [],
    value: raw['value'] ?? null,
  };
}

/** Returns the segments of a JSON pointer. The first segment is `root`, so that the whole document has a parent, too. */
function pointer(text: unknown, what: string): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) {
    throw unprocessable(`the ${what} is not a JSON pointer`);
  }
  const segments = text.split('/').slice(1);
  return ['root', ...segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))];
}

function apply(document: JsonObject, { op, path, from, value }: Operation, budget: { copyCharacters: number }): void {
  switch (op) {
    case 'add':
      add(document, path, value);
      return;
    case 'remove':
      remove(document, path);
      return;
    case 'replace':
      replace(document, path, value);
      return;
    case 'move':
      add(document, path, remove(document, from));
      return;
    case 'copy': {
      const source = read(document, from) ?? null;
      const error = structureError(source);
      if (error !== undefined) throw unprocessable(error);
      const text = JSON.stringify(source);
      budget.copyCharacters -= text.length;
      if (budget.copyCharacters < 0) throw unprocessable('the copies of this patch are too large');
      add(document, path, JSON.parse(text));
      return;
    }
    case 'test':
      if (!isDeepStrictEqual(read(document, path) ?? null, value)) {
        throw unprocessable(`the test of ${pathText(path)} failed`);
      }
      return;
    default:
      throw unprocessable(`there is no operation "${op}"`);
  }
}

function add(document: JsonObject, path: string[], value: unknown): void {
  const { parent, name } = locate(document, path);
  if (!Array.isArray(parent)) {
    setMember(parent, name, value, path);
    return;
  }
  if (name === '-') {
    parent.push(value);
    return;
  }
  const index = indexIn(parent.length + 1, name, path);
  parent.splice(index, 0, value);
}

function replace(document: JsonObject, path: string[], value: unknown): void {
  const { parent, name } = locate(document, path);
  if (Array.isArray(parent)) parent[indexIn(parent.length, name, path)] = value;
  else setMember(parent, name, value, path);
}

function remove(document: JsonObject, path: string[]): unknown {
  const { parent, name } = locate(document, path);
  if (Array.isArray(parent)) return parent.splice(indexIn(parent.length, name, path), 1)[0];
  if (!Object.hasOwn(parent, name)) throw unprocessable(`${pathText(path)} does not exist`);
  const value = parent[name];
  delete parent[name];
  return value;
}

function read(document: JsonObject, path: string[]): unknown {
  const { parent, name } = locate(document, path);
  if (Array.isArray(parent)) return parent[indexIn(parent.length, name, path)];
  return Object.hasOwn(parent, name) ? parent[name] : undefined;
}

function setMember(parent: JsonObject, name: string, value: unknown, path: string[]): void {
  if (name === '__proto__') throw unprocessable(`${pathText(path)} is not an allowed name`);
  parent[name] = value;
}

function locate(document: JsonObject, path: string[]): { parent: JsonObject | unknown[]; name: string } {
  let parent: unknown = document;
  for (const segment of path.slice(0, -1)) {
    if (Array.isArray(parent)) parent = parent[indexIn(parent.length, segment, path)];
    else if (isObject(parent)) parent = Object.hasOwn(parent, segment) ? parent[segment] : undefined;
    else parent = undefined;
  }
  if (!isObject(parent) && !Array.isArray(parent)) throw unprocessable(`${pathText(path)} has no parent`);
  return { parent, name: path.at(-1) ?? '' };
}

function indexIn(length: number, name: string, path: string[]): number {
  const given = /^-?\d+$/.test(name) ? Number(name) : Number.NaN;
  const index = given < 0 ? length + given : given;
  if (!(index >= 0 && index < length)) throw unprocessable(`${pathText(path)} is not an index of the list`);
  return index;
}

function pathText(path: string[]): string {
  return JSON.stringify(`/${path.slice(1).join('/')}`.slice(0, 200));
}

function unprocessable(why: string): StatusError {
  return new StatusError(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`);
}
