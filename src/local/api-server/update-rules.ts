import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../../lib/json.ts';
import type { ObjectMeta } from '../../platform/kubernetes/objects.ts';
import { badRequest, conflict, invalid, modifiedSince } from './failures.ts';
import { type FieldError, fieldError } from './field-errors.ts';
import { at, cloneJson, type StoredObject } from './json.ts';
import { apiVersionOf, type Kind } from './kinds/kind.ts';

/** Returns the body with apiVersion and kind as its first members. Throws 400 or 422 if the body is of another type. */
export function typedAs(kind: Kind, body: JsonObject): StoredObject {
  const expected = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  for (const field of ['apiVersion', 'kind'] as const) {
    const value = body[field];
    if (value === undefined || value === null || value === '') {
      if (kind.selfDescribing) throw badRequest(`the object has no ${field}`);
    } else if (value !== expected[field]) {
      if (field === 'kind' && kind.selfDescribing) {
        throw invalid(kind, '', [fieldError.invalid(field, value, `must be ${expected.kind}`)]);
      }
      const what = field === 'kind' ? 'kind' : 'API version';
      const why = `(${JSON.stringify(value)}) does not match the expected ${what} (${expected[field]})`;
      throw badRequest(`the ${what} in the data ${why}`);
    }
  }
  return { ...expected, metadata: {}, ...body, ...expected };
}

/** Throws 400 if the metadata of an update has another name or no name. */
function checkName(given: ObjectMeta, name: string): void {
  if (given.name === name) return;
  const what = given.name === undefined ? 'is missing' : `(${given.name}) does not match the name on the URL`;
  throw badRequest(`the name of the object ${what} (${name})`);
}

/** Throws 409 if the current object has another uid, because it is then a new object with the same name. */
export function checkUid(kind: Kind, { name = '', uid }: ObjectMeta, given: string | undefined): void {
  if (given === undefined || given === uid) return;
  throw conflict(kind, name, `Precondition failed: UID in precondition: ${given}, UID in object meta: ${uid}`);
}

/** Throws if the metadata of an update names another object (400) or is not of the current version (409). */
export function checkIdentity(kind: Kind, current: ObjectMeta, given: ObjectMeta): void {
  const { name = '', namespace, resourceVersion } = current;
  checkName(given, name);
  if (given.namespace !== undefined && given.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (given.resourceVersion !== undefined && given.resourceVersion !== resourceVersion) {
    throw conflict(kind, name, modifiedSince);
  }
}

/** Returns an error for each changed field that only the server sets. A missing field is not a change. */
export function immutableErrors(current: ObjectMeta, given: ObjectMeta): FieldError[] {
  const fields = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;
  return fields
    .filter((field) => given[field] !== undefined && given[field] !== current[field])
    .map((field) => fieldError.invalid(`metadata.${field}`, given[field], 'field is immutable'));
}

/**
 * Returns the next state of an object: an update changes neither identity nor times, and changes the status only through
 * the subresource if the kind has one.
 */
export function nextState(
  kind: Kind,
  old: StoredObject,
  next: StoredObject,
  given: ObjectMeta,
  subresource: 'status' | undefined,
): StoredObject {
  if (subresource === 'status') return withStatus(cloneJson(old), next['status']);
  const { labels, annotations, finalizers, ownerReferences } = given;
  const { labels: _l, annotations: _a, finalizers: _f, ownerReferences: _o, ...kept } = old.metadata;
  const metadata = {
    ...kept,
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(finalizers ? { finalizers } : {}),
    ...(ownerReferences ? { ownerReferences } : {}),
  };
  if (!kind.statusSubresource) return { ...next, metadata };
  return withStatus({ ...next, metadata }, cloneJson({ status: old['status'] }).status);
}

function withStatus({ status: _status, metadata, ...rest }: StoredObject, status: unknown): StoredObject {
  return { ...rest, metadata, ...(status === undefined ? {} : { status }) };
}

/** Returns an error if an object that is being deleted gets new finalizers. */
export function finalizerErrors(old: StoredObject, next: StoredObject): FieldError[] {
  if (old.metadata.deletionTimestamp === undefined) return [];
  const before = new Set(old.metadata.finalizers);
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return [];
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${added.join(', ')}`;
  return [fieldError.forbidden('metadata.finalizers', why)];
}

/** Returns true if the update increments `metadata.generation`. */
export function specChanged(kind: Kind, old: StoredObject, next: StoredObject): boolean {
  const relevant = ({ metadata: _metadata, status, ...rest }: StoredObject) =>
    kind.statusSubresource ? rest : { ...rest, status };
  return kind.generation && !isDeepStrictEqual(relevant(old), relevant(next));
}

/** Returns true if the object is being deleted and nothing delays the deletion. */
export function isFinished(object: StoredObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds > 0 || finalizers.length > 0) return false;
  // A namespace has finalizers in its spec.
  const specFinalizers = at(object, 'spec', 'finalizers');
  return !Array.isArray(specFinalizers) || specFinalizers.length === 0;
}

/** Throws 400 for `unknownFields`, 422 for other errors. */
export function rejectErrors(
  kind: Kind,
  name: string,
  errors: readonly FieldError[],
  unknownFields: readonly string[],
): void {
  if (unknownFields.length > 0) {
    const list = unknownFields.map((field) => `unknown field "${field}"`).join(', ');
    throw badRequest(`${kind.kind} cannot be handled as a ${kind.kind}: strict decoding error: ${list}`);
  }
  if (errors.length > 0) throw invalid(kind, name, errors);
}
