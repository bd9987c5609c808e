import { isObject } from '../lib/json.ts';
import { type OpenApiDocument, resolve, type Schema } from './document.ts';

/** The texts that the original service accepted as a boolean, in lower case. */
const words: Record<string, boolean> = {
  true: true,
  t: true,
  yes: true,
  y: true,
  on: true,
  '1': true,
  false: false,
  f: false,
  no: false,
  n: false,
  off: false,
  '0': false,
};

/** Returns the number or boolean in the text `value` if the schema accepts text; otherwise `value` itself. */
export function fromText(schema: Schema, value: unknown): unknown {
  if (schema['x-text-accepted'] !== true) return value;
  if (schema.type === 'boolean' && (typeof value === 'string' || value === 1 || value === 0)) {
    const word = String(value).trim().toLowerCase();
    return Object.hasOwn(words, word) ? words[word] : value;
  }
  if (schema.type !== 'integer') return value;
  if (typeof value === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(value)) return Number(value);
  // Fractions are cut off, as in the original service.
  return typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) : value;
}

/**
 * Returns a copy of the body. Numbers and booleans that older clients send as text are converted. A schema that accepts both
 * types would complicate the generated types and the error messages, and the validator's own coercion would convert every field
 * (`image: 3` would be valid).
 */
export function withTextValues(document: OpenApiDocument, schema: Schema, body: unknown): unknown {
  if (!isObject(body)) return body;
  const result = { ...body };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (!Object.hasOwn(result, name)) continue;
    const inner = resolve(document, property);
    result[name] = inner.properties ? withTextValues(document, inner, result[name]) : fromText(inner, result[name]);
  }
  return result;
}
