import jsonPatch, { type Operation } from 'fast-json-patch';
import type { ChildPatch } from '../jupyter-server/types.ts';
import { isObject, type JsonObject } from '../lib/json.ts';
import { applyMergePatch } from '../lib/merge-patch.ts';
import type { Children } from './children/manifest.ts';
import { InvalidJupyterServer } from './failure.ts';

/** Each `copy` operation can double the size of the document. A usual session is far below this limit. */
const documentLimitChars = 4 * 1024 * 1024;

/**
 * Returns the children with `spec.patches` applied in order: JSON patches strictly by RFC 6902 (a missing path is an error,
 * and so is a `test` that fails), merge patches by RFC 7386. Does not change its input. Throws InvalidJupyterServer; the
 * message names the operation and quotes no value.
 */
export function applyPatches(children: Children, patches: readonly ChildPatch[]): JsonObject {
  // In this deep copy, no two places share an object. Otherwise a patch of one place would change the other place, too.
  let document: JsonObject = JSON.parse(JSON.stringify(children));
  // A value of the patches becomes a part of the document, which later operations change.
  const copies: readonly ChildPatch[] = JSON.parse(JSON.stringify(patches));
  copies.forEach((each, index) => {
    const where = `spec.patches[${index}]`;
    const patched = applyPatch(document, each, where);
    if (!isObject(patched)) throw new InvalidJupyterServer(`${where} removes all children`);
    document = patched;
  });
  return document;
}

function applyPatch(document: JsonObject, patch: ChildPatch | undefined, where: string): unknown {
  if (patch?.type === 'application/json-patch+json') return applyJsonPatch(document, patch.patch, where);
  if (patch?.type === 'application/merge-patch+json') return applyMergePatch(document, patch.patch);
  throw new InvalidJupyterServer(`${where}.type is missing or unknown`);
}

function applyJsonPatch(document: unknown, operations: unknown, where: string): unknown {
  if (!Array.isArray(operations)) throw new InvalidJupyterServer(`${where}.patch must be a list of operations`);
  operations.forEach((operation: Operation, index) => {
    const here = `${where}.patch[${index}]`;
    try {
      // The library accepts two kinds of invalid paths: indexes with leading zeros, and a `from` with an inherited property.
      if (isObject(operation)) {
        checkPointer(document, operation['path'], false);
        checkPointer(document, operation['from'], true);
      }
      document = jsonPatch.applyOperation(document, operation, true, true).newDocument;
    } catch (error) {
      throw new InvalidJupyterServer(`${here}${nameOf(operation)} ${reasonOf(error)}`);
    }
    if (operation.op === 'copy' && JSON.stringify(document).length > documentLimitChars) {
      throw new InvalidJupyterServer(`${here} makes the children too large`);
    }
  });
  return document;
}

/** Throws for a list index that RFC 6901 does not allow (valid: 0, or digits without a leading 0), and for a missing path. */
function checkPointer(document: unknown, pointer: unknown, mustExist: boolean): void {
  if (typeof pointer !== 'string') return;
  let target = document;
  for (const part of pointer.split('/').slice(1)) {
    const key = jsonPatch.unescapePathComponent(part);
    if (Array.isArray(target) && key !== '-' && !/^(0|[1-9]\d*)$/.test(key)) throw new Error('invalid list index');
    if (target !== null && typeof target === 'object' && Object.hasOwn(target, key)) target = Reflect.get(target, key);
    else if (mustExist) throw new Error('missing');
    else target = undefined;
  }
}

function nameOf(operation: unknown): string {
  if (!isObject(operation) || typeof operation['op'] !== 'string' || typeof operation['path'] !== 'string') return '';
  return ` (${operation['op'].slice(0, 20)} ${operation['path'].slice(0, 200)})`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'cannot be applied';
  if (error.name === 'TEST_OPERATION_FAILED') return 'found another value';
  return /UNRESOLVABLE|CANNOT_ADD|OUT_OF_BOUNDS/.test(error.name)
    ? 'names a path that does not exist'
    : 'cannot be applied';
}
