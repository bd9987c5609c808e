import { badRequest } from '../failures.ts';
import type { StoredObject } from '../json.ts';
import { applyDefaults, type Schema, validate } from './schema.ts';

/**
 * Shapes of built-in kinds: the fields that this server or the programs around it look into, with their types and
 * defaults. Everything else in such an object is kept as it came.
 */
export const text: Schema = { type: 'string' };
export const integer: Schema = { type: 'integer' };
export const flag: Schema = { type: 'boolean' };
/** RFC 3339, with or without fractions of a second. */
export const time: Schema = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$',
};
/** With microseconds, as leases have it: client-go reads nothing else. */
export const microTime: Schema = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}(Z|[+-]\\d\\d:\\d\\d)$',
};
export const anything: Schema = { 'x-kubernetes-preserve-unknown-fields': true };
/** Text, or a JSON number of any kind (`0.5`), which a custom resource's int-or-string is not. Not looked into. */
export const quantity: Schema = anything;
export const intOrText: Schema = { 'x-kubernetes-int-or-string': true };
export const textMap: Schema = { type: 'object', additionalProperties: text };

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

export function record(properties: { [name: string]: Schema }): Schema {
  return { type: 'object', properties };
}

/** The same field with a value for where it is missing. */
export function withDefault(schema: Schema, value: unknown): Schema {
  return { ...schema, default: value };
}

/** Applies defaults; throws StatusError 400 where a field has the wrong type, as decoding does in a real API server. */
export function takeShape(object: StoredObject, shape: Schema): void {
  applyDefaults(object, shape);
  const problems = validate(object, shape, '');
  if (problems.length > 0) {
    const list = problems.map(({ field, message }) => `${field}: ${message}`).join(', ');
    throw badRequest(`${object.kind} in version "${object.apiVersion}" cannot be handled: ${list}`);
  }
}
