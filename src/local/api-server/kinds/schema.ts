import { type FieldError, fieldError, typeName } from '../field-errors.ts';
import { cloneJson, isObject, type JsonObject } from '../json.ts';

/** The part of a CRD's `openAPIV3Schema` that this server understands; `parseSchema` refuses anything else. */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  properties?: { [name: string]: Schema };
  additionalProperties?: Schema;
  items?: Schema;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  nullable?: boolean;
  required?: string[];
  oneOf?: { required: string[] }[];
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-int-or-string'?: true;
}

const KNOWN_KEYWORDS = new Set([
  'type',
  'description',
  'properties',
  'additionalProperties',
  'items',
  'default',
  'enum',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'nullable',
  'required',
  'oneOf',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-int-or-string',
]);

/** Checks that every keyword is one that is honoured here; a schema that promises more than is checked is an error. */
export function parseSchema(raw: unknown, path = 'openAPIV3Schema'): Schema {
  if (!isObject(raw)) throw new Error(`${path} must be an object`);
  for (const keyword of Object.keys(raw)) {
    if (!KNOWN_KEYWORDS.has(keyword)) throw new Error(`${path}: the keyword ${keyword} is not supported`);
  }
  const schema = raw as Schema;
  for (const [name, inner] of Object.entries(schema.properties ?? {})) parseSchema(inner, `${path}.${name}`);
  if (schema.items !== undefined) parseSchema(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) parseSchema(schema.additionalProperties, `${path}.*`);
  return schema;
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
const own = (schemas: { [name: string]: Schema } | undefined, name: string): Schema | undefined =>
  schemas !== undefined && Object.hasOwn(schemas, name) ? schemas[name] : undefined;

/** Drops every member that the schema does not know, in place; the dropped paths are added to `dropped`. */
export function prune(value: unknown, schema: Schema, dropped: string[], path = ''): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      if (schema.items) prune(item, schema.items, dropped, `${path}[${index}]`);
    return;
  }
  if (!isObject(value)) return;
  for (const name of Object.keys(value)) {
    const inner = own(schema.properties, name) ?? schema.additionalProperties;
    if (inner !== undefined) {
      prune(value[name], inner, dropped, join(path, name));
    } else if (!schema['x-kubernetes-preserve-unknown-fields']) {
      delete value[name];
      dropped.push(join(path, name));
    }
  }
}

/**
 * Fills in defaults, in place. A null in a field that is not nullable counts as missing: it becomes the default, or
 * goes away where there is none.
 */
export function applyDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    for (const item of value) if (schema.items) applyDefaults(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    if (Object.hasOwn(value, name) && value[name] === null && !inner.nullable) delete value[name];
    if (!Object.hasOwn(value, name) && inner.default !== undefined) value[name] = cloneJson(inner.default);
    if (Object.hasOwn(value, name)) applyDefaults(value[name], inner);
  }
  const others = schema.additionalProperties;
  if (others === undefined) return;
  for (const name of Object.keys(value)) {
    if (own(schema.properties, name) !== undefined) continue;
    // In a map of texts null stands for an empty one, as Go's decoder has it.
    if (value[name] === null && others.type === 'string' && !others.nullable) value[name] = '';
    applyDefaults(value[name], others);
  }
}

/** Everything that is wrong with a value, in the words of the API server's validation. */
export function validate(value: unknown, schema: Schema, path: string): FieldError[] {
  if (value === null && schema.nullable) return [];
  if (!hasType(value, schema)) {
    const wanted = schema['x-kubernetes-int-or-string'] ? 'integer,string' : schema.type;
    return [fieldError.wrongType(path, value, `${path} in body must be of type ${wanted}: "${typeName(value)}"`)];
  }
  const problems = valueProblems(value, schema, path);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (schema.items) problems.push(...validate(item, schema.items, `${path}[${index}]`));
    }
  } else if (isObject(value)) {
    problems.push(...memberProblems(value, schema, path));
  }
  return problems;
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

function valueProblems(value: unknown, schema: Schema, path: string): FieldError[] {
  const problems: FieldError[] = [];
  const { enum: allowed, minimum, maximum, minLength, maxLength, pattern } = schema;
  if (allowed !== undefined && !allowed.includes(value)) problems.push(fieldError.notSupported(path, value, allowed));
  if (typeof value === 'number') {
    if (minimum !== undefined && value < minimum) {
      problems.push(fieldError.invalid(path, value, `${path} in body should be greater than or equal to ${minimum}`));
    }
    if (maximum !== undefined && value > maximum) {
      problems.push(fieldError.invalid(path, value, `${path} in body should be less than or equal to ${maximum}`));
    }
  }
  if (typeof value === 'string') {
    if (minLength !== undefined && [...value].length < minLength) {
      problems.push(fieldError.invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
    }
    if (maxLength !== undefined && [...value].length > maxLength) {
      problems.push(fieldError.invalid(path, value, `${path} in body should be at most ${maxLength} chars long`));
    }
    if (pattern !== undefined && !new RegExp(pattern).test(value)) {
      problems.push(fieldError.invalid(path, value, `${path} in body should match '${pattern}'`));
    }
  }
  return problems;
}

function memberProblems(value: JsonObject, schema: Schema, path: string): FieldError[] {
  const problems: FieldError[] = [];
  const has = (name: string) => Object.hasOwn(value, name);
  for (const name of schema.required ?? []) {
    if (!has(name)) problems.push(fieldError.required(join(path, name)));
  }
  if (schema.oneOf !== undefined) {
    const matching = schema.oneOf.filter((alternative) => alternative.required.every(has)).length;
    if (matching !== 1) {
      const found = matching === 0 ? 'Found none valid' : `Found ${matching} valid alternatives`;
      problems.push(
        fieldError.invalid(path, value, `${path} in body must validate one and only one schema (oneOf). ${found}`),
      );
    }
  }
  for (const [name, item] of Object.entries(value)) {
    const inner = own(schema.properties, name) ?? schema.additionalProperties;
    if (inner !== undefined) problems.push(...validate(item, inner, join(path, name)));
  }
  return problems;
}
