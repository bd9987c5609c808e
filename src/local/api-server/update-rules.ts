import { isDeepStrictEqual } from 'node:util';
import type { ObjectMeta } from '../../platform/kubernetes/objects.ts';
import { badRequest, conflict, invalid, modifiedSince } from './failures.ts';
import { type FieldError, fieldError } from './field-errors.ts';
import { cloneJson, isObject, type JsonObject, type StoredObject } from './json.ts';
import { apiVersionOf, type Kind } from './kinds/kind.ts';

/** The body with the apiVersion and kind of its resource first. Throws 400 or 422 when it says that it is another. */
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

/** Throws 400 when an update's metadata has another name, or none. */
export function checkName(given: ObjectMeta, name: string): void {
  if (given.name === name) return;
  const what = given.name === undefined ? 'is missing' : `(${given.name}) does not match the name on the URL`;
  throw badRequest(`the name of the object ${what} (${name})`);
}

/** Throws 409 when the present object is another one of the same name. */
export function checkUid(kind: Kind, { name = '', uid }: ObjectMeta, given: string | undefined): void {
  if (given === undefined || given === uid) return;
  throw conflict(kind, name, `Precondition failed: UID in precondition: ${given}, UID in object meta: ${uid}`);
}

/** Throws when an update's metadata names another object (400) or another version (409) than the present one. */
export function checkIdentity(kind: Kind, present: ObjectMeta, given: ObjectMeta): void {
  const { name = '', namespace, resourceVersion } = present;
  checkName(given, name);
  if (given.namespace !== undefined && given.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (given.resourceVersion !== undefined && given.resourceVersion !== resourceVersion) {
    throw conflict(kind, name, modifiedSince);
  }
}

/** What the system has set stays as it is; to leave it out changes nothing. */
export function immutableProblems(present: ObjectMeta, given: ObjectMeta): FieldError[] {
  const fields = ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;
  return fields
    .filter((field) => given[field] !== undefined && given[field] !== present[field])
    .map((field) => fieldError.invalid(`metadata.${field}`, given[field], 'field is immutable'));
}

/** What an update may set: never identity and times, the status only through its subresource where there is one. */
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

function withStatus({ status: _status, ...rest }: StoredObject, status: unknown): StoredObject {
  return { ...(rest as StoredObject), ...(status === undefined ? {} : { status }) };
}

/** An object that is being deleted may lose finalizers but get no new ones. */
export function finalizerProblems(old: StoredObject, next: StoredObject): FieldError[] {
  if (old.metadata.deletionTimestamp === undefined) return [];
  const before = new Set(old.metadata.finalizers);
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return [];
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers ${added.join(', ')}`;
  return [fieldError.forbidden('metadata.finalizers', why)];
}

/** Whether `metadata.generation` has to go up. */
export function specChanged(kind: Kind, old: StoredObject, next: StoredObject): boolean {
  const relevant = ({ metadata: _metadata, status, ...rest }: StoredObject) =>
    kind.statusSubresource ? rest : { ...rest, status };
  return kind.generation && !isDeepStrictEqual(relevant(old), relevant(next));
}

/** Marked for deletion and nothing left to wait for. */
export function isFinished(object: StoredObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  const spec = object['spec'];
  const ownFinalizers = isObject(spec) && Array.isArray(spec['finalizers']) ? spec['finalizers'] : [];
  return (
    deletionTimestamp !== undefined &&
    deletionGracePeriodSeconds === 0 &&
    finalizers.length === 0 &&
    ownFinalizers.length === 0
  );
}

/** Throws 400 for unknown fields where the caller wants that, 422 for everything that is wrong. */
export function refuseProblems(
  kind: Kind,
  name: string,
  problems: readonly FieldError[],
  unknownFields: readonly string[],
  fieldValidation: 'Strict' | 'Warn' | 'Ignore' | undefined,
): void {
  if (fieldValidation === 'Strict' && unknownFields.length > 0) {
    const list = unknownFields.map((field) => `unknown field "${field}"`).join(', ');
    throw badRequest(`${kind.kind} cannot be handled as a ${kind.kind}: strict decoding error: ${list}`);
  }
  if (problems.length > 0) throw invalid(kind, name, problems);
}
