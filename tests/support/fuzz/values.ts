import fc from 'fast-check';
import { type OpenApiDocument, resolve, type Schema } from '../../../src/pipeline/document.ts';

/** The keywords of a schema that the service itself does not read. */
interface FullSchema extends Schema {
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  maxItems?: number;
  required?: string[];
  oneOf?: FullSchema[];
  nullable?: boolean;
}

export interface ValueOptions {
  readonly document: OpenApiDocument;
  /** Values that the back ends know, by the name of a field or parameter. */
  readonly known: Readonly<Record<string, readonly unknown[]>>;
  /** Changes the name of an image so that only registries of the test are called. */
  readonly localImage: (text: string) => string;
}

const imageFields = new Set(['image', 'image_url']);
const hostileTexts = [
  '',
  ' ',
  '.',
  '..',
  '/',
  '//',
  '%',
  '%2F',
  '%zz',
  '\u0000',
  '\r\nx: y',
  '\ud800',
  '\u202e',
  'null',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '$(id)',
  "';--",
  'é'.repeat(300),
];

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom(...hostileTexts));
/** Values of any type. */
const anyValue = fc.oneof(
  anyText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, true, 0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, [], {}),
);

/** Mostly allowed values, some at their limits, and sometimes values of any type. */
export function valuesOf(options: ValueOptions, name: string, schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 7, arbitrary: tame(options, name, schema) },
    { weight: resolve(options.document, schema).type === 'object' ? 7 : 1, arbitrary: wild(options, name, schema) },
  );
}

/** Values that the schema allows, mostly values that the back ends know, so that requests pass the validation. */
function tame(options: ValueOptions, name: string, given: Schema): fc.Arbitrary<unknown> {
  const allowed = allowedBy(options, resolve<FullSchema>(options.document, given));
  const known = options.known[name];
  const values = known ? fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...known) }, allowed) : allowed;
  return local(options, name, values);
}

function wild(options: ValueOptions, name: string, given: Schema): fc.Arbitrary<unknown> {
  const schema = resolve<FullSchema>(options.document, given);
  const others = fc.oneof(beyond(schema), anyValue);
  const values =
    schema.type === 'object' ? fc.oneof({ weight: 4, arbitrary: wildObjects(options, schema) }, others) : others;
  return local(options, name, values);
}

function local(options: ValueOptions, name: string, values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  if (!imageFields.has(name)) return values;
  return values.map((value) => (typeof value === 'string' ? options.localImage(value) : value));
}

function allowedBy(options: ValueOptions, schema: FullSchema): fc.Arbitrary<unknown> {
  const value = allowedValue(options, schema);
  return schema.nullable ? fc.option(value, { freq: 10 }) : value;
}

function allowedValue(options: ValueOptions, schema: FullSchema): fc.Arbitrary<unknown> {
  if (schema.oneOf) return fc.oneof(...schema.oneOf.map((each) => allowedBy(options, each)));
  switch (schema.type) {
    case 'string':
      return texts(schema);
    case 'integer':
      return fc.integer({
        min: schema.minimum ?? -1_000,
        max: Math.min(schema.maximum ?? (schema.minimum ?? 0) + 1_000, 100_000),
      });
    case 'number':
      return fc.double({ min: schema.minimum ?? 0, max: schema.maximum ?? 1e6, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(tame(options, 'items', schema.items ?? {}), { maxLength: 3 });
    case 'object':
      return objects(options, schema);
    default:
      return anyValue;
  }
}

function texts({ pattern, minLength = 0, maxLength = 64 }: FullSchema): fc.Arbitrary<string> {
  const max = Math.min(maxLength, 64);
  if (pattern === undefined || pattern.startsWith('^[^')) {
    // Printable text is enough here: `beyond` and `anyValue` have the other characters.
    return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(max, 16) });
  }
  return fc.stringMatching(new RegExp(pattern), { maxLength: max }).filter((text) => text.length >= minLength);
}

function objects(options: ValueOptions, schema: FullSchema): fc.Arbitrary<object> {
  const { additionalProperties, required = [] } = schema;
  if (typeof additionalProperties === 'object') {
    return fc.dictionary(fc.stringMatching(/^[A-Z_]\w{0,8}$/), tame(options, 'more', additionalProperties), {
      maxKeys: 3,
    });
  }
  return fc.record(fieldsOf(options, schema), { requiredKeys: required });
}

const fieldsOf = (options: ValueOptions, { properties = {} }: FullSchema): Record<string, fc.Arbitrary<unknown>> =>
  Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, tame(options, name, inner)]));

/** A body with one random field, with missing fields, or with unknown fields. */
function wildObjects(options: ValueOptions, schema: FullSchema): fc.Arbitrary<object> {
  const { properties = {}, additionalProperties } = schema;
  const oneWild = Object.entries(properties).map(([name, inner]) =>
    wild(options, name, inner).map((value) => ({ [name]: value })),
  );
  const others = typeof additionalProperties === 'object' ? additionalProperties : {};
  const unknown = fc.dictionary(anyText, valuesOf(options, 'more', others), { maxKeys: 3 });
  const changed = fc.tuple(objects(options, schema), fc.oneof(...oneWild, unknown));
  return fc.oneof(
    { weight: 9, arbitrary: changed.map(([value, change]) => ({ ...value, ...change })) },
    { weight: 1, arbitrary: fc.record(fieldsOf(options, schema), { requiredKeys: [] }) },
  );
}

/** Values at the limits of the schema: some allowed, some not. */
function beyond({ minLength = 0, maxLength = 0, minimum, maximum, nullable }: FullSchema): fc.Arbitrary<unknown> {
  const edges: unknown[] = [
    'x'.repeat(Math.max(0, minLength - 1)),
    'x'.repeat(maxLength),
    'x'.repeat(maxLength + 1),
    'tab\tnew\nline',
    'true',
    'False',
    '3',
    ' 3',
    '-0',
    '1e3',
    '0x10',
    -1,
    2 ** 31 - 1,
    2 ** 31,
    0.5,
    true,
    [[]],
  ];
  if (minimum !== undefined) edges.push(minimum, minimum - 1, String(minimum - 1));
  if (maximum !== undefined) edges.push(maximum, maximum + 1, String(maximum + 1));
  if (!nullable) edges.push(null);
  return fc.constantFrom(...edges);
}
