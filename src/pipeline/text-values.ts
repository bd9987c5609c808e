import { type OpenApiDocument, resolve, type Schema } from './document.ts';

/** The words that the original took for a boolean, in lower case. */
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

/** A value for a schema that also accepts its text; anything that is no such text comes back as it was. */
export function fromText(schema: Schema, value: unknown): unknown {
  if (schema['x-text-accepted'] !== true) return value;
  if (schema.type === 'boolean' && (typeof value === 'string' || value === 1 || value === 0)) {
    const word = String(value).trim().toLowerCase();
    return Object.hasOwn(words, word) ? words[word] : value;
  }
  if (schema.type !== 'integer') return value;
  if (typeof value === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(value)) return Number(value);
  // The original cut fractions off.
  return typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) : value;
}

/**
 * Numbers and booleans that older clients send as text, in a body. This is done before validation and only for fields
 * that say so, rather than by a schema that takes both: the types that the code is written against stay simple, and so
 * does the message for a wrong value. The validator's own coercion would do it to every field (`image: 3` would pass).
 */
export function withTextValues(document: OpenApiDocument, schema: Schema, body: unknown): unknown {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return body;
  const result: Record<string, unknown> = { ...body };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (!Object.hasOwn(result, name)) continue;
    const inner = resolve(document, property);
    result[name] = inner.properties ? withTextValues(document, inner, result[name]) : fromText(inner, result[name]);
  }
  return result;
}
