import type { ObjectMeta, OwnerReference } from '../../../platform/kubernetes/objects.ts';
import { badRequest } from '../failures.ts';
import { type FieldError, fieldError, typeName } from '../field-errors.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { Kind } from './kind.ts';
import { labelKeyProblem, labelValueProblem, nameProblem } from './names.ts';

/** Bytes of all annotation keys and values together. */
const ANNOTATIONS_LIMIT = 256 * 1024;

const TEXT_FIELDS = ['name', 'generateName', 'namespace', 'uid', 'resourceVersion'] as const;
const TIME_FIELDS = ['creationTimestamp', 'deletionTimestamp'] as const;
/** RFC 3339, or nothing. */
const TIME = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?$/;
const isTime = (field: string): boolean => (TIME_FIELDS as readonly string[]).includes(field);
/** Those that need no domain in front. */
const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion'];
const NUMBER_FIELDS = ['generation', 'deletionGracePeriodSeconds'] as const;
const MAP_FIELDS = ['labels', 'annotations'] as const;

/**
 * The metadata of a body that somebody sent, reduced to the fields that this server keeps.
 * Throws StatusError 400 where a field has the wrong type, as decoding does in a real API server.
 */
export function readMetadata(raw: unknown): ObjectMeta {
  if (raw === undefined || raw === null) return {};
  if (!isObject(raw)) throw wrongType('metadata', 'an object', raw);
  const metadata: ObjectMeta = {};
  for (const field of [...TEXT_FIELDS, ...TIME_FIELDS]) {
    const value = present(raw, field);
    if (value === undefined) continue;
    if (typeof value !== 'string') throw wrongType(`metadata.${field}`, 'a string', value);
    if (isTime(field) && !TIME.test(value)) throw wrongType(`metadata.${field}`, 'an RFC 3339 time', value);
    if (value !== '') metadata[field] = value;
  }
  for (const field of NUMBER_FIELDS) {
    const value = present(raw, field);
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value)) throw wrongType(`metadata.${field}`, 'an integer', value);
    metadata[field] = value as number;
  }
  for (const field of MAP_FIELDS) {
    const value = present(raw, field);
    if (value === undefined) continue;
    const map = readTextMap(`metadata.${field}`, value);
    if (Object.keys(map).length > 0) metadata[field] = map;
  }
  const finalizers = readList(raw, 'finalizers').map((name, index) => {
    if (typeof name !== 'string') throw wrongType(`metadata.finalizers[${index}]`, 'a string', name);
    return name;
  });
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  const owners = readList(raw, 'ownerReferences').map(readOwnerReference);
  if (owners.length > 0) metadata.ownerReferences = owners;
  return metadata;
}

/** What is wrong with metadata that has the right types: names, labels, annotations, finalizers, owners. */
export function metadataProblems(kind: Kind, metadata: ObjectMeta): FieldError[] {
  const problems: FieldError[] = [];
  const { name, labels = {}, annotations = {}, finalizers = [], ownerReferences = [] } = metadata;
  if (name === undefined) {
    problems.push(fieldError.required('metadata.name', 'name or generateName is required'));
  } else {
    const trouble = nameProblem(kind.nameRule, name);
    if (trouble !== undefined) problems.push(fieldError.invalid('metadata.name', name, trouble));
  }
  for (const [key, value] of Object.entries(labels)) {
    const keyTrouble = labelKeyProblem(key);
    if (keyTrouble !== undefined) problems.push(fieldError.invalid('metadata.labels', key, keyTrouble));
    const valueTrouble = labelValueProblem(value);
    if (valueTrouble !== undefined) problems.push(fieldError.invalid('metadata.labels', value, valueTrouble));
  }
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
    const trouble = labelKeyProblem(key.toLowerCase());
    if (trouble !== undefined) problems.push(fieldError.invalid('metadata.annotations', key, trouble));
  }
  if (size > ANNOTATIONS_LIMIT) problems.push(fieldError.tooLong('metadata.annotations', ANNOTATIONS_LIMIT));
  for (const [index, finalizer] of finalizers.entries()) {
    const trouble = labelKeyProblem(finalizer);
    if (trouble !== undefined) problems.push(fieldError.invalid('metadata.finalizers', finalizer, trouble));
    else if (!kind.selfDescribing && !finalizer.includes('/') && !STANDARD_FINALIZERS.includes(finalizer)) {
      const why = 'name is neither a standard finalizer name nor is it fully qualified';
      problems.push(fieldError.invalid(`metadata.finalizers[${index}]`, finalizer, why));
    }
  }
  problems.push(...ownerProblems(ownerReferences));
  return problems;
}

function ownerProblems(owners: readonly OwnerReference[]): FieldError[] {
  const problems: FieldError[] = [];
  for (const owner of owners) {
    const { apiVersion, kind, name, uid } = owner;
    const field = 'metadata.ownerReferences';
    if (!/^([^/]+\/)?[^/]+$/.test(apiVersion)) {
      problems.push(fieldError.invalid(`${field}.apiVersion`, apiVersion, 'version must not be empty'));
    }
    for (const [member, value] of Object.entries({ kind, name, uid })) {
      if (value === '') problems.push(fieldError.invalid(`${field}.${member}`, '', `${member} must not be empty`));
    }
    if (apiVersion === 'v1' && kind === 'Event') {
      problems.push(fieldError.invalid(field, owner, '/v1, Kind=Event is disallowed from being an owner'));
    }
  }
  const controllers = owners.filter((owner) => owner.controller === true);
  if (controllers.length > 1) {
    const why = 'Only one reference can have Controller set to true';
    problems.push(
      fieldError.invalid('metadata.ownerReferences', controllers.map((owner) => owner.name).join(', '), why),
    );
  }
  return problems;
}

function readOwnerReference(raw: unknown, index: number): OwnerReference {
  const path = `metadata.ownerReferences[${index}]`;
  if (!isObject(raw)) throw wrongType(path, 'an object', raw);
  const text = (field: string): string => {
    const value = present(raw, field) ?? '';
    if (typeof value !== 'string') throw wrongType(`${path}.${field}`, 'a string', value);
    return value;
  };
  const owner: OwnerReference = {
    apiVersion: text('apiVersion'),
    kind: text('kind'),
    name: text('name'),
    uid: text('uid'),
  };
  for (const field of ['controller', 'blockOwnerDeletion'] as const) {
    const value = present(raw, field);
    if (value === undefined) continue;
    if (typeof value !== 'boolean') throw wrongType(`${path}.${field}`, 'a boolean', value);
    owner[field] = value;
  }
  return owner;
}

/** A map of text to text; null counts as empty text, as Go's decoder has it. */
export function readTextMap(path: string, raw: unknown): Record<string, string> {
  if (!isObject(raw)) throw wrongType(path, 'an object', raw);
  const map: Record<string, string> = {};
  for (const [key, value] of Object.entries(raw)) {
    if (value !== null && typeof value !== 'string') throw wrongType(`${path}.${key}`, 'a string', value);
    map[key] = value ?? '';
  }
  return map;
}

function readList(raw: JsonObject, field: string): unknown[] {
  const value = present(raw, field) ?? [];
  if (!Array.isArray(value)) throw wrongType(`metadata.${field}`, 'an array', value);
  return value;
}

function present(raw: JsonObject, field: string): unknown {
  return Object.hasOwn(raw, field) ? (raw[field] ?? undefined) : undefined;
}

function wrongType(path: string, wanted: string, value: unknown) {
  return badRequest(`${path} must be ${wanted}, not ${typeName(value)}`);
}

/** RFC 3339 with seconds, the API's form of a time. */
export function timestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
