/**
 * Writes the types of openapi.yaml's schemas to src/generated/openapi.ts; with --check it writes nothing and fails when
 * the file is not what it would write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from 'json-schema-to-typescript';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..');
const target = join(root, 'src/generated/openapi.ts');

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** OpenAPI 3.0 says `nullable` where JSON Schema says a list of types, and keeps its schemas in another place. */
function asJsonSchema(value: Json): Json {
  if (Array.isArray(value)) return value.map(asJsonSchema);
  if (value === null || typeof value !== 'object') return value;
  const { nullable, ...rest } = value;
  const schema = Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, asJsonSchema(inner)]));
  if (typeof schema['$ref'] === 'string') {
    schema['$ref'] = schema['$ref'].replace('#/components/schemas/', '#/definitions/');
  }
  if (nullable === true) {
    schema['type'] = [schema['type'] ?? 'object', 'null'];
    if (Array.isArray(schema['enum'])) schema['enum'] = [...schema['enum'], null];
  }
  return schema;
}

async function generate(): Promise<string> {
  const document = parse(readFileSync(join(root, 'openapi.yaml'), 'utf8')) as {
    components: { schemas: Record<string, Json> };
  };
  const definitions = asJsonSchema(document.components.schemas) as Record<string, Json>;
  const properties = Object.fromEntries(
    Object.keys(definitions).map((name) => [name, { $ref: `#/definitions/${name}` }]),
  );
  // Through JSON, so that a part that YAML aliases share is compiled as two.
  const schema = JSON.parse(
    JSON.stringify({ title: 'Schemas', type: 'object', required: Object.keys(properties), properties, definitions }),
  ) as Parameters<typeof compile>[0];
  return compile(schema, 'Schemas', {
    additionalProperties: false,
    bannerComment: '/* Generated from openapi.yaml by `npm run generate`. Do not edit. */',
    style: { singleQuote: true, printWidth: 120 },
  });
}

const text = await generate();
if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (readFileSync(target, 'utf8') !== text) {
  process.stderr.write('src/generated/openapi.ts is not what openapi.yaml says; run: npm run generate\n');
  process.exitCode = 1;
}
