import { isObject, type JsonObject } from '../../../lib/json.ts';
import { type FieldError, fieldError, typeName } from '../field-errors.ts';
import { cloneJson } from '../json.ts';

/** The keywords of a CRD's `openAPIV3Schema` that this server supports. */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  properties?: { [name: string]: Schema };
  additionalProperties?: Schema;
  items?: Schema;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  pattern?: string;
  required?: string[];
  oneOf?: { required: string[] }[];
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-int-or-string'?: true;
}

const KEYWORDS = [
  'type',
  'description',
  'properties',
  'additionalProperties',
  'items',
  'default',
  'enum',
  'minimum',
  'pattern',
  'required',
  'oneOf',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-int-or-string',
];

/** Returns `raw` as a schema. Throws an Error for an unsupported keyword, because its rule would not be applied. */
export function parseSchema(raw: unknown): Schema {
  assertSchema(raw, 'openAPIV3Schema');
  return raw;
}

function assertSchema(raw: unknown, path: string): asserts raw is Schema {
  if (!isObject(raw)) throw new Error(`${path} must be an object`);
  for (const keyword of Object.keys(raw)) {
    if (!KEYWORDS.includes(keyword)) throw new Error(`${path}: the keyword ${keyword} is not supported`);
  }
  for (const [name, inner] of Object.entries(raw['properties'] ?? {})) assertSchema(inner, `${path}.${name}`);
  if (raw['items'] !== undefined) assertSchema(raw['items'], `${path}[]`);
  if (raw['additionalProperties'] !== undefined) assertSchema(raw['additionalProperties'], `${path}.*`);
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
const own = (schemas: { [name: string]: Schema } | undefined, name: string): Schema | undefined =>
  schemas !== undefined && Object.hasOwn(schemas, name) ? schemas[name] : undefined;

/** Removes members that the schema does not have, in place, and adds their paths to `removed`. */
export function prune(value: unknown, schema: Schema, removed: string[], path = ''): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (schema.items) prune(item, schema.items, removed, `${path}[${index}]`);
    }
    return;
  }
  if (!isObject(value)) return;
  for (const name of Object.keys(value)) {
    const inner = own(schema.properties, name) ?? schema.additionalProperties;
    if (inner !== undefined) {
      prune(value[name], inner, removed, join(path, name));
    } else if (!schema['x-kubernetes-preserve-unknown-fields']) {
      delete value[name];
      removed.push(join(path, name));
    }
  }
}

/** Adds defaults, in place. A member with the value null counts as missing. */
export function applyDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    for (const item of value) if (schema.items) applyDefaults(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (Object.hasOwn(value, name) && value[name] === null) delete value[name];
    if (!Object.hasOwn(value, name) && inner.default !== undefined) value[name] = cloneJson(inner.default);
    if (Object.hasOwn(value, name)) applyDefaults(value[name], inner);
  }
  const others = schema.additionalProperties;
  if (others === undefined) return;
  for (const name of Object.keys(value)) {
    if (own(schema.properties, name) !== undefined) continue;
    // Go decodes null in a map of strings as the empty string.
    if (value[name] === null && others.type === 'string') value[name] = '';
    applyDefaults(value[name], others);
  }
}

/** Returns the errors in `value`, with the wording of the API server. `path` is the path of `value`. */
export function validate(value: unknown, schema: Schema, path: string): FieldError[] {
  if (!hasType(value, schema)) {
    const wanted = schema['x-kubernetes-int-or-string'] ? 'integer,string' : schema.type;
    return [fieldError.wrongType(path, value, `${path} in body must be of type ${wanted}: "${typeName(value)}"`)];
  }
  const errors = valueErrors(value, schema, path);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (schema.items) errors.push(...validate(item, schema.items, `${path}[${index}]`));
    }
  } else if (isObject(value)) {
    errors.push(...memberErrors(value, schema, path));
  }
  return errors;
}

function hasType(value: unknown, schema: Schema): boolean {
  if (schema['x-kubernetes-int-or-string']) return typeof value === 'string' || Number.isInteger(value);
  switch (schema.type) {
    case undefined:
      return true;
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === schema.type;
  }
}

function valueErrors(value: unknown, { enum: allowed, minimum, pattern }: Schema, path: string): FieldError[] {
  if (allowed !== undefined && !allowed.includes(value)) return [fieldError.notSupported(path, value, allowed)];
  if (typeof value === 'number' && minimum !== undefined && value < minimum) {
    return [fieldError.invalid(path, value, `${path} in body should be greater than or equal to ${minimum}`)];
  }
  if (typeof value === 'string' && pattern !== undefined && !new RegExp(pattern).test(value)) {
    return [fieldError.invalid(path, value, `${path} in body should match '${pattern}'`)];
  }
  return [];
}

function memberErrors(value: JsonObject, { required = [], oneOf, ...schema }: Schema, path: string): FieldError[] {
  const has = (name: string) => Object.hasOwn(value, name);
  const errors = required.filter((name) => !has(name)).map((name) => fieldError.required(join(path, name)));
  const matching = oneOf?.filter((alternative) => alternative.required.every(has)).length ?? 1;
  if (matching !== 1) {
    const found = matching === 0 ? 'Found none valid' : `Found ${matching} valid alternatives`;
    const why = `${path} in body must validate one and only one schema (oneOf). ${found}`;
    errors.push(fieldError.invalid(path, value, why));
  }
  for (const [name, item] of Object.entries(value)) {
    const inner = own(schema.properties, name) ?? schema.additionalProperties;
    if (inner !== undefined) errors.push(...validate(item, inner, join(path, name)));
  }
  return errors;
}
