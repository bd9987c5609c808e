/** An error in one field of an object: one of `details.causes` of a Status. */
export interface FieldError {
  field: string;
  /** FieldValueRequired, FieldValueInvalid, FieldValueForbidden, ... */
  reason: string;
  message: string;
}

/** Functions that return a FieldError, with the wording of a Kubernetes API server. */
export const fieldError = {
  required: (field: string, hint = ''): FieldError => ({
    field,
    reason: 'FieldValueRequired',
    message: hint === '' ? 'Required value' : `Required value: ${hint}`,
  }),
  invalid: (field: string, value: unknown, why: string): FieldError => ({
    field,
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${shown(value)}: ${why}`,
  }),
  notSupported: (field: string, value: unknown, supported: readonly unknown[]): FieldError => ({
    field,
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${shown(value)}: supported values: ${supported.map(shown).join(', ')}`,
  }),
  forbidden: (field: string, why: string): FieldError => ({
    field,
    reason: 'FieldValueForbidden',
    message: `Forbidden: ${why}`,
  }),
  wrongType: (field: string, value: unknown, why: string): FieldError => ({
    field,
    reason: 'FieldValueTypeInvalid',
    message: `Invalid value: ${shown(typeName(value))}: ${why}`,
  }),
  notFound: (field: string, value: unknown): FieldError => ({
    field,
    reason: 'FieldValueNotFound',
    message: `Not found: ${shown(value)}`,
  }),
  duplicate: (field: string, value: unknown): FieldError => ({
    field,
    reason: 'FieldValueDuplicate',
    message: `Duplicate value: ${shown(value)}`,
  }),
  tooLong: (field: string, limit: number): FieldError => ({
    field,
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${limit} bytes`,
  }),
};

/** Returns the JSON type of `value`; whole numbers are `integer`. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** Returns `value` as JSON of at most 200 characters, because an error must not repeat a large field. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
