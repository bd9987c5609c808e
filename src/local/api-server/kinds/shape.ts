import { badRequest } from '../failures.ts';
import type { FieldError } from '../field-errors.ts';
import type { StoredObject } from '../json.ts';
import { applyDefaults, type Schema, validate } from './schema.ts';

/**
 * Shapes of built-in kinds: the fields that programs of this project read, with types and defaults. Other fields are
 * stored without a check.
 */
export const text: Schema = { type: 'string' };
export const integer: Schema = { type: 'integer' };
export const flag: Schema = { type: 'boolean' };
export const textMap: Schema = { type: 'object', additionalProperties: text };

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

export function record(properties: { [name: string]: Schema }, required: string[] = []): Schema {
  return { type: 'object', properties, required };
}

/** Returns a record that is added if it is missing, so that its defaults and required fields apply. */
export function section(properties: { [name: string]: Schema }, required: string[] = []): Schema {
  return withDefault(record(properties, required), {});
}

export function withDefault(schema: Schema, value: unknown): Schema {
  return { ...schema, default: value };
}

/**
 * Adds defaults to `object` and returns an error for each missing field. Throws StatusError 400 if a field has the wrong
 * type.
 */
export function applyShape(object: StoredObject, shape: Schema): FieldError[] {
  applyDefaults(object, shape);
  const errors = validate(object, shape, '');
  const wrong = errors.filter(({ reason }) => reason !== 'FieldValueRequired');
  if (wrong.length === 0) return errors;
  const details = wrong.map(({ field, message }) => `${field}: ${message}`).join(', ');
  throw badRequest(`${object.kind} in version "${object.apiVersion}" cannot be handled: ${details}`);
}
