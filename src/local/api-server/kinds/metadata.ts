import { isObject } from '../../../lib/json.ts';
import type { ObjectMeta, OwnerReference } from '../../../platform/kubernetes/objects.ts';
import { badRequest } from '../failures.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { cloneJson } from '../json.ts';
import type { Kind } from './kind.ts';
import { labelKeyError, labelValueError, nameError } from './names.ts';
import { applyDefaults, prune, type Schema, validate } from './schema.ts';
import { flag, integer, list, record, text, textMap, withDefault } from './shape.ts';

/** Bytes of all annotation keys and values together. */
const ANNOTATIONS_LIMIT = 256 * 1024;
/** Finalizers of built-in kinds that have no domain. */
const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion'];

/** RFC 3339, or empty. */
const time: Schema = {
  type: 'string',
  pattern: '^(\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?([Zz]|[+-]\\d\\d:\\d\\d))?$',
};
const required = withDefault(text, '');
const owner = { apiVersion: required, kind: required, name: required, uid: required };
const metadataShape = record({
  name: text,
  generateName: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  creationTimestamp: time,
  deletionTimestamp: time,
  generation: integer,
  deletionGracePeriodSeconds: integer,
  labels: textMap,
  annotations: textMap,
  finalizers: list(text),
  ownerReferences: list(record({ ...owner, controller: flag, blockOwnerDeletion: flag })),
});

/**
 * Returns the fields of a request's metadata that this server keeps, without empty ones. Throws StatusError 400 if a
 * field has the wrong type.
 */
export function readMetadata(raw: unknown): ObjectMeta {
  const metadata: unknown = cloneJson(raw ?? {});
  prune(metadata, metadataShape, []);
  applyDefaults(metadata, metadataShape);
  if (isMetadata(metadata)) return Object.fromEntries(Object.entries(metadata).filter(([, value]) => !isEmpty(value)));
  const [error] = validate(metadata, metadataShape, 'metadata');
  throw badRequest(`${error?.field}: ${error?.message}`);
}

function isMetadata(value: unknown): value is ObjectMeta {
  return validate(value, metadataShape, 'metadata').length === 0;
}

function isEmpty(value: unknown): boolean {
  return (
    value === '' || (isObject(value) && Object.keys(value).length === 0) || (Array.isArray(value) && value.length === 0)
  );
}

/** Returns the errors in names, labels, annotations, finalizers and owners. */
export function metadataErrors(kind: Kind, metadata: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  const check = (field: string, value: string, why: string | undefined): void => {
    if (why !== undefined) errors.push(fieldError.invalid(field, value, why));
  };
  const { name, labels = {}, annotations = {}, finalizers = [], ownerReferences = [] } = metadata;
  if (name === undefined) errors.push(fieldError.required('metadata.name', 'name or generateName is required'));
  else check('metadata.name', name, nameError(kind.nameRule, name));
  for (const [key, value] of Object.entries(labels)) {
    check('metadata.labels', key, labelKeyError(key));
    check('metadata.labels', value, labelValueError(value));
  }
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
    check('metadata.annotations', key, labelKeyError(key.toLowerCase()));
  }
  if (size > ANNOTATIONS_LIMIT) errors.push(fieldError.tooLong('metadata.annotations', ANNOTATIONS_LIMIT));
  for (const [index, finalizer] of finalizers.entries()) {
    check('metadata.finalizers', finalizer, labelKeyError(finalizer));
    if (kind.selfDescribing || finalizer.includes('/') || STANDARD_FINALIZERS.includes(finalizer)) continue;
    const why = 'name is neither a standard finalizer name nor is it fully qualified';
    check(`metadata.finalizers[${index}]`, finalizer, why);
  }
  return [...errors, ...ownerErrors(ownerReferences)];
}

function ownerErrors(owners: readonly OwnerReference[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const { apiVersion, kind, name, uid } of owners) {
    for (const [field, value] of Object.entries({ apiVersion, kind, name, uid })) {
      if (value !== '') continue;
      errors.push(fieldError.invalid(`metadata.ownerReferences.${field}`, '', `${field} must not be empty`));
    }
  }
  const controllers = owners.filter(({ controller }) => controller === true);
  if (controllers.length > 1) {
    const names = controllers.map(({ name }) => name).join(', ');
    const why = 'Only one reference can have Controller set to true';
    errors.push(fieldError.invalid('metadata.ownerReferences', names, why));
  }
  return errors;
}

/** Returns `milliseconds` since the epoch in the format of the API: RFC 3339 with seconds. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
